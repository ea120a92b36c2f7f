"""How a voice sounds, as numbers: the early blocks of Whisper's encoder, pooled.

The early blocks still hold how something was said; the late ones only what was said.
A window is brought to one level first, because loudness is the microphone's business
as much as the speaker's, and only frames with speech are pooled.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
import whisper
from numpy.typing import NDArray
from whisper.model import AudioEncoder, ResidualAttentionBlock

from audio.frame import RATE

STEP_SAMPLES = RATE // 50
"""Samples in one step of the encoder's output: 20 ms."""

NOMINAL_DBFS = -26.0
"""Level that speech is brought to. Source: ITU-T P.56, P.830: -26 dBov."""

SPEECH_DROP_DB = 30.0
"""How far below the loud steps of a window a step still counts as speech."""

SILENT_DBFS = -70.0
"""Below this level a window holds nothing to read."""

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


def normalised(pcm: NDArray[np.float32], speech: Speech) -> NDArray[np.float32]:
    """Bring the speech of a window to the nominal level; may pass 1.0."""
    gain = 10 ** ((NOMINAL_DBFS - speech.level_dbfs) / 20)
    return (pcm * gain).astype(np.float32)


def pooled(
    encoder: AudioEncoder, pcm: NDArray[np.float32], blocks: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the mean of the encoder's output over the speech of one window.

    Args:
        encoder: of Whisper; only its blocks up to the last one asked for are run.
        pcm: float32, shape ``(n_samples,)``, mono at 16 kHz, at any level, with
            something in it; 0.1 to 30 s.
        blocks: after which blocks to take the output, ascending; 0 is before the
            first.

    Returns:
        float32, shape ``(len(blocks) * n_state,)``.
    """
    speech = find_speech(pcm)
    mel = whisper.log_mel_spectrogram(
        normalised(pcm, speech), encoder.conv1.in_channels
    )
    with torch.inference_mode():
        means = _means(encoder, mel, torch.from_numpy(speech.mask), blocks)
    result: NDArray[np.float32] = torch.cat(means).numpy()
    return result


def _means(
    encoder: AudioEncoder,
    mel: torch.Tensor,
    mask: torch.Tensor,
    blocks: tuple[int, ...],
) -> list[torch.Tensor]:
    """Run the blocks asked for and no more; average each over the speech."""
    hidden = F.gelu(encoder.conv2(F.gelu(encoder.conv1(mel[None])))).permute(0, 2, 1)
    hidden = hidden + encoder.positional_embedding[: hidden.shape[1]]
    mask = mask[: hidden.shape[1]]
    means = {0: _mean(hidden, mask)}
    last = max(blocks)
    for index, block in enumerate(list(encoder.blocks)[:last], start=1):
        if index == last:
            means[index] = _mean_after(block, hidden, mask)
        else:
            hidden = block(hidden)
            means[index] = _mean(hidden, mask)
    return [means[index] for index in blocks]


def _mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return hidden[0, : len(mask)][mask].mean(dim=0)


def _mean_after(
    block: ResidualAttentionBlock, hidden: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Return the mean of a block's output over the speech, without the output.

    Nothing comes after it, so only the steps with speech go through its feed-forward
    part, whose last layer is linear and is therefore applied to their mean.
    """
    hidden = hidden + block.attn(block.attn_ln(hidden))[0]
    speech = hidden[0, : len(mask)][mask]
    widen, activate, narrow = block.mlp
    wide = activate(widen(block.mlp_ln(speech)))
    mean: torch.Tensor = speech.mean(dim=0) + narrow(wide.mean(dim=0))
    return mean


def fingerprint(encoder: AudioEncoder) -> str:
    """Tell encoders apart: a head fits only the encoder it was trained on."""
    weights = encoder.conv1.weight.detach().cpu().numpy().astype("<f4")
    return hashlib.sha256(weights.tobytes()).hexdigest()[:16]
