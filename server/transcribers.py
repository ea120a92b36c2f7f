"""Loads what finds words, as the settings say.

By itself, so that the processes in which words are found load nothing else.
"""

import os

from models.faster_whisper import FasterWhisper
from models.memory import return_memory
from models.openai_whisper import OpenAIWhisper
from models.packed_linear import Precision
from models.runtime import check_device, prepare_torch
from models.transcription import Recogniser, WhisperTranscriber
from models.whisper_weights import forget_whisper
from server.config import WhisperSettings
from server.errors import ConfigError

_MOST_WORKERS = 8
"""More batches at once than this wait for memory, not for processors."""


def load_transcriber(settings: WhisperSettings) -> WhisperTranscriber:
    """Load the back end that the settings name.

    Raises:
        WeightsError: as `load_models`.
        ConfigError: as `load_models`.
    """
    prepare_torch(settings.threads)
    try:
        check_device(settings.device)
    except ValueError as error:
        raise ConfigError(f"whisper.device: {error}") from error
    try:
        return WhisperTranscriber(_recogniser(settings))
    except ValueError as error:
        raise ConfigError(f"whisper: {error}") from error


def load_alone(settings: WhisperSettings) -> WhisperTranscriber:
    """Load the back end in a process that does nothing else; see `load_transcriber`."""
    transcriber = load_transcriber(settings)
    forget_whisper()
    return_memory()
    return transcriber


def n_workers(settings: WhisperSettings) -> int:
    """How many batches of utterances run at once."""
    if settings.workers:
        return settings.workers
    if settings.device != "cpu":
        return 1
    n_cores = len(os.sched_getaffinity(0))
    return max(1, min(_MOST_WORKERS, n_cores // max(1, settings.threads)))


def _recogniser(settings: WhisperSettings) -> Recogniser:
    model, languages, device = settings.model, settings.languages, settings.device
    if settings.backend == "faster-whisper":
        precision = settings.precision
        if precision == "auto":
            precision = "int8" if device == "cpu" else "float16"
        return FasterWhisper(
            model, languages, device, precision, settings.threads, n_workers(settings)
        )
    return OpenAIWhisper(model, languages, device, _precision(settings))


def _precision(settings: WhisperSettings) -> Precision:
    """What openai-whisper's matrices are multiplied in."""
    if settings.precision == "auto":
        return Precision.best_for_few_rows(settings.device)
    if settings.precision == "int8" and settings.device != "cpu":
        raise ConfigError(
            f'whisper.precision = "int8" on {settings.device!r} needs '
            'whisper.backend = "faster-whisper"'
        )
    return Precision(settings.precision)
