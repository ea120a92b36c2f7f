"""Loads the models that the settings name."""

import os
from functools import partial

from emotion.word_model import parse_word_model
from emotion.words import WordReader, load_word_reader
from models.diarisation import DiarisationParams, PyannoteDiariser
from models.faster_whisper import FasterWhisper
from models.openai_whisper import OpenAIWhisper
from models.packed_linear import Precision
from models.runtime import check_device, set_threads
from models.speaker_tracking import LiveTracker, TrackingParams
from models.speech_detection import SileroDetector
from models.text_encoder import load_text_encoder
from models.transcription import Recogniser, WhisperTranscriber
from models.voice import load_voice_reader, weights_file
from models.word_times import WhisperWordTimes
from server.config import (
    DiarisationSettings,
    Settings,
    WhisperSettings,
    WordsSettings,
    environment,
)
from server.engine import Models
from server.errors import ConfigError

_MOST_WORKERS = 8
"""More batches at once than this wait for memory, not for processors."""

_CPU_BATCH, _GPU_BATCH = 8, 32
"""Utterances in a batch. Beyond eight a processor gains little (docs/evaluation.md)."""


def load_words(settings: WordsSettings) -> WordReader:
    """Load what reads the customer's words.

    Raises:
        ConfigError: one of the files of own weights cannot be read.
        WordModelError: weights are damaged or of another version.
        WeightsError: the encoder cannot be loaded.
    """
    own = []
    for path in settings.weights:
        try:
            own.append(parse_word_model(path.read_bytes(), path.name))
        except OSError as error:
            raise ConfigError(f"words.weights: {path} cannot be read") from error
    return load_word_reader(load_text_encoder(), own)


def load_models(settings: Settings) -> Models:
    """Load everything the service hears with. Takes seconds; blocking.

    Raises:
        WeightsError: weights are missing or corrupted; the message says the repair.
        ConfigError: the model does not know one of the languages, or the settings
            ask for what the back end or this machine does not have.
    """
    whisper = settings.whisper
    transcriber = load_transcriber(whisper)
    voice_reader = load_voice_reader(weights_file(settings.voice.weights))
    SileroDetector()  # Loads the shared session, so that errors come now.
    return Models(
        new_detector=SileroDetector,
        transcriber=transcriber,
        voice_reader=voice_reader,
        names=(transcriber.name, SileroDetector.name, voice_reader.model),
        words_workers=n_workers(whisper),
        words_batch=whisper.batch
        or (_CPU_BATCH if whisper.device == "cpu" else _GPU_BATCH),
        diariser=PyannoteDiariser(
            DiarisationParams(
                pipeline=settings.diarisation.pipeline,
                n_speakers=settings.diarisation.n_speakers,
                most_speakers=settings.diarisation.most_speakers,
            ),
            token=environment().get(settings.diarisation.token_env, ""),
        ),
        word_times=WhisperWordTimes(whisper.model, whisper.device),
        new_tracker=partial(LiveTracker, params=_tracking(settings.diarisation)),
    )


def _tracking(settings: DiarisationSettings) -> TrackingParams:
    return TrackingParams(most=settings.n_speakers or settings.most_speakers)


def load_transcriber(settings: WhisperSettings) -> WhisperTranscriber:
    """Load the back end that the settings name.

    Raises:
        WeightsError: as `load_models`.
        ConfigError: as `load_models`.
    """
    set_threads(settings.threads)
    try:
        check_device(settings.device)
    except ValueError as error:
        raise ConfigError(f"whisper.device: {error}") from error
    try:
        return WhisperTranscriber(_recogniser(settings))
    except ValueError as error:
        raise ConfigError(f"whisper: {error}") from error


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
        return Precision.best(settings.device)
    if settings.precision == "int8":
        raise ConfigError(
            'whisper.precision = "int8" needs whisper.backend = "faster-whisper"'
        )
    return Precision(settings.precision)
