"""Words of one utterance, with Whisper."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from audio.frame import RATE
from models.chinese import tidy
from models.errors import InferenceError
from models.guard import is_invented, ran_away, token_limit, without_loop
from models.ports import Transcript
from models.whisper_decoder import Decoded, GreedyDecoder
from models.whisper_encoder import CutEncoder
from models.whisper_weights import DEFAULT, canonical, load_whisper

_SHORTEST_S = 0.1
"""Nothing shorter is a word."""

_SILENT_PEAK = 1e-3
"""-60 dBFS: audio that never gets louder holds nothing that can be understood."""


class WhisperTranscriber:
    """A `Transcriber` on openai-whisper. Thread-safe: it keeps nothing between calls.

    The model is loaded when this is made (a few seconds, once per process), and
    shared with whoever else asks `load_whisper` for it.

    Args:
        model: ``whisper-base``, an openai-whisper name, or the path of a checkpoint.
        languages: ISO 639-1 codes to choose from where none is asked for.

    Attributes:
        name: name of the weights, for the log of a call.

    Raises:
        WeightsError: the weights are missing or corrupted; the message says the repair.
        ValueError: no language is given, or one that the model does not know.
    """

    def __init__(
        self, model: str = DEFAULT, languages: Sequence[str] = ("en", "zh")
    ) -> None:
        if not languages:
            raise ValueError("expected at least one language, got none")
        whisper = load_whisper(model)
        self._decoder = GreedyDecoder(whisper, languages)
        self._encoder = CutEncoder(whisper)
        self._languages = tuple(languages)
        # A path may tell whose machine this is: only the file's name goes to the log.
        self.name = canonical(model).replace("\\", "/").rpartition("/")[2]

    def transcribe(self, pcm: NDArray[np.float32], language: str | None) -> Transcript:
        """Transcribe one utterance.

        Args:
            pcm: float32, shape ``(n_samples,)``, mono at 16 kHz, in [-1, 1];
                at most 30 s.
            language: ISO 639-1 code, or None to detect it among the languages.

        Raises:
            InferenceError: the utterance is too long or holds what is not a number,
                or the model does not know the language.
        """
        self._check(pcm)
        if len(pcm) < _SHORTEST_S * RATE or np.abs(pcm).max() < _SILENT_PEAK:
            return self._nothing(language)
        limit = token_limit(len(pcm))
        decoded = self._decode(self._encoder.encode(pcm), language, limit)
        if ran_away(decoded):
            # Padded to 30 s, as it was trained, it mostly finds the end.
            padded = self._encoder.encode_padded(pcm)
            again = self._decode(padded, decoded.language, limit)
            sure = decoded.language_probability
            decoded = replace(again, language_probability=sure)
        return _transcript(decoded)

    def _nothing(self, language: str | None) -> Transcript:
        if language is None:
            return Transcript("", self._languages[0], 0.0, 0.0)
        return Transcript("", language, 1.0, 0.0)

    def _check(self, pcm: NDArray[np.float32]) -> None:
        if pcm.ndim != 1 or pcm.dtype != np.float32:
            raise InferenceError(
                "an utterance must be float32 with shape (n_samples,), "
                f"got {pcm.dtype} with shape {pcm.shape}"
            )
        if len(pcm) > self._encoder.max_samples:
            raise InferenceError(
                f"an utterance has at most {self._encoder.max_samples} samples, "
                f"got {len(pcm)}"
            )
        if not np.isfinite(pcm).all():
            raise InferenceError("an utterance must hold finite numbers only")

    def _decode(self, features: Tensor, language: str | None, limit: int) -> Decoded:
        try:
            return self._decoder.decode(features, language, limit)
        except ValueError as error:
            raise InferenceError(str(error)) from error


def _transcript(decoded: Decoded) -> Transcript:
    text = without_loop(decoded.text) if ran_away(decoded) else decoded.text
    if decoded.language == "zh":
        text = tidy(text)
    if not text or is_invented(decoded, text):
        text = ""
    return Transcript(
        text=text,
        language=decoded.language,
        language_probability=decoded.language_probability,
        confidence=math.exp(decoded.mean_logprob) if text else 0.0,
    )
