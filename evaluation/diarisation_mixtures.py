"""Simulated mono telephone calls: two parties, sometimes three, on one line.

Turns are laid out first, with gaps, overlaps, interruptions, back-channels and
silences; then each party's recordings are placed, sent through a room and a handset
of their own, summed and coded. Seeded: the same draw gives the same call.
"""

from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from audio.codec import AudioFormat, Encoding, decode, encode
from audio.speakers import Turn
from evaluation.diarisation_voices import (
    RATE,
    STEP_S,
    STEP_SAMPLES,
    Utterance,
    Voice,
    runs,
    without_short,
)

_MERGED_PAUSE_S = 0.3
_LONG_S = 2.0
"""A turn this long may have a sound of the other's in it."""

_AGAIN = 0.15
"""Share of turns after which the same party goes on."""

_TRANSFERRED = 0.5
"""Share of calls of three in which the third comes later."""

_HANDED_OVER = 0.7
"""Share of those in which the second goes then."""

_ECHOING = 0.1
_TONES = 0.4
_EDGE_S = 0.005
_CODED = (Encoding.MULAW, Encoding.ALAW)
_RINGS_HZ = ((440.0, 480.0), (425.0, 425.0), (350.0, 440.0), (697.0, 1209.0))


@dataclass(frozen=True, slots=True)
class MixtureParams:
    """How simulated calls go; every share is drawn anew for each call or turn.

    Attributes:
        duration_s: length of a call.
        alone: share of calls in which one party speaks only.
        third: share of calls with a third speaker, after a transfer or at once.
        turn_s: median length of a turn; lengths are log-normal.
        turn_spread: standard deviation of the logarithm of the length.
        longest_turn_s: no turn is longer.
        overlapping: share of turns that begin before the other's end.
        longest_overlap_s: of such a beginning.
        shouting: share of turns that are spoken over throughout.
        backchannel: share of longer turns with a short sound of the other's in it.
        long_silence: share of gaps that are silences, of 2 to 6 s.
        music: share of those silences that are filled with hold music or tones.
        levels_dbfs: quietest and loudest party.
        snr_db: loudest and faintest noise of a line.
        reverberant: share of parties in a room that echoes.
        same_corpus: share of calls whose voices are all of one corpus.
        coded: share of parties whose leg is coded before the legs are summed.
        fixed_mood: share of parties that keep to two moods.
    """

    duration_s: float = 60.0
    alone: float = 0.04
    third: float = 0.12
    turn_s: float = 2.4
    turn_spread: float = 0.8
    longest_turn_s: float = 14.0
    overlapping: float = 0.25
    longest_overlap_s: float = 1.5
    shouting: float = 0.04
    backchannel: float = 0.3
    long_silence: float = 0.08
    music: float = 0.35
    levels_dbfs: tuple[float, float] = (-38.0, -18.0)
    snr_db: tuple[float, float] = (8.0, 45.0)
    reverberant: float = 0.35
    same_corpus: float = 0.8
    coded: float = 0.6
    fixed_mood: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """A simulated call and who speaks in it.

    Attributes:
        pcm: float32, shape ``(n_steps * 80,)``, mono at 8 kHz, in [-1, 1].
        speech: bool, shape ``(n_speakers, n_steps)``, a step is 10 ms.
        speakers: names, in the order of `speech`.
    """

    pcm: NDArray[np.float32]
    speech: NDArray[np.bool_]
    speakers: tuple[str, ...]

    def turns(self) -> list[Turn]:
        """Who speaks when, in order."""
        turns = [
            Turn(start * STEP_S, end * STEP_S, speaker)
            for speaker, mask in zip(self.speakers, self.speech, strict=True)
            for start, end in runs(mask)
        ]
        return sorted(turns)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A turn to be: which speaker, from when to when, in steps."""

    speaker: int
    start: int
    end: int


def simulate(
    voices: tuple[Voice, ...], params: MixtureParams, draw: np.random.Generator
) -> Mixture:
    """Make up one call.

    Args:
        voices: those to draw from; at least three different speakers.
        params: how calls go.
        draw: decides everything that is left to chance.
    """
    speakers = _cast(voices, params, draw)
    n_steps = round(params.duration_s / STEP_S)
    legs = np.zeros((len(speakers), n_steps * STEP_SAMPLES), np.float32)
    speech = np.zeros((len(speakers), n_steps), np.bool_)
    parts = [_Part(voice, params, draw) for voice in speakers]
    plan, silences = _plan(len(speakers), n_steps, params, draw)
    for turn in plan:
        parts[turn.speaker].fill(turn, legs[turn.speaker], speech[turn.speaker])
    line = _line([part.leg(leg) for part, leg in zip(parts, legs, strict=True)], draw)
    for start, end in silences:
        if draw.random() < params.music:
            line[start * STEP_SAMPLES : end * STEP_SAMPLES] += _held(end - start, draw)
    line = _coded(_noisy(line, draw.uniform(*params.snr_db), draw), draw)
    merged = [~without_short(~mask, round(_MERGED_PAUSE_S / STEP_S)) for mask in speech]
    names = tuple(f"s{index}-{v.speaker}" for index, v in enumerate(speakers))
    return Mixture(line, np.array(merged), names)


def _cast(
    voices: tuple[Voice, ...], params: MixtureParams, draw: np.random.Generator
) -> list[Voice]:
    """Draw the voices of a call; nobody meets himself."""
    chance = draw.random()
    n_speakers = 1 if chance < params.alone else 2
    n_speakers = 3 if chance > 1 - params.third else n_speakers
    chosen = [voices[int(draw.integers(len(voices)))]]
    alike = [voice for voice in voices if voice.corpus == chosen[0].corpus]
    enough = len({voice.speaker for voice in alike}) >= n_speakers
    pool = alike if enough and draw.random() < params.same_corpus else voices
    while len(chosen) < n_speakers:
        voice = pool[int(draw.integers(len(pool)))]
        if voice.speaker not in {other.speaker for other in chosen}:
            chosen.append(voice)
    return chosen


def _plan(
    n_speakers: int, n_steps: int, params: MixtureParams, draw: np.random.Generator
) -> tuple[list[_Planned], list[tuple[int, int]]]:
    """Lay out turns and silences over the length of a call."""
    transfer = draw.uniform(0.2, 0.8) * n_steps if draw.random() < _TRANSFERRED else 0.0
    present = [0, 1][:n_speakers]
    speaker = int(draw.integers(len(present)))
    plan: list[_Planned] = []
    silences: list[tuple[int, int]] = []
    now = round(draw.uniform(0, 2) / STEP_S)
    for _ in count():
        if n_speakers == 3 and now >= transfer and len(present) == 2:  # noqa: PLR2004
            # The agent hands over and is gone, or stays on the line.
            present = [0, 2] if transfer and draw.random() < _HANDED_OVER else [0, 1, 2]
        if speaker not in present:
            speaker = present[-1]
        end = now + _turn_steps(params, draw)
        plan.append(_Planned(speaker, now, end))
        others = [other for other in present if other != speaker]
        if others:
            other = others[int(draw.integers(len(others)))]
            plan += _aside(plan[-1], other, params, draw)
            if draw.random() > _AGAIN:
                speaker = other
        start = _next_start(now, end, params, draw)
        if start - end > round(1.5 / STEP_S):
            silences.append((end + 30, min(start - 30, n_steps)))
        now = start
        if now >= n_steps:
            break
    kept = [turn for turn in plan if turn.start < n_steps]
    return kept, [(start, end) for start, end in silences if end > start]


def _turn_steps(params: MixtureParams, draw: np.random.Generator) -> int:
    length_s = params.turn_s * np.exp(draw.normal(0, params.turn_spread))
    return round(float(np.clip(length_s, 0.3, params.longest_turn_s)) / STEP_S)


def _aside(
    turn: _Planned, other: int, params: MixtureParams, draw: np.random.Generator
) -> list[_Planned]:
    """Draw what the other says during a turn: nothing, a sound, or all along."""
    length = turn.end - turn.start
    if draw.random() < params.shouting:
        start = turn.start + round(draw.uniform(0, 0.3) * length)
        return [_Planned(other, start, turn.end)]
    if length * STEP_S > _LONG_S and draw.random() < params.backchannel:
        start = turn.start + round(draw.uniform(0.2, 0.8) * length)
        return [_Planned(other, start, start + round(draw.uniform(0.2, 0.8) / STEP_S))]
    return []


def _next_start(
    now: int, end: int, params: MixtureParams, draw: np.random.Generator
) -> int:
    """Draw when the next turn begins: a little before or after this one's end."""
    chance = draw.random()
    if chance < params.overlapping:
        overlap = round(draw.uniform(0.1, params.longest_overlap_s) / STEP_S)
        return max(end - overlap, now + round(0.2 / STEP_S))
    if chance > 1 - params.long_silence:
        return end + round(draw.uniform(2, 6) / STEP_S)
    return end + round(draw.exponential(0.35) / STEP_S)


