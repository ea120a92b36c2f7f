"""Sounds of a telephone line on which nobody speaks, made from a seed.

Every maker returns float32 samples in [-1, 1], shape ``(n_samples,)``, at `RATE`.
Tones and cadences are those of ITU-T Recommendations: dual-tone signalling of Q.23,
ringing of E.180 (supplement 2, North America).
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal  # type: ignore[import-untyped]  # no stubs

RATE: Final = 8_000
"""Sampling rate in Hz of a telephone line."""

Sound = NDArray[np.float32]
Maker = Callable[[float, np.random.Generator], Sound]
"""Takes how many seconds, and where chance comes from."""

_DTMF_HZ = ((697, 770, 852, 941), (1209, 1336, 1477))
_RING_HZ = (440, 480)
_RING_S, _RING_PAUSE_S = 2.0, 4.0
_CHORDS_HZ = (
    (220.0, 277.2, 329.6),
    (196.0, 246.9, 293.7),
    (174.6, 220.0, 261.6),
    (164.8, 207.7, 246.9),
)


def silence(duration_s: float, draw: np.random.Generator) -> Sound:  # noqa: ARG001 - a Maker
    """Digital silence."""
    return np.zeros(_n_samples(duration_s), np.float32)


def comfort_noise(duration_s: float, draw: np.random.Generator) -> Sound:
    """The soft hiss by which a line says that it is still there."""
    return _levelled(_low_passed(_noise(duration_s, draw), 2_000), -55)


def hold_music(duration_s: float, draw: np.random.Generator) -> Sound:
    """A plucked chord progression under a melody, 100 beats a minute."""
    beat_s = 0.6
    music = np.zeros(_n_samples(duration_s), np.float32)
    for number in range(int(duration_s / beat_s)):
        chord = _CHORDS_HZ[number // 4 % len(_CHORDS_HZ)]
        notes = [*chord, 2 * float(draw.choice(chord)), 4 * float(draw.choice(chord))]
        for hertz in notes:
            _add(music, _plucked(hertz, 2 * beat_s), number * beat_s)
    return _levelled(music, -24)


def ring_back(duration_s: float, draw: np.random.Generator) -> Sound:  # noqa: ARG001 - a Maker
    """The other side's telephone rings, and rings."""
    ring = sum(_tone(hertz, _RING_S) for hertz in _RING_HZ)
    tone = np.zeros(_n_samples(duration_s), np.float32)
    for start_s in np.arange(0.0, duration_s, _RING_S + _RING_PAUSE_S):
        _add(tone, np.asarray(ring, np.float32), float(start_s))
    return _levelled(tone, -22)


def dialling(duration_s: float, draw: np.random.Generator) -> Sound:
    """Keys of a telephone, 0.1 s each, at a person's pace."""
    tones = np.zeros(_n_samples(duration_s), np.float32)
    at_s = 0.0
    while at_s < duration_s:
        pair = [float(draw.choice(group)) for group in _DTMF_HZ]
        _add(tones, _tone(pair[0], 0.1) + _tone(pair[1], 0.1), at_s)
        at_s += float(draw.uniform(0.2, 0.9))
    return _levelled(tones, -22)


def keyboard(duration_s: float, draw: np.random.Generator) -> Sound:
    """Somebody types beside the microphone: two clicks a key."""
    clicks = _levelled(_noise(duration_s, draw), -60)
    at_s = 0.0
    while at_s < duration_s:
        for late_s, gain in ((0.0, 0.5), (0.08, 0.25)):
            n_samples = _n_samples(0.012)
            burst = draw.normal(size=n_samples) * np.exp(-np.arange(n_samples) / 20)
            _add(clicks, (gain * draw.uniform(0.3, 1.0) * burst), at_s + late_s)
        pause = draw.random() < 0.08  # noqa: PLR2004 - now and then one thinks
        at_s += float(draw.uniform(0.09, 0.3)) + pause * float(draw.uniform(0.5, 3.0))
    return _levelled(clicks, -32)


def breathing(duration_s: float, draw: np.random.Generator) -> Sound:
    """Somebody breathes into the microphone, sixteen times a minute."""
    air = _noise(duration_s, draw)
    band = signal.butter(2, (400, 2_500), "band", fs=RATE, output="sos")
    times_s = np.arange(len(air)) / RATE
    swell = np.maximum(0.0, np.sin(2 * np.pi * times_s * 16 / 60)) ** 2
    return _levelled(signal.sosfilt(band, air) * (swell + 0.02), -36)


def street(duration_s: float, draw: np.random.Generator) -> Sound:
    """Traffic: a rumble, cars that pass, now and then a horn."""
    rumble = _low_passed(_noise(duration_s, draw), 400)
    times_s = np.arange(len(rumble)) / RATE
    cars = np.zeros_like(rumble)
    for _ in range(int(duration_s / 6)):
        near = np.exp(-np.square((times_s - draw.uniform(0, duration_s)) / 1.5))
        cars += draw.uniform(0.5, 2.0) * near
    traffic = _levelled(rumble * (0.4 + cars), -30)
    for _ in range(int(duration_s / 25)):
        horn = _tone(410, 0.5) + _tone(510, 0.5)
        _add(traffic, 0.04 * horn, float(draw.uniform(0, max(duration_s - 1, 1e-3))))
    return traffic


SOUNDS: Final[Mapping[str, Maker]] = {
    "silence": silence,
    "comfort_noise": comfort_noise,
    "hold_music": hold_music,
    "ring_back": ring_back,
    "dialling": dialling,
    "keyboard": keyboard,
    "breathing": breathing,
    "street": street,
}
"""Every sound, by the name it has in figures."""


def _n_samples(duration_s: float) -> int:
    return round(duration_s * RATE)


def _noise(duration_s: float, draw: np.random.Generator) -> Sound:
    return draw.standard_normal(_n_samples(duration_s), np.float32)


def _tone(hertz: float, duration_s: float) -> Sound:
    times_s = np.arange(_n_samples(duration_s)) / RATE
    edge = np.minimum(1.0, np.minimum(times_s, times_s[::-1]) / 0.005)
    return np.asarray(np.sin(2 * np.pi * hertz * times_s) * edge, np.float32)


def _plucked(hertz: float, duration_s: float) -> Sound:
    times_s = np.arange(_n_samples(duration_s)) / RATE
    partials = sum(
        np.sin(2 * np.pi * hertz * number * times_s) / number**2
        for number in (1, 2, 3)
        if hertz * number < RATE / 2
    )
    return np.asarray(partials * np.exp(-3 * times_s), np.float32)


def _low_passed(pcm: Sound, hertz: float) -> Sound:
    sections = signal.butter(2, hertz, "low", fs=RATE, output="sos")
    return np.asarray(signal.sosfilt(sections, pcm), np.float32)


def _levelled(pcm: NDArray[np.floating], dbfs: float) -> Sound:
    rms = float(np.sqrt(np.mean(np.square(pcm))))
    gain = 10 ** (dbfs / 20) / rms if rms else 1.0
    return np.asarray(np.clip(pcm * gain, -1, 1), np.float32)


def _add(pcm: Sound, sound: NDArray[np.floating], start_s: float) -> None:
    start = _n_samples(start_s)
    n_samples = min(len(sound), len(pcm) - start)
    if n_samples > 0:
        pcm[start : start + n_samples] += sound[:n_samples]
