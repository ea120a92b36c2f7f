"""Loads the models that the settings name."""

from models.runtime import set_threads
from models.speech_detection import SileroDetector
from models.transcription import WhisperTranscriber
from models.voice import load_voice_reader
from server.config import Settings
from server.engine import Models
from server.errors import ConfigError


def load_models(settings: Settings) -> Models:
    """Load everything the service hears with. Takes seconds; blocking.

    Raises:
        WeightsError: weights are missing or corrupted; the message says the repair.
        ConfigError: the model does not know one of the languages.
    """
    whisper = settings.whisper
    set_threads(whisper.threads)
    try:
        transcriber = WhisperTranscriber(whisper.model, whisper.languages)
    except ValueError as error:
        raise ConfigError(f"whisper.languages: {error}") from error
    voice_reader = load_voice_reader()
    SileroDetector()  # Loads the shared session, so that errors come now.
    return Models(
        new_detector=SileroDetector,
        transcriber=transcriber,
        voice_reader=voice_reader,
        names=(transcriber.name, SileroDetector.name, voice_reader.model),
    )
