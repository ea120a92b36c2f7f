"""Loads the models that the settings name."""

from dataclasses import replace
from functools import partial

from emotion.word_model import parse_word_model
from emotion.words import WordReader, load_word_reader
from models.diarisation import DiarisationParams, PyannoteDiariser
from models.processes import ProcessTranscriber
from models.runtime import prepare_torch
from models.speaker_tracking import LiveTracker, TrackingParams
from models.speech_detection import SileroDetector
from models.text_encoder import load_text_encoder
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
from server.transcribers import load_alone, load_transcriber, n_workers

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


def load_models(settings: Settings, *, serving: bool = False) -> Models:
    """Load everything the service hears with. Takes seconds; blocking.

    Args:
        settings: which models.
        serving: words are found in processes of their own, so that what serves need
            not wait for them, nor they for it.

    Raises:
        WeightsError: weights are missing or corrupted; the message says the repair.
        ConfigError: the model does not know one of the languages, or the settings
            ask for what the back end or this machine does not have.
    """
    whisper = settings.whisper
    prepare_torch(whisper.threads)
    transcriber = _load_apart(whisper) if serving else load_transcriber(whisper)
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


def _load_apart(settings: WhisperSettings) -> ProcessTranscriber:
    one_each = replace(settings, workers=1)
    return ProcessTranscriber(partial(load_alone, one_each), n_workers(settings))
