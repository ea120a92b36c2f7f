"""How a voice sounds, as numbers: the early blocks of Whisper's encoder, pooled.

The early blocks still hold how something was said; the late ones only what was said.
A window is brought to one level first, because loudness is the microphone's business
as much as the speaker's, and only frames with speech are pooled.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
import whisper
from numpy.typing import NDArray
from whisper.model import AudioEncoder

from audio.frame import RATE
from models.packed_linear import Precision
from models.whisper_blocks import FeedForward, SelfAttention

STEP_SAMPLES = RATE // 50
"""Samples in one step of the encoder's output: 20 ms."""

NOMINAL_DBFS = -26.0
"""Level that speech is brought to. Source: ITU-T P.56, P.830: -26 dBov."""

SPEECH_DROP_DB = 30.0
"""How far below the loud steps of a window a step still counts as speech."""

SILENT_DBFS = -70.0
"""Below this level a window holds nothing to read."""

MOST_GAIN_DB = 40.0
"""Most that a piece of a recording is raised: faint noise is not made up to speech."""

_LOUD_PERCENTILE = 95
_FLOOR = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """What is known about a window before any model sees it.

    Attributes:
        mask: bool, shape ``(n_steps,)``, True where a step of 20 ms holds speech.
        level_dbfs: RMS level of those steps.
    """

    mask: NDArray[np.bool_]
    level_dbfs: float


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """What the encoder makes of a window's speech.

    Attributes:
        pooled: float32, shape ``((len(blocks) + 1) * n_state,)``: the means of all
            blocks but the last, then the standard deviation over time of the last
            one, then its mean.
        steps: float16, shape ``(n_steps, len(blocks) * n_state)``: the output of the
            blocks side by side, for each 40 ms of speech.
    """

    pooled: NDArray[np.float32]
    steps: NDArray[np.float16]


def find_speech(pcm: NDArray[np.float32]) -> Speech:
    """Find the steps of a window that are loud enough to be speech.

    Args:
        pcm: float32, shape ``(n_samples,)``, mono at 16 kHz, at least 20 ms.
    """
    n_steps = len(pcm) // STEP_SAMPLES
    steps = pcm[: n_steps * STEP_SAMPLES].reshape(n_steps, STEP_SAMPLES)
    power = np.mean(np.square(steps, dtype=np.float64), axis=1) + _FLOOR
    dbfs = 10 * np.log10(power)
    mask = dbfs > np.percentile(dbfs, _LOUD_PERCENTILE) - SPEECH_DROP_DB
    return Speech(mask, float(10 * np.log10(power[mask].mean())))


def normalised(
    pcm: NDArray[np.float32], speech: Speech, most_db: float = np.inf
) -> NDArray[np.float32]:
    """Bring the speech of a window to the nominal level; may pass 1.0.

    Args:
        pcm: float32, shape ``(n_samples,)``.
        speech: what was found in it.
        most_db: it is not raised by more.
    """
    gain = 10 ** (min(NOMINAL_DBFS - speech.level_dbfs, most_db) / 20)
    return (pcm * gain).astype(np.float32)


