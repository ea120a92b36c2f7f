"""What our two models hear in the last seconds of a live line.

Once a second the segmentation model hears the last eight, and the speaker encoder the
newest of what each voice says alone, of those that have just spoken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from audio.frame import RATE, Frame
from models import diarisation_weights
from models.segmentation_input import N_VOICES, WINDOW_S, narrowed
from models.speaker_encoder import (
    HOP_SAMPLES,
    N_DIMENSIONS,
    load_speaker_encoder,
    spectrogram,
)
from models.voice_features import STEP_SAMPLES as ENCODED_SAMPLES

if TYPE_CHECKING:
    from pyannote.audio.utils.powerset import Powerset

    from models.segmentation import Segmentation

_PART_SAMPLES = 2 * ENCODED_SAMPLES
"""What the segmentation model says one thing about: 40 ms."""

_FRAMES_IN_PART = _PART_SAMPLES // HOP_SAMPLES
_WINDOW_PARTS = round(WINDOW_S * RATE) // _PART_SAMPLES
WINDOW_SAMPLES = (_WINDOW_PARTS + 1) * _PART_SAMPLES
"""Audio that `LiveHearing.hear` wants, where there is as much."""

_NEW_PARTS = 25
_LEAST_NEW_PARTS = 8
"""A voice is described again when 0.3 of the last 1.0 s are its own."""

_DESCRIBED_FRAMES = 240
_LEAST_FRAMES = 40
"""It is described from its last 2.4 s in a window, 0.4 at least."""

_LEAST_PARTS = 3
_HALF = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What is heard in the last seconds, for each 40 ms.

    Attributes:
        first: index of its first part of 40 ms, counted from the start of the call.
        speaks: bool, shape ``(n_parts, n_voices)``.
        loudness: how sure the model is of each, likewise.
        voices: shape ``(n_voices, 192)``; NaN for one that says too little alone, or
            nothing new.
        alone_s: seconds that each is heard alone.
    """

    first: int
    speaks: NDArray[np.bool_]
    loudness: NDArray[np.float32]
    voices: NDArray[np.float32]
    alone_s: NDArray[np.float32]

    @property
    def middles(self) -> NDArray[np.int_]:
        """Middle of each part, in samples of the call."""
        parts = self.first + np.arange(len(self.speaks))
        return parts * _PART_SAMPLES + _PART_SAMPLES // 2


class LiveHearing:
    """Hears one call. Not thread-safe; its memory dies with it.

    Args:
        weights: of the segmentation model.

    Raises:
        WeightsError: weights are missing or not the ones expected.
    """

    def __init__(self, weights: Path) -> None:
        self._model, self._classes = _segmentation(weights)
        self._encoder = load_speaker_encoder()

    @torch.inference_mode()
    def hear(self, frames: Sequence[Frame]) -> Window:
        """Hear the last seconds.

        Args:
            frames: the last `WINDOW_SAMPLES` or what there is, one after the other.
        """
        last = frames[-1].end // _PART_SAMPLES
        begin = -(-frames[0].start // _PART_SAMPLES)
        n_parts = min(_WINDOW_PARTS, last - begin)
        if n_parts < _LEAST_PARTS:
            return _nothing(last)
        first = last - n_parts
        at = first * _PART_SAMPLES - frames[0].start
        pcm = np.concatenate([frame.pcm for frame in frames])[at:]
        pcm = narrowed(pcm[: n_parts * _PART_SAMPLES])
        scores = self._model(torch.from_numpy(pcm)[None, None])
        speaks = self._classes.to_multilabel(scores)[0] > _HALF
        loudness = self._classes.to_multilabel(scores, soft=True)[0].exp()
        alone = speaks & (speaks.sum(dim=1, keepdim=True) == 1)
        return Window(
            first,
            speaks.numpy(),
            loudness.numpy(),
            self._described(pcm, alone).numpy(),
            alone.sum(dim=0).numpy() * np.float32(_PART_SAMPLES / RATE),
        )

    def _described(self, pcm: NDArray[np.float32], alone: torch.Tensor) -> torch.Tensor:
        """Describe the voices that have just spoken, from where they speak alone."""
        voices = torch.full((alone.shape[1], N_DIMENSIONS), torch.nan)
        new = alone[-_NEW_PARTS:].sum(dim=0) >= _LEAST_NEW_PARTS
        if not new.any():
            return voices
        mel = spectrogram(torch.from_numpy(pcm))
        masks = alone.repeat_interleave(_FRAMES_IN_PART, dim=0)[: len(mel)]
        for index in torch.nonzero(new)[:, 0].tolist():
            own = mel[masks[:, index]][-_DESCRIBED_FRAMES:]
            if len(own) >= _LEAST_FRAMES:
                voices[index] = self._encoder.alone(own)
        return voices


def _nothing(last: int) -> Window:
    return Window(
        first=last,
        speaks=np.zeros((0, N_VOICES), np.bool_),
        loudness=np.zeros((0, N_VOICES), np.float32),
        voices=np.full((N_VOICES, N_DIMENSIONS), np.nan, np.float32),
        alone_s=np.zeros(N_VOICES, np.float32),
    )


@lru_cache
def _segmentation(weights: Path) -> tuple["Segmentation", "Powerset"]:
    model, _ = diarisation_weights.load(weights)
    return model, diarisation_weights.powerset()