class _Part:
    """One party of a simulated call: voice, level, room and handset."""

    def __init__(
        self, voice: Voice, params: MixtureParams, draw: np.random.Generator
    ) -> None:
        self._draw = draw
        self._params = params
        self._gain = 10 ** ((draw.uniform(*params.levels_dbfs) + 26) / 20)
        moods = sorted({utterance.mood for utterance in voice.utterances})
        if draw.random() < params.fixed_mood and len(moods) > 2:  # noqa: PLR2004
            moods = list(draw.choice(moods, 2, replace=False))
        self._utterances = [u for u in voice.utterances if u.mood in moods]

    def fill(
        self, turn: _Planned, leg: NDArray[np.float32], speech: NDArray[np.bool_]
    ) -> None:
        """Speak for the length of a turn, with short pauses between utterances."""
        draw = self._draw
        gain = self._gain * 10 ** (draw.normal(0, 1.5) / 20)
        now = turn.start
        last = min(turn.end, len(speech))
        while now < last:
            utterance = self._utterances[int(draw.integers(len(self._utterances)))]
            now = _place(utterance, now, last, gain, leg, speech, draw)
            now += round(draw.uniform(0.05, 0.5) / STEP_S)

    def leg(self, pcm: NDArray[np.float32]) -> NDArray[np.float32]:
        """Send the party's speech through a room, a handset and its line."""
        draw, params = self._draw, self._params
        if draw.random() < params.reverberant:
            pcm = _in_a_room(pcm, draw)
        pcm = _through_handset(pcm, draw)
        pcm = _noisy(pcm, draw.uniform(*params.snr_db), draw)
        return _coded(pcm, draw) if draw.random() < params.coded else pcm


