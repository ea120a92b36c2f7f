"""Our segmentation model: who speaks when in a few seconds, heard by Whisper's encoder.

The early blocks of the encoder stay as they are; what is learned is a small head that
reads their output: for each 40 ms which of up to three voices speak, two at once at
most (powerset classes). Which voice is which across windows is the speaker encoder's
matter. Source: the scheme of pyannote.audio's `SSeRiouSS`, with Whisper's encoder in
place of wav2vec's.

Importing this module imports pyannote, which takes seconds and wants its telemetry
switched off before: only `models.diarisation_weights` imports it.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
from numpy.typing import NDArray
from pyannote.audio import Model
from pyannote.audio.core.task import Problem, Resolution, Specifications
from torch import nn

from audio.frame import RATE
from models.packed_linear import Precision
from models.segmentation_input import N_AT_ONCE, N_VOICES, WINDOW_S
from models.voice_features import STEP_SAMPLES, EarlyBlocks
from models.whisper_weights import load_whisper

BLOCKS = (1, 2, 3)
"""Blocks of the encoder that are read. Measured: docs/evaluation.md."""

FRAME_STEPS = 2
FRAME_SAMPLES = FRAME_STEPS * STEP_SAMPLES  # 640, 40 ms
"""A frame is what the head says one thing about: two steps of the encoder."""

_N_STATE = 512
"""Numbers that a block of Whisper base gives for a step."""


class Segmentation(Model):
    """The head, and the encoder in front of it, as a model of pyannote's.

    The encoder is the process's own copy of Whisper base; only the head is among the
    parameters, and in what is saved.

    Args:
        size: of the layers of the head, in each direction.
        n_layers: of the LSTM.
        dropout: share of its input that each layer leaves out in training.
    """

    def __init__(
        self, size: int = 128, n_layers: int = 2, dropout: float = 0.3
    ) -> None:
        super().__init__(sample_rate=RATE, num_channels=1)
        self.save_hyperparameters("size", "n_layers", "dropout")
        self.dropout = nn.Dropout(dropout)
        self.narrow = nn.Linear(FRAME_STEPS * len(BLOCKS) * _N_STATE, size)
        self.lstm = nn.LSTM(
            size,
            size,
            n_layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout,
        )
        self.linear = nn.Linear(2 * size, size)
        self.specifications = Specifications(
            problem=Problem.MONO_LABEL_CLASSIFICATION,
            resolution=Resolution.FRAME,
            duration=WINDOW_S,
            warm_up=(0.0, 0.0),
            classes=[f"voice{index}" for index in range(N_VOICES)],
            powerset_max_classes=N_AT_ONCE,
            permutation_invariant=True,
        )
        self.classifier = nn.Linear(size, self.dimension)

    @property
    def dimension(self) -> int:
        """Number of classes: nobody, each voice, each two voices."""
        specifications = self.specifications
        assert isinstance(specifications, Specifications)  # noqa: S101 - one task
        return int(specifications.num_powerset_classes)

    def num_frames(self, num_samples: int) -> int:
        """Frames that are made of so many samples; what is left over is not heard."""
        return num_samples // FRAME_SAMPLES

    def receptive_field_size(self, num_frames: int = 1) -> int:
        """Samples of so many frames."""
        return num_frames * FRAME_SAMPLES

    def receptive_field_center(self, frame: int = 0) -> int:
        """Sample in the middle of a frame."""
        return frame * FRAME_SAMPLES + FRAME_SAMPLES // 2

    def forward(  # type: ignore[override]  # as pyannote's own models have it
        self, waveforms: torch.Tensor
    ) -> torch.Tensor:
        """Say who speaks in some windows.

        Args:
            waveforms: shape ``(n, 1, n_samples)``, at 16 kHz.

        Returns:
            log-probabilities of shape ``(n, n_frames, n_classes)``.
        """
        pieces = [pcm[0].numpy() for pcm in waveforms]
        return self.tell(self.frames_of(encoded(pieces)))

    def frames_of(self, steps: torch.Tensor) -> torch.Tensor:
        """Put what the encoder heard into fewer numbers, each frame for itself.

        Args:
            steps: as `encoded` gives them, in any precision.

        Returns:
            shape ``(n, n_frames, size)``.
        """
        whole = steps.shape[1] // FRAME_STEPS * FRAME_STEPS
        if self.training:
            steps = steps * self.dropout(torch.ones_like(steps[:, :1]))  # All along.
        pairs = steps[:, :whole].reshape(len(steps), whole // FRAME_STEPS, -1)
        return F.gelu(self.narrow(pairs.to(self.narrow.weight.dtype)))

    def tell(self, frames: torch.Tensor) -> torch.Tensor:
        """Say who speaks in some windows.

        Args:
            frames: as `frames_of` gives them, from one piece of audio or several.

        Returns:
            as `forward`.
        """
        hidden, _ = self.lstm(self.dropout(frames))
        hidden = F.leaky_relu(self.linear(hidden))
        return F.log_softmax(self.classifier(hidden).float(), dim=-1)


def encoded(pieces: Sequence[NDArray[np.float32]]) -> torch.Tensor:
    """Let the encoder hear pieces of audio, each by itself.

    Args:
        pieces: float32, each ``(n_samples,)``, mono at 16 kHz, of one length, 0.1 to
            30 s.

    Returns:
        shape ``(n_pieces, n_steps, n_numbers)``, a step is 20 ms; what each block
        gives is brought to one mean and one spread.

    Raises:
        WeightsError: Whisper's weights are missing or corrupted.
    """
    steps = _encoder().steps(pieces, BLOCKS)
    blocks = steps.reshape(*steps.shape[:2], len(BLOCKS), -1)
    return F.layer_norm(blocks, blocks.shape[-1:]).flatten(2)


@lru_cache
def _encoder() -> EarlyBlocks:
    return EarlyBlocks(load_whisper().encoder, max(BLOCKS), Precision.best("cpu"))
