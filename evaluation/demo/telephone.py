"""What lies between a voice and its recording: effort, breath and the line."""

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy import signal  # type: ignore[import-untyped]  # no stubs

from audio.codec import AudioFormat, Encoding, decode, encode
from evaluation.demo.script import Prosody
from evaluation.demo.voices import RATE as VOICE_RATE

RATE = 8_000
"""Sampling rate in Hz of a telephone line."""

_BAND_HZ = (300.0, 3400.0)
_LINE_NOISE_DBFS = -76.0
_CEILING = 0.85
"""Peaks are bent to stay below it: a line has a limiter, not a clipper."""

_SHELF_HZ = 1_200.0
_SHELF_DB = 12.0
_DRIVE = 5.0
_BREATH_HZ = (500.0, 3_000.0)
_BREATH_DB = -32.0
_SPEECH_DB = -45.0
"""Below its loudest 10 ms by more than that, a voice is not speaking."""

_STEP = VOICE_RATE // 100


def trim(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut the silence around a breath group, leaving 20 ms."""
    steps = pcm[: len(pcm) // _STEP * _STEP].reshape(-1, _STEP)
    level = np.sqrt(np.mean(np.square(steps), axis=1))
    loud = np.flatnonzero(level > level.max() * _gain(_SPEECH_DB))
    return pcm[max(0, loud[0] - 2) * _STEP : (loud[-1] + 3) * _STEP]


def press(pcm: NDArray[np.float32], prosody: Prosody) -> NDArray[np.float32]:
    """Make the voice strain: more of the upper harmonics, and a harder edge.

    The level is the prosody's whatever the effort.
    """
    pressed = pcm / _rms(pcm)
    if prosody.press > 0:
        upper = signal.sosfilt(
            signal.butter(1, _SHELF_HZ, "high", fs=VOICE_RATE, output="sos"), pressed
        )
        pressed = pressed + (_gain(_SHELF_DB * prosody.press) - 1) * upper
        drive = _DRIVE * prosody.press
        pressed = np.tanh(drive * pressed / 2) / drive
    levelled = pressed / _rms(pressed) * _gain(prosody.level_dbfs)
    return np.asarray(levelled, np.float32)


def breath(
    duration_s: float, level_dbfs: float, noise: np.random.Generator
) -> NDArray[np.float32]:
    """Return the sound of air drawn in, between two breath groups."""
    n_samples = round(duration_s * VOICE_RATE)
    sos = signal.butter(2, _BREATH_HZ, "band", fs=VOICE_RATE, output="sos")
    air = signal.sosfilt(sos, noise.standard_normal(n_samples))
    air *= np.hanning(n_samples)
    return np.asarray(air / _rms(air) * _gain(level_dbfs + _BREATH_DB), np.float32)


def line(pcm: NDArray[np.float32], noise: np.random.Generator) -> NDArray[np.float32]:
    """Send one party through a telephone line.

    Args:
        pcm: float32, shape ``(n_samples,)``, mono at the voices' rate.
        noise: where the line's noise comes from.

    Returns:
        float32, shape ``(n_samples,)``, mono at 8 kHz: band-limited, noisy, and
        no finer than mu-law.
    """
    narrow = soxr.resample(pcm, VOICE_RATE, RATE, quality="VHQ")
    sos = signal.butter(4, _BAND_HZ, "band", fs=RATE, output="sos")
    heard = signal.sosfiltfilt(sos, narrow)
    heard = _CEILING * np.tanh(heard / _CEILING)
    heard = heard + _gain(_LINE_NOISE_DBFS) * noise.standard_normal(len(heard))
    mulaw = AudioFormat(Encoding.MULAW, RATE, 1)
    coded = encode(heard.astype(np.float32)[:, np.newaxis], mulaw)
    return decode(coded, mulaw)[:, 0]


def _gain(level_db: float) -> float:
    return float(10 ** (level_db / 20))


def _rms(pcm: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(pcm))))