def _place(  # noqa: PLR0913, PLR0917  # what is placed, where, how loud, and into what
    utterance: Utterance,
    start: int,
    end: int,
    gain: float,
    leg: NDArray[np.float32],
    speech: NDArray[np.bool_],
    draw: np.random.Generator,
) -> int:
    """Put as much of an utterance as fits between two steps; return where it ends."""
    n_steps = len(utterance.speech)
    n_fit = min(n_steps, end - start)
    first = int(draw.integers(n_steps - n_fit + 1))
    piece = utterance.pcm[first * STEP_SAMPLES : (first + n_fit) * STEP_SAMPLES].copy()
    n_edge = round(_EDGE_S * RATE)
    fade = np.linspace(0, 1, n_edge, dtype=np.float32)
    piece[:n_edge] *= fade
    piece[-n_edge:] *= fade[::-1]
    leg[start * STEP_SAMPLES : (start + n_fit) * STEP_SAMPLES] += gain * piece
    speech[start : start + n_fit] |= utterance.speech[first : first + n_fit]
    return start + n_fit


def _in_a_room(
    pcm: NDArray[np.float32], draw: np.random.Generator
) -> NDArray[np.float32]:
    """Add a tail of noise that decays by 60 dB in 0.15 to 0.6 s, 3 to 15 dB down."""
    decay_s = draw.uniform(0.15, 0.6)
    time_s = np.arange(int(decay_s * RATE)) / RATE
    tail = draw.standard_normal(len(time_s)) * 10 ** (-3 * time_s / decay_s)
    tail *= 10 ** (-draw.uniform(3, 15) / 20) / np.sqrt(np.sum(tail**2))
    n_fft = _fast_size(len(pcm) + len(tail))
    spectrum = np.fft.rfft(pcm, n_fft) * np.fft.rfft(tail, n_fft)
    return (pcm + np.fft.irfft(spectrum, n_fft)[: len(pcm)]).astype(np.float32)


