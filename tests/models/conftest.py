"""Speech for tests that listen."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from audio.frame import RATE

_DATA = Path(__file__).parents[1] / "data"


def _recording(name: str) -> NDArray[np.float32]:
    pcm, rate = soundfile.read(_DATA / name, dtype="float32")
    resampled: NDArray[np.float32] = soxr.resample(pcm, rate, RATE)
    return resampled


@pytest.fixture(scope="session")
def spoken() -> NDArray[np.float32]:
    """English, 3.8 s: a morning's greeting, a wrong bill, a wish to know why."""
    return _recording("spoken.en.wav")


@pytest.fixture(scope="session")
def spoken_chinese() -> NDArray[np.float32]:
    """Mandarin: a greeting, then a question about last month's bill."""
    return _recording("spoken.zh.wav")