class EarlyBlocks:
    """The first blocks of Whisper's encoder, packed for speed. Thread-safe.

    Args:
        encoder: of Whisper; only read.
        n_blocks: how many blocks are needed.
        precision: what matrices are multiplied in. `Precision.best` moves a
            probability by .0017 on average (docs/evaluation.md, Voice).
    """

    def __init__(
        self,
        encoder: AudioEncoder,
        n_blocks: int,
        precision: Precision = Precision.FLOAT32,
    ) -> None:
        self._encoder = encoder
        blocks = list(encoder.blocks)[:n_blocks]
        self._attention = [
            SelfAttention(block.attn_ln, block.attn, precision) for block in blocks
        ]
        self._feed_forward = [FeedForward(block, precision) for block in blocks]

    def hear(self, pcm: NDArray[np.float32], blocks: tuple[int, ...]) -> Sound:
        """Return the encoder's output over a window's speech.

        Args:
            pcm: float32, shape ``(n_samples,)``, mono at 16 kHz, at any level, with
                something in it; 0.1 to 30 s.
            blocks: after which blocks to take the output, ascending; 0 is before
                the first.
        """
        speech = find_speech(pcm)
        n_mels = self._encoder.conv1.in_channels
        mel = whisper.log_mel_spectrogram(normalised(pcm, speech), n_mels)
        with torch.inference_mode():
            said = self._said(mel, torch.from_numpy(speech.mask), blocks)
            deviation, mean = torch.std_mean(said[-1], dim=0, correction=0)
            parts = [one.mean(dim=0) for one in said[:-1]]
            pooled = torch.cat([*parts, deviation, mean]).numpy()
            steps = _in_pairs(torch.cat(said, dim=1)).numpy()
        return Sound(pooled, steps)

    @torch.inference_mode()
    def steps(
        self, pieces: Sequence[NDArray[np.float32]], blocks: tuple[int, ...]
    ) -> torch.Tensor:
        """Return the encoder's output over every step of some pieces.

        Args:
            pieces: float32, each ``(n_samples,)``, mono at 16 kHz, at any level, of
                one length, 0.1 to 30 s.
            blocks: as for `hear`.

        Returns:
            float32, shape ``(n_pieces, n_steps, len(blocks) * n_state)``: the output
            of the blocks side by side.
        """
        n_mels = self._encoder.conv1.in_channels
        hidden = self._in_front(
            torch.stack(
                [
                    whisper.log_mel_spectrogram(
                        normalised(pcm, find_speech(pcm), MOST_GAIN_DB), n_mels
                    )
                    for pcm in pieces
                ]
            )
        )
        said = {0: hidden}
        for index in range(1, max(blocks) + 1):
            hidden = self._attended(index, hidden)
            hidden = hidden + self._feed_forward[index - 1](hidden)
            said[index] = hidden
        return torch.cat([said[index] for index in blocks], dim=2)

    def _said(
        self, mel: torch.Tensor, mask: torch.Tensor, blocks: tuple[int, ...]
    ) -> list[torch.Tensor]:
        """Run the blocks asked for and no more; return each one's steps of speech."""
        hidden = self._in_front(mel[None])
        speech = torch.nonzero(mask[: hidden.shape[1]])[:, 0]
        said = {0: hidden[0, speech]}
        last = max(blocks)
        for index in range(1, last + 1):
            hidden = self._attended(index, hidden)
            feed_forward = self._feed_forward[index - 1]
            if index == last:
                hidden = hidden[:, speech]  # Nothing comes after it.
                said[index] = (hidden + feed_forward(hidden))[0]
            else:
                hidden = hidden + feed_forward(hidden)
                said[index] = hidden[0, speech]
        return [said[index] for index in blocks]

    def _in_front(self, mels: torch.Tensor) -> torch.Tensor:
        """Send spectrograms through what comes before the first block."""
        encoder = self._encoder
        heard: torch.Tensor = F.gelu(encoder.conv2(F.gelu(encoder.conv1(mels))))
        hidden = heard.permute(0, 2, 1)
        positions: torch.Tensor = encoder.positional_embedding
        return hidden + positions[: hidden.shape[1]]

    def _attended(self, index: int, hidden: torch.Tensor) -> torch.Tensor:
        """Let the steps hear each other in a block, counted from 1."""
        attention = self._attention[index - 1]
        query, key, value = attention.project(hidden)
        heard = F.scaled_dot_product_attention(query, key, value)
        return hidden + attention.out(heard)


def _in_pairs(steps: torch.Tensor) -> torch.Tensor:
    """Average every two steps; one that is left over at the end stands alone."""
    if len(steps) % 2:
        steps = torch.cat([steps, steps[-1:]])
    pairs = steps.reshape(-1, 2, steps.shape[1])
    return pairs.mean(dim=1).to(torch.float16)


def fingerprint(encoder: AudioEncoder) -> str:
    """Tell encoders apart: a head fits only the encoder it was trained on."""
    weights = encoder.conv1.weight.detach().cpu().numpy().astype("<f4")
    return hashlib.sha256(weights.tobytes()).hexdigest()[:16]
