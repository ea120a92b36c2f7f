"""Simulated mono telephone calls: two parties, sometimes three, on one line.

Turns are laid out first, with gaps, overlaps, interruptions, back-channels and
silences; then each party's recordings are placed, sent through a room and a handset
of their own, summed and coded. Seeded: the same draw gives the same call.
"""

from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from audio.speakers import Turn
from evaluation.diarisation_sounds import (
    FAR_DB,
    babble,
    clatter,
    coded,
    damaged,
    held,
    in_a_room,
    noisy,
    through_handset,
)
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

_FAR_THIRD = 0.6
_OVERLAPPING_TOGETHER = (0.4, 0.9)
_LONGEST_TOGETHER_S = (1.0, 4.0)
_SHOUTING_TOGETHER = (0.1, 0.4)
_ECHOING = 0.1
_EDGE_S = 0.005


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
        longest_silence_s: of silences.
        far: share of calls that are a room with one microphone on the table.
        babble: share of lines with many others talking far behind.
        clatter: share of lines with keys, knocks and cups.
        damaged: share of lines that lose packets and clip.
        together: share of calls whose parties keep speaking over each other.
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
    longest_silence_s: float = 6.0
    far: float = 0.0
    babble: float = 0.0
    clatter: float = 0.0
    damaged: float = 0.0
    together: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """A simulated call and who speaks in it.

    Attributes:
        pcm: float32, shape ``(n_steps * 80,)``, mono at 8 kHz, in [-1, 1].
        speech: bool, shape ``(n_speakers, n_steps)``, a step is 10 ms.
        speakers: names, in the order of `speech`.
        music: where music or tones play, from step to step.
    """

    pcm: NDArray[np.float32]
    speech: NDArray[np.bool_]
    speakers: tuple[str, ...]
    music: tuple[tuple[int, int], ...] = ()

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
    far = _happens(params.far, draw)
    speakers = _cast(voices, params, draw)
    n_steps = round(params.duration_s / STEP_S)
    legs = np.zeros((len(speakers), n_steps * STEP_SAMPLES), np.float32)
    speech = np.zeros((len(speakers), n_steps), np.bool_)
    parts = [_Part(voice, params, draw) for voice in speakers]
    plan, silences = _plan(len(speakers), n_steps, params, draw)
    for turn in plan:
        parts[turn.speaker].fill(turn, legs[turn.speaker], speech[turn.speaker])
    if far:
        sent = [in_a_room(leg, draw, FAR_DB) for leg in legs]
    else:
        sent = [part.leg(leg) for part, leg in zip(parts, legs, strict=True)]
    line = _line(sent, draw)
    music: list[tuple[int, int]] = []
    for start, end in silences:
        if draw.random() < params.music:
            music.append((start, end))
            line[start * STEP_SAMPLES : end * STEP_SAMPLES] += held(end - start, draw)
    if _happens(params.babble, draw):
        line = babble(line, voices, draw)
    if _happens(params.clatter, draw):
        line = clatter(line, draw)
    line = noisy(line, draw.uniform(*params.snr_db), draw)
    if _happens(params.damaged, draw):
        line = damaged(line, draw)
    if not far:
        line = coded(line, draw)
    merged = [~without_short(~mask, round(_MERGED_PAUSE_S / STEP_S)) for mask in speech]
    names = tuple(f"s{index}-{v.speaker}" for index, v in enumerate(speakers))
    return Mixture(line, np.array(merged), names, tuple(music))


def _happens(share: float, draw: np.random.Generator) -> bool:
    """Draw, but only where there is a choice: what is switched off draws nothing."""
    return share > 0 and bool(draw.random() < share)


def varied(params: MixtureParams, draw: np.random.Generator) -> MixtureParams:
    """Draw how one call goes: in haste or at leisure, often or rarely interrupted."""
    far = bool(draw.random() < params.far)
    varying = replace(
        params,
        far=float(far),
        third=_FAR_THIRD if far else params.third,
        turn_s=params.turn_s * 2 ** draw.uniform(-1.4, 0.7),
        overlapping=draw.uniform(0.05, 0.45),
        backchannel=draw.uniform(0.1, 0.8),
        long_silence=float(draw.choice((0.02, 0.08, 0.4))),
        longest_silence_s=draw.uniform(4, 16),
    )
    if not _happens(params.together, draw):
        return varying
    return replace(
        varying,
        overlapping=draw.uniform(*_OVERLAPPING_TOGETHER),
        longest_overlap_s=draw.uniform(*_LONGEST_TOGETHER_S),
        shouting=draw.uniform(*_SHOUTING_TOGETHER),
    )


def _cast(
    voices: tuple[Voice, ...], params: MixtureParams, draw: np.random.Generator
) -> list[Voice]:
    """Draw the voices of a call; nobody meets himself."""
    chance = draw.random()
    n_speakers = 1 if chance < params.alone else 2
    n_speakers = 3 if chance > 1 - params.third else n_speakers
    n_speakers = min(n_speakers, len({voice.speaker for voice in voices}))
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
        return end + round(draw.uniform(2, params.longest_silence_s) / STEP_S)
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
            pcm = in_a_room(pcm, draw)
        pcm = through_handset(pcm, draw)
        pcm = noisy(pcm, draw.uniform(*params.snr_db), draw)
        return coded(pcm, draw) if draw.random() < params.coded else pcm


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


def _line(
    legs: list[NDArray[np.float32]], draw: np.random.Generator
) -> NDArray[np.float32]:
    """Sum the parties; on some lines they come back late and faint as an echo."""
    line: NDArray[np.float32] = np.asarray(np.sum(legs, axis=0), np.float32)
    if draw.random() < _ECHOING:
        delay = round(draw.uniform(0.05, 0.25) * RATE)
        line[delay:] += 10 ** (-draw.uniform(18, 32) / 20) * line[:-delay]
    return line
