"""What our segmentation model takes, and how many voices it tells apart."""

import numpy as np
import soxr
from numpy.typing import NDArray

from audio.frame import RATE

_LINE_RATE = 8_000
WINDOW_S = 8.0
PIECE_S = 10.0
"""The encoder hears a recording in pieces of this length, each by itself."""

N_VOICES = 3
"""Voices told apart within one window."""

N_AT_ONCE = 2


def narrowed(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Leave of a recording what a telephone line would carry, up to 4 kHz.

    The model was trained on that: what a better microphone adds, it takes for speech.

    Args:
        pcm: float32, shape ``(n_samples,)``, mono at 16 kHz; as long afterwards.
    """
    narrow = soxr.resample(pcm, RATE, _LINE_RATE)
    wide: NDArray[np.float32] = soxr.resample(narrow, _LINE_RATE, RATE)
    found = np.zeros_like(pcm)
    found[: len(wide)] = wide[: len(pcm)]
    return found
