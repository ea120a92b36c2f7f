"""When in an utterance each word was said, read from Whisper's cross-attention.

Costs as much as encoding 30 s: for the few utterances in which a moment matters.
Source: openai-whisper, timing.py, `find_alignment` (dynamic time warping over the
attention of the heads that follow the audio).
"""

import threading
from collections.abc import Sequence

import numpy as np
import torch
import whisper
from numpy.typing import NDArray
from whisper.timing import find_alignment

from models.errors import InferenceError
from models.ports import WordTime
from models.whisper_tokens import new_tokenizer
from models.whisper_weights import DEFAULT, canonical, load_whisper

_HOP_SAMPLES = 160
"""Of the log-mel spectrogram: 10 ms."""

_NAMES = {DEFAULT: "base"}
"""What openai-whisper calls a model of ours, whose heads that follow it knows."""


class WhisperWordTimes:
    """Tells when words were said. Thread-safe; blocking, one utterance at a time.

    Args:
        model: as for the transcriber; the copy that it uses is shared.
        device: ``cpu``, or a GPU as torch calls it.

    Raises:
        WeightsError: the weights are missing or corrupted; the message says the repair.
    """

    def __init__(self, model: str = DEFAULT, device: str = "cpu") -> None:
        self._model = load_whisper(model, device)
        name = _NAMES.get(canonical(model), canonical(model))
        heads = whisper._ALIGNMENT_HEADS.get(name)  # noqa: SLF001 - published nowhere else
        if heads is not None:
            self._model.set_alignment_heads(heads)
        self._lock = threading.Lock()  # It hangs hooks on the shared model.

    def locate(
        self, pcm: NDArray[np.float32], text: str, language: str
    ) -> Sequence[WordTime]:
        """Find the words of `text` in the audio in which it was said.

        Args:
            pcm: float32, shape ``(n_samples,)``, mono at 16 kHz, at most 30 s.
            text: what was said, all of it.
            language: ISO 639-1 code.

        Returns:
            The words in order; joined they are `text` but for space around it.

        Raises:
            InferenceError: the audio is longer than 30 s, or the model does not know
                the language.
        """
        most = self._model.dims.n_audio_ctx * 2 * _HOP_SAMPLES
        if len(pcm) > most:
            raise InferenceError(f"at most {most} samples, got {len(pcm)}")
        try:
            known = self._model.num_languages if self._model.is_multilingual else 0
            tokenizer = new_tokenizer(known, language)
        except ValueError as error:
            raise InferenceError(f"the model knows no language {language!r}") from error
        mel = whisper.log_mel_spectrogram(
            torch.from_numpy(pcm.copy()),
            self._model.dims.n_mels,
            most - len(pcm),
            self._model.device,
        )
        tokens = tokenizer.encode(f" {text.strip()}")
        with self._lock:
            found = find_alignment(
                self._model, tokenizer, tokens, mel, len(pcm) // _HOP_SAMPLES
            )
        return _in_text([(one.word, one.start, one.end) for one in found], text)


def _in_text(
    words: Sequence[tuple[str, float, float]], text: str
) -> Sequence[WordTime]:
    """Give each word its place in the text; words go on where the last one ended."""
    found: list[WordTime] = []
    at = 0
    for word, start_s, end_s in words:
        said = word.strip()
        start = text.find(said, at)
        if not said or start < 0:
            continue
        at = start + len(said)
        found.append(WordTime(start, at, float(start_s), float(end_s)))
    return found
