"""Recordings as a telephone line delivers them, clean or with a line's troubles."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from audio.codec import AudioFormat, Encoding, decode, encode
from audio.frame import RATE
from models.errors import DataError
from models.voice_features import STEP_SAMPLES, find_speech, normalised

LINE_RATE = 8_000

_MARGIN_STEPS = 5
"""Steps of 20 ms kept before and after the speech, as an endpointer would."""


def read_mono(path: Path) -> NDArray[np.float32]:
    """Read a recording in any format libsndfile knows.

    Returns:
        float32, shape ``(n_samples,)``, 16 kHz, the mean of the channels.

    Raises:
        DataError: it cannot be read, or holds no samples or NaN.
    """
    try:
        pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise DataError(f"{path.name} cannot be read as audio: {error}") from error
    if len(pcm) < rate * STEP_SAMPLES // RATE or not np.isfinite(pcm).all():
        raise DataError(
            f"{path.name} must hold at least 20 ms of finite samples, got {len(pcm)}"
        )
    return _resampled(pcm.mean(axis=1), rate, RATE)


def trimmed(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut off what comes before and after the speech, but for a tenth of a second."""
    steps = np.flatnonzero(find_speech(pcm).mask)
    start = max(0, (int(steps[0]) - _MARGIN_STEPS) * STEP_SAMPLES)
    end = (int(steps[-1]) + 1 + _MARGIN_STEPS) * STEP_SAMPLES
    return pcm[start:end]


def telephone(
    pcm: NDArray[np.float32], encoding: Encoding = Encoding.MULAW
) -> NDArray[np.float32]:
    """Send a recording over an 8 kHz G.711 line, at the nominal level.

    Args:
        pcm: float32, shape ``(n_samples,)``, mono at 16 kHz.
        encoding: of the line.

    Returns:
        float32, shape ``(n_samples,)``, mono at 16 kHz.
    """
    line = AudioFormat(encoding, LINE_RATE, 1)
    narrow = _resampled(normalised(pcm, find_speech(pcm)), RATE, LINE_RATE)
    heard = decode(encode(narrow[:, None], line), line)[:, 0]
    return _resampled(heard, LINE_RATE, RATE)


def _resampled(
    pcm: NDArray[np.float32], rate: float, to_rate: float
) -> NDArray[np.float32]:
    result: NDArray[np.float32] = soxr.resample(pcm, rate, to_rate)
    return result.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Troubles:
    """What may happen to speech on its way; each is drawn anew for each recording.

    Attributes:
        shortest_s: shortest piece that is cut out.
        longest_s: longest piece that is cut out.
        speed: the fastest is this much faster, the slowest as much slower.
        reverberant: share of recordings made in a room.
        noisy: share of recordings with noise.
        least_snr_db: loudest noise.
        most_snr_db: faintest noise.
        tilt_db: strongest tilt of the spectrum, per octave.
        clipped: share of recordings that overload the line.
        alaw: share of lines that use A-law.
    """

    shortest_s: float = 1.5
    longest_s: float = 3.5
    speed: float = 0.08
    reverberant: float = 0.35
    noisy: float = 0.7
    least_snr_db: float = 5.0
    most_snr_db: float = 40.0
    tilt_db: float = 3.0
    clipped: float = 0.1
    alaw: float = 0.3


def troubled(
    pcm: NDArray[np.float32], draw: np.random.Generator, troubles: Troubles
) -> NDArray[np.float32]:
    """Cut a piece out of a recording and send it over a bad line.

    Args:
        pcm: float32, shape ``(n_samples,)``, mono at 16 kHz.
        draw: decides everything that is left to chance.
        troubles: what may happen.
    """
    speed = 1 + draw.uniform(-troubles.speed, troubles.speed)
    pcm = _resampled(pcm, RATE * speed, RATE)
    n_samples = int(draw.uniform(troubles.shortest_s, troubles.longest_s) * RATE)
    start = int(draw.integers(0, max(1, len(pcm) - n_samples)))
    pcm = normalised(pcm, find_speech(pcm))[start : start + n_samples]
    if draw.random() < troubles.reverberant:
        pcm = _in_a_room(pcm, draw)
    pcm = _tilted(pcm, draw.uniform(-troubles.tilt_db, troubles.tilt_db))
    if draw.random() < troubles.noisy:
        snr_db = draw.uniform(troubles.least_snr_db, troubles.most_snr_db)
        pcm = _in_noise(pcm, snr_db, draw)
    if draw.random() < troubles.clipped:
        limit = np.percentile(np.abs(pcm), draw.uniform(97, 99.9))
        pcm = np.clip(pcm, -limit, limit)
    alaw = draw.random() < troubles.alaw
    return telephone(pcm, Encoding.ALAW if alaw else Encoding.MULAW)


def _in_a_room(
    pcm: NDArray[np.float32], draw: np.random.Generator
) -> NDArray[np.float32]:
    """Add a tail of noise that decays by 60 dB in 0.15 to 0.6 s, 3 to 15 dB down."""
    decay_s = draw.uniform(0.15, 0.6)
    time_s = np.arange(int(decay_s * RATE)) / RATE
    tail = draw.standard_normal(len(time_s)) * 10 ** (-3 * time_s / decay_s)
    tail *= 10 ** (-draw.uniform(3, 15) / 20) / np.sqrt(np.sum(tail**2))
    n_fft = len(pcm) + len(tail)
    spectrum = np.fft.rfft(pcm, n_fft) * np.fft.rfft(tail, n_fft)
    return (pcm + np.fft.irfft(spectrum, n_fft)[: len(pcm)]).astype(np.float32)


def _tilted(pcm: NDArray[np.float32], tilt_db: float) -> NDArray[np.float32]:
    """Tilt the spectrum around 1 kHz, as handsets and distances do."""
    hz = np.maximum(np.fft.rfftfreq(len(pcm), 1 / RATE), 100)
    gain = 10 ** (tilt_db * np.log2(hz / 1000) / 20)
    return np.fft.irfft(np.fft.rfft(pcm) * gain, len(pcm)).astype(np.float32)


def _in_noise(
    pcm: NDArray[np.float32], snr_db: float, draw: np.random.Generator
) -> NDArray[np.float32]:
    """Add noise between white and brown, at a ratio to the level of the speech."""
    spectrum = np.fft.rfft(draw.standard_normal(len(pcm)))
    hz = np.maximum(np.fft.rfftfreq(len(pcm), 1 / RATE), 50)
    noise = np.fft.irfft(spectrum * hz ** -draw.uniform(0, 1), len(pcm))
    level = 10 ** ((find_speech(pcm).level_dbfs - snr_db) / 20)
    noise *= level / np.sqrt(np.mean(noise**2))
    return (pcm + noise).astype(np.float32)
