"""What lies between a mouth and a recording: rooms, handsets, noise, codecs.

Everything is drawn anew at each use; all audio is float32, mono at 8 kHz.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audio.codec import AudioFormat, Encoding, decode, encode
from evaluation.diarisation_voices import RATE, STEP_SAMPLES, Voice

NEAR_DB = (3.0, 15.0)
"""How far the echo of a room lies below the voice, for a mouth at a handset."""

FAR_DB = (-4.0, 9.0)
"""Likewise for somebody across the table."""

_TONES = 0.4
_CODED = (Encoding.MULAW, Encoding.ALAW)
_RINGS_HZ = ((440.0, 480.0), (425.0, 425.0), (350.0, 440.0), (697.0, 1209.0))
_SPEECH_DBFS = -50.0
_N_BABBLING = (4, 8)
_BABBLE_DB = (18.0, 35.0)
_CLATTER_DB = (-4.0, 22.0)
_PACKET_SAMPLES = RATE // 50


def in_a_room(
    pcm: NDArray[np.float32],
    draw: np.random.Generator,
    below_db: tuple[float, float] = NEAR_DB,
) -> NDArray[np.float32]:
    """Add a tail of noise that decays by 60 dB in 0.15 to 0.6 s."""
    decay_s = draw.uniform(0.15, 0.6)
    time_s = np.arange(int(decay_s * RATE)) / RATE
    tail = draw.standard_normal(len(time_s)) * 10 ** (-3 * time_s / decay_s)
    tail *= 10 ** (-draw.uniform(*below_db) / 20) / np.sqrt(np.sum(tail**2))
    n_fft = fast_size(len(pcm) + len(tail))
    spectrum = np.fft.rfft(pcm, n_fft) * np.fft.rfft(tail, n_fft)
    return (pcm + np.fft.irfft(spectrum, n_fft)[: len(pcm)]).astype(np.float32)


def through_handset(
    pcm: NDArray[np.float32], draw: np.random.Generator
) -> NDArray[np.float32]:
    """Tilt the spectrum around 1 kHz and cut what the line does not carry."""
    n_fft = fast_size(len(pcm))
    hz = np.maximum(np.fft.rfftfreq(n_fft, 1 / RATE), 50)
    gain = 10 ** (draw.uniform(-4, 4) * np.log2(hz / 1000) / 20)
    low_hz, high_hz = draw.uniform(60, 350), draw.uniform(3000, 3900)
    gain /= np.sqrt(1 + (low_hz / hz) ** 6) * np.sqrt(1 + (hz / high_hz) ** 16)
    heard = np.fft.irfft(np.fft.rfft(pcm, n_fft) * gain, n_fft)[: len(pcm)]
    return heard.astype(np.float32)


def noisy(
    pcm: NDArray[np.float32], snr_db: float, draw: np.random.Generator
) -> NDArray[np.float32]:
    """Add noise between white and brown that swells and fades a little."""
    n_fft = fast_size(len(pcm))
    spectrum = np.fft.rfft(draw.standard_normal(n_fft))
    hz = np.maximum(np.fft.rfftfreq(n_fft, 1 / RATE), 50)
    noise = np.fft.irfft(spectrum * hz ** -draw.uniform(0, 1), n_fft)[: len(pcm)]
    knots = 10 ** (draw.normal(0, 3, 1 + len(pcm) // (2 * RATE)) / 20)
    places = np.linspace(0, len(knots) - 1, len(pcm))
    noise *= np.interp(places, np.arange(len(knots)), knots)
    noise *= speech_level(pcm) * 10 ** (-snr_db / 20) / np.sqrt(np.mean(noise**2))
    return (pcm + noise).astype(np.float32)


def held(n_steps: int, draw: np.random.Generator) -> NDArray[np.float32]:
    """Return what is heard while nobody speaks: chords, or the tones of a line."""
    n_samples = n_steps * STEP_SAMPLES
    time_s = np.arange(n_samples) / RATE
    pcm = np.zeros(n_samples)
    if draw.random() < _TONES:
        low, high = _RINGS_HZ[int(draw.integers(len(_RINGS_HZ)))]
        pcm = np.sin(2 * np.pi * low * time_s) + np.sin(2 * np.pi * high * time_s)
        pcm *= (time_s % 1.5) < draw.uniform(0.2, 1.2)
    else:
        beat_s = draw.uniform(0.25, 0.8)
        for beat in range(int(n_samples / RATE / beat_s) + 1):
            start = round(beat * beat_s * RATE)
            since_s = time_s[: max(0, min(n_samples - start, round(2 * beat_s * RATE)))]
            for note in draw.integers(0, 24, int(draw.integers(1, 5))):
                phase = 2 * np.pi * 130.8 * 2 ** (note / 12) * since_s
                tone = np.sin(phase) + np.sin(2 * phase) / 3 + np.sin(3 * phase) / 6
                pcm[start : start + len(since_s)] += tone * np.exp(-since_s / beat_s)
    level = 10 ** (draw.uniform(-38, -20) / 20)
    return np.asarray(pcm * level / (np.sqrt(np.mean(pcm**2)) + 1e-9), np.float32)


def coded(pcm: NDArray[np.float32], draw: np.random.Generator) -> NDArray[np.float32]:
    """Code and decode as one telephone network or another does."""
    coding = AudioFormat(_CODED[int(draw.integers(len(_CODED)))], RATE, 1)
    return decode(encode(pcm[:, None], coding), coding)[:, 0]


def fast_size(n_samples: int) -> int:
    """Return the next size that an FFT is quick with: a multiple of 2000."""
    return -(-n_samples // 2000) * 2000


def babble(
    pcm: NDArray[np.float32], voices: Sequence[Voice], draw: np.random.Generator
) -> NDArray[np.float32]:
    """Add the voices of many others far behind, whom nobody counts as speakers."""
    many = np.zeros_like(pcm)
    for _ in range(int(draw.integers(*_N_BABBLING))):
        utterances = voices[int(draw.integers(len(voices)))].utterances
        at = 0
        while at < len(many):
            said = utterances[int(draw.integers(len(utterances)))].pcm[: len(many) - at]
            many[at : at + len(said)] += said
            at += len(said)
    below_db = draw.uniform(*_BABBLE_DB)
    many *= speech_level(pcm) * 10 ** (-below_db / 20) / np.sqrt(np.mean(many**2))
    return (pcm + in_a_room(many, draw, FAR_DB)).astype(np.float32)


def clatter(pcm: NDArray[np.float32], draw: np.random.Generator) -> NDArray[np.float32]:
    """Add keys, knocks and cups: bursts of a few hundredths of a second."""
    noisy_too = pcm.copy()
    level = speech_level(pcm)
    at = 0
    while at < len(pcm):
        n_bursts = int(draw.integers(1, 12))
        loud = level * 10 ** (-draw.uniform(*_CLATTER_DB) / 20)
        dull = draw.uniform(0, 1)
        for _ in range(n_bursts):
            decay = draw.uniform(0.003, 0.04) * RATE
            length = min(len(pcm) - at, round(5 * decay))
            burst = draw.standard_normal(max(length, 0)) * np.exp(
                -np.arange(max(length, 0)) / decay
            )
            if dull > 0.5 and length > 1:  # noqa: PLR2004  # one in two is a knock
                burst = np.convolve(burst, np.ones(12) / 4)[:length]
            noisy_too[at : at + length] += (loud * burst).astype(np.float32)
            at += round(draw.uniform(0.06, 0.5) * RATE)
            if at >= len(pcm):
                break
        at += round(draw.exponential(6) * RATE)
    return noisy_too


def damaged(pcm: NDArray[np.float32], draw: np.random.Generator) -> NDArray[np.float32]:
    """Lose packets of 20 ms, one or a few at a time, and clip what is loudest."""
    heard = pcm.copy()
    lost = draw.random(len(pcm) // _PACKET_SAMPLES) < draw.uniform(0, 0.02)
    for packet in np.flatnonzero(lost):
        start = packet * _PACKET_SAMPLES
        heard[start : start + int(draw.integers(1, 5)) * _PACKET_SAMPLES] = 0
    most = np.quantile(np.abs(heard), draw.uniform(0.99, 1.0)) + 1e-6
    return np.clip(heard, -most, most).astype(np.float32)


def speech_level(pcm: NDArray[np.float32]) -> float:
    """Return the root of the mean power of what is louder than -50 dBFS."""
    loud = pcm[np.abs(pcm) > 10 ** (_SPEECH_DBFS / 20)]
    return float(np.sqrt(np.mean(np.square(loud)))) if len(loud) else 10 ** (-30 / 20)
