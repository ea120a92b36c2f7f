"""Anger from the customer's voice, read from the encoder that Whisper already has."""

from pathlib import Path

import numpy as np
from whisper.model import AudioEncoder

from audio.frame import RATE, CustomerWindow
from models.errors import InferenceError
from models.packed_linear import Precision
from models.ports import VoiceReading
from models.voice_features import SILENT_DBFS, EarlyBlocks, find_speech
from models.voice_head import VoiceHead, check_encoder, load_head
from models.whisper_weights import load_whisper

_WEIGHTS = Path(__file__).parent / "weights"

PERMISSIVE = _WEIGHTS / "voice-permissive.npz"
"""The default head, trained on data whose licence (CC BY) allows any use."""

RESEARCH = _WEIGHTS / "voice-research.npz"
"""A head trained on more data, some of which allows no commercial use."""

SHORTEST_S = 0.1
LONGEST_S = 30.0


class EncoderVoiceReader:
    """Reads anger from windows of the customer's speech. Blocking, thread-safe.

    A window in which nobody can be heard is read as no anger. Probabilities are
    rounded to four digits: the last bits of a matrix product depend on the machine.

    Args:
        encoder: Whisper's, the one the head was trained on; only read.
        head: the classifier.

    Raises:
        WeightsError: the head was trained on another encoder.
    """

    def __init__(self, encoder: AudioEncoder, head: VoiceHead) -> None:
        check_encoder(encoder, head)
        self._encoder = EarlyBlocks(
            encoder, max(head.card.blocks), Precision.best("cpu")
        )
        self._head = head
        self.model = f"{head.card.name} {head.card.version}"

    def read(self, window: CustomerWindow) -> VoiceReading:
        """Read one window of speech, 1 to 5 s long.

        Raises:
            InferenceError: the window is shorter than 0.1 s, longer than 30 s, or
                holds samples that are not numbers.
        """
        duration_s = len(window.pcm) / RATE
        if not SHORTEST_S <= duration_s <= LONGEST_S:
            raise InferenceError(
                f"a window must last {SHORTEST_S} to {LONGEST_S} s, "
                f"got {duration_s:.3f} s"
            )
        if not np.isfinite(window.pcm).all():
            raise InferenceError("a window holds samples that are not finite")
        level_dbfs = find_speech(window.pcm).level_dbfs
        anger = 0.0
        if level_dbfs > SILENT_DBFS:
            sound = self._encoder.hear(window.pcm, self._head.card.blocks)
            anger = round(self._head.probability(sound), 4)
        return VoiceReading(window.end_s, anger, level_dbfs, self.model)


def weights_file(name: str) -> Path:
    """Return the file that a setting means: a set of weights by name, or a path."""
    return {"permissive": PERMISSIVE, "research": RESEARCH}.get(name, Path(name))


def load_voice_reader(weights: Path = PERMISSIVE) -> EncoderVoiceReader:
    """Make the reader of the live service, on the shared copy of Whisper base.

    Args:
        weights: file of the head.

    Raises:
        WeightsError: weights are missing, corrupted or do not fit each other; the
            message says the repair.
    """
    head = load_head(weights)
    return EncoderVoiceReader(load_whisper().encoder, head)