def _through_handset(
    pcm: NDArray[np.float32], draw: np.random.Generator
) -> NDArray[np.float32]:
    """Tilt the spectrum around 1 kHz and cut what the line does not carry."""
    n_fft = _fast_size(len(pcm))
    hz = np.maximum(np.fft.rfftfreq(n_fft, 1 / RATE), 50)
    gain = 10 ** (draw.uniform(-4, 4) * np.log2(hz / 1000) / 20)
    low_hz, high_hz = draw.uniform(60, 350), draw.uniform(3000, 3900)
    gain /= np.sqrt(1 + (low_hz / hz) ** 6) * np.sqrt(1 + (hz / high_hz) ** 16)
    heard = np.fft.irfft(np.fft.rfft(pcm, n_fft) * gain, n_fft)[: len(pcm)]
    return heard.astype(np.float32)


def _noisy(
    pcm: NDArray[np.float32], snr_db: float, draw: np.random.Generator
) -> NDArray[np.float32]:
    """Add noise between white and brown that swells and fades a little."""
    n_fft = _fast_size(len(pcm))
    spectrum = np.fft.rfft(draw.standard_normal(n_fft))
    hz = np.maximum(np.fft.rfftfreq(n_fft, 1 / RATE), 50)
    noise = np.fft.irfft(spectrum * hz ** -draw.uniform(0, 1), n_fft)[: len(pcm)]
    knots = 10 ** (draw.normal(0, 3, 1 + len(pcm) // (2 * RATE)) / 20)
    places = np.linspace(0, len(knots) - 1, len(pcm))
    noise *= np.interp(places, np.arange(len(knots)), knots)
    loud = pcm[np.abs(pcm) > 10 ** (-50 / 20)]
    level = np.sqrt(np.mean(np.square(loud))) if len(loud) else 10 ** (-30 / 20)
    noise *= level * 10 ** (-snr_db / 20) / np.sqrt(np.mean(noise**2))
    return (pcm + noise).astype(np.float32)


def _line(
    legs: list[NDArray[np.float32]], draw: np.random.Generator
) -> NDArray[np.float32]:
    """Sum the parties; on some lines they come back late and faint as an echo."""
    line: NDArray[np.float32] = np.asarray(np.sum(legs, axis=0), np.float32)
    if draw.random() < _ECHOING:
        delay = round(draw.uniform(0.05, 0.25) * RATE)
        line[delay:] += 10 ** (-draw.uniform(18, 32) / 20) * line[:-delay]
    return line


def _held(n_steps: int, draw: np.random.Generator) -> NDArray[np.float32]:
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


def _coded(pcm: NDArray[np.float32], draw: np.random.Generator) -> NDArray[np.float32]:
    coding = AudioFormat(_CODED[int(draw.integers(len(_CODED)))], RATE, 1)
    return decode(encode(pcm[:, None], coding), coding)[:, 0]


def _fast_size(n_samples: int) -> int:
    """Return the next size that an FFT is quick with: a multiple of 2000."""
    return -(-n_samples // 2000) * 2000
