"""Whisper's encoder for what was said, and not for 30 s around it.

Whisper was trained on 30 s, so short speech is padded with silence, and most of the
work is done on the padding. Leaving the padding out makes the decoder loop. But the
padding is always the same: what it looks like inside every block is computed once and
remembered, and speech is encoded beside the memory as if the silence were there. The
silence no longer hears the speech, which changes next to nothing (docs/evaluation.md).
Neighbouring steps of silence look alike, so the memory keeps the mean of every few,
which counts for as many: attention to the silence costs a fraction of itself.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
import whisper
from numpy.typing import NDArray
from torch import Tensor
from whisper.model import AudioEncoder, Whisper

from audio.frame import RATE
from models.packed_linear import Precision
from models.whisper_blocks import FeedForward, SelfAttention

STEP_SAMPLES = RATE // 50
"""Samples in one step of the encoder's output: 20 ms."""

SILENCE_S = 0.5
"""Real silence after the utterance. Measured: docs/evaluation.md."""

TAIL_S = 1.0
"""Remembered silence that the decoder sees after that. Measured: docs/evaluation.md."""

PEAK = 1.25
"""Loudest value of every log-mel spectrogram, in Whisper's scale (log10 power, / 4).

Fixed, so that the floor, two below it, is that of the remembered silence. It is the
median of read speech.
"""

MAX_GAIN = 0.75
"""Most that a spectrogram is raised, 30 dB: faint noise is not made up to speech."""

GROUP_STEPS = 4
"""Steps of silence, 80 ms, remembered as one. Measured: docs/evaluation.md."""

_FLOOR_BELOW_PEAK = 2.0
"""Source: openai-whisper, audio.py, `log_mel_spectrogram`: 8 in log10 power."""


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: tensors do not compare
class _Remembered:
    """Keys and values of 30 s of silence in one block, a mean for every few steps.

    Attributes:
        key: shape ``(1, heads, groups, size)``.
        value: likewise.
    """

    key: Tensor
    value: Tensor


class _Block:
    def __init__(self, attention: SelfAttention, feed_forward: FeedForward) -> None:
        self.attention = attention
        self.feed_forward = feed_forward


class CutEncoder:
    """Encodes utterances of up to 30 s, at a cost that follows their length.

    Thread-safe: nothing changes after it was made, which takes as long as encoding
    30 s. The model is only read, and the matrices of its blocks are copied: it does
    not keep the model in memory.
    """

    def __init__(
        self, model: Whisper, precision: Precision = Precision.FLOAT32
    ) -> None:
        encoder: AudioEncoder = model.encoder
        self._conv1, self._conv2 = encoder.conv1, encoder.conv2
        self._positions = encoder.positional_embedding
        self._norm = encoder.ln_post
        self._n_mels: int = model.dims.n_mels
        self._n_steps: int = model.dims.n_audio_ctx
        self._device = model.device
        self._blocks = [
            _Block(
                SelfAttention(block.attn_ln, block.attn, precision),
                FeedForward(block, precision),
            )
            for block in encoder.blocks
        ]
        self._memory: list[_Remembered] = []
        # How often a group counts, as what is added to its attention.
        sizes = torch.full((-(-self._n_steps // GROUP_STEPS),), float(GROUP_STEPS))
        sizes[-1] = self._n_steps - GROUP_STEPS * (len(sizes) - 1)
        self._weights = sizes.log().to(self._device)
        self._silence = self._remember_silence()

    @property
    def max_samples(self) -> int:
        """The longest utterance, in samples at 16 kHz."""
        return self._n_steps * STEP_SAMPLES

    @torch.inference_mode()
    def encode(self, pcm: NDArray[np.float32], grid: int = 1) -> Tensor:
        """Encode an utterance beside the memory of silence.

        Args:
            pcm: float32, shape ``(n_samples,)``, at most `max_samples`.
            grid: steps; more remembered silence fills the features up to a multiple.

        Returns:
            Features for the decoder, shape ``(1, n_steps, n_state)``.
        """
        silence = int(SILENCE_S * RATE)
        steps = -(-(len(pcm) + silence) // STEP_SAMPLES)
        steps = min(self._n_steps, -(-steps // GROUP_STEPS) * GROUP_STEPS)
        mel = self._log_mel(pcm, steps)
        mel += min(PEAK - float(mel.max()), MAX_GAIN)
        features = self._encode(mel, self._memory)
        end = steps + int(TAIL_S * RATE) // STEP_SAMPLES
        end = -(-end // grid) * grid
        return torch.cat([features, self._silence[:, steps:end]], dim=1)

    @torch.inference_mode()
    def encode_padded(self, pcm: NDArray[np.float32]) -> Tensor:
        """Encode an utterance with 30 s of padding, as openai-whisper does."""
        return self._encode(self._log_mel(pcm, self._n_steps), [])

    def _log_mel(self, pcm: NDArray[np.float32], steps: int) -> Tensor:
        padding = steps * STEP_SAMPLES - len(pcm)
        # A copy: torch wants memory that it may write to, and frames are views.
        own = torch.from_numpy(pcm.copy())
        mel: Tensor = whisper.log_mel_spectrogram(
            own, self._n_mels, padding, self._device
        )
        return mel[None]

    @torch.inference_mode()
    def _remember_silence(self) -> Tensor:
        """Fill the memory; return the features of silence."""
        mel = torch.full(
            (1, self._n_mels, 2 * self._n_steps), PEAK - _FLOOR_BELOW_PEAK
        ).to(self._device)
        return self._encode(mel, [], keep=self._memory)

    def _encode(
        self,
        mel: Tensor,
        memory: list[_Remembered],
        keep: list[_Remembered] | None = None,
    ) -> Tensor:
        x = F.gelu(self._conv2(F.gelu(self._conv1(mel)))).permute(0, 2, 1)
        steps = x.shape[1]
        x = x + self._positions[:steps]
        groups = steps // GROUP_STEPS
        weights = torch.cat([x.new_zeros(steps), self._weights[groups:]])
        for index, block in enumerate(self._blocks):
            query, key, value = block.attention.project(x)
            if keep is not None:
                keep.append(_Remembered(_grouped(key), _grouped(value)))
            if memory and groups < len(self._weights):
                after = memory[index]
                key = torch.cat([key, after.key[:, :, groups:]], dim=2)
                value = torch.cat([value, after.value[:, :, groups:]], dim=2)
                heard = F.scaled_dot_product_attention(
                    query, key, value, attn_mask=weights[None, None, None]
                )
            else:
                heard = F.scaled_dot_product_attention(query, key, value)
            x = x + block.attention.out(heard)
            x = x + block.feed_forward(x)
        encoded: Tensor = self._norm(x)
        return encoded


def _grouped(x: Tensor) -> Tensor:
    """Means of every few steps: ``(1, heads, groups, size)``."""
    flat = x.flatten(0, 1).transpose(1, 2)
    means = F.avg_pool1d(flat, GROUP_STEPS, ceil_mode=True)
    return means.transpose(1, 2)[None].contiguous()
