"""The customer's hostility, second by second."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from audio.events import SpeechEnded, SpeechStarted, TurnTakingEvent
from audio.frame import Party
from emotion.behaviour import Behaviour, BehaviourParams
from emotion.errors import OrderError, ParameterError
from emotion.events import (
    Evidence,
    HostilityPoint,
    PhaseChanged,
    WordReading,
)
from emotion.manner import Utterance
from emotion.phases import PhaseParams, PhaseTracker
from emotion.trail import WordParams, WordTrail
from emotion.voice import VoiceParams, VoiceTrack
from models.ports import VoiceReading

TOP: Final = 100.0
MAX_EVIDENCE: Final = 5
LEAST_TOLD: Final = 0.5
"""Evidence of fewer points explains nothing that can be seen."""

SOFTNESS: Final = 60.0
"""Points above the middle after which three quarters of the rest are used (adopted)."""


@dataclass(frozen=True, slots=True)
class CurveParams:
    """How readings become one score.

    `attack`, `release` and `release_silent` are fitted by `python -m evaluation
    fit_curve`, the others adopted.

    Attributes:
        voice: how the voice counts.
        words: how the words count.
        behaviour: how interrupting, insisting and hurrying count.
        phases: how the score becomes a phase.
        attack: share of the distance upwards that one second covers.
        release: the same downwards, while the customer speaks.
        release_silent: the same while the customer is silent.
        release_kind: the same for a while after calming words.
        band: half-width of the band when voice and words are both known.
        band_unheard: what a missing signal adds to it.
        band_spread: what one log-odds of spread between voice readings adds.
        recent_s: how old a signal may be to be known.

    Raises:
        ParameterError: a share is outside (0, 1].
    """

    voice: VoiceParams = field(default_factory=VoiceParams)
    words: WordParams = field(default_factory=WordParams)
    behaviour: BehaviourParams = field(default_factory=BehaviourParams)
    phases: PhaseParams = field(default_factory=PhaseParams)
    attack: float = 1.0
    release: float = 0.2
    release_silent: float = 0.08
    release_kind: float = 0.2
    band: float = 8.0
    band_unheard: float = 9.0
    band_spread: float = 1.5
    recent_s: float = 15.0

    def __post_init__(self) -> None:
        for name in ("attack", "release", "release_silent", "release_kind"):
            if not 0 < getattr(self, name) <= 1:
                raise ParameterError(f"{name} must be above 0 and at most 1")


class HostilityCurve:
    """One score from voice, words and turn-taking, once a second.

    Each source gives points; their sum, with calming words subtracted, is where
    the score heads: fast upwards, slowly downwards. Pure: time comes only from
    `advance`, so a recorded call replays to exactly the same curve. What is fed
    counts from the next whole second on.
    """

    def __init__(self, params: CurveParams) -> None:
        self._params = params
        self._voice = VoiceTrack(params.voice)
        self._words = WordTrail(params.words)
        self._phases = PhaseTracker(params.phases)
        self._behaviour = Behaviour(params.behaviour)
        self._speaking = False
        self._score = 0.0
        self._next_s = 1
        self._now_s = 0.0

    @property
    def score(self) -> float:
        """The score of the last second."""
        return self._score

    @property
    def expected(self) -> float:
        """The score of the next second, should nothing else be heard until then."""
        target = _target(self._evidence(float(self._next_s)))
        return self._score + self._pace(target) * (target - self._score)

    def feed_voice(self, reading: VoiceReading) -> None:
        """Take how the customer sounded.

        Raises:
            OrderError: the reading is older than the one before.
        """
        self._voice.feed(reading)

    def feed_words(self, reading: WordReading) -> None:
        """Take what the customer said."""
        self._words.feed(reading)

    def feed_words_so_far(self, reading: WordReading) -> None:
        """Take unfinished words; what is read next takes their place."""
        self._words.feed_so_far(reading)

    def feed_turns(self, event: TurnTakingEvent) -> None:
        """Take how the turns went; only the customer's behaviour counts."""
        self._behaviour.feed_turns(event)

    def feed_utterance(self, utterance: Utterance) -> None:
        """Take the words themselves, for pace and repetition; see `feed_words`."""
        self._behaviour.feed_utterance(utterance)

    def feed_speech(self, event: SpeechStarted | SpeechEnded) -> None:
        """Take who speaks; only the customer's speech counts."""
        if event.party is Party.CUSTOMER:
            self._speaking = isinstance(event, SpeechStarted)

    def advance(self, now_s: float) -> list[HostilityPoint | PhaseChanged]:
        """Return the points of the whole seconds up to `now_s`.

        A change of phase follows the point that caused it.

        Raises:
            OrderError: `now_s` lies before an earlier one.
        """
        if now_s < self._now_s:
            raise OrderError(f"time runs forward, got {now_s} s after {self._now_s} s")
        self._now_s = now_s
        events: list[HostilityPoint | PhaseChanged] = []
        while self._next_s <= now_s:
            events += self._second(float(self._next_s))
            self._next_s += 1
        return events

    def _second(self, at_s: float) -> list[HostilityPoint | PhaseChanged]:
        self._words.fade(1.0, speaking=self._speaking)
        self._behaviour.fade(1.0)
        evidence = self._evidence(at_s)
        target = _target(evidence)
        self._score += self._pace(target) * (target - self._score)
        score = round(self._score, 2)
        half = self._half_band(at_s)
        change = self._phases.feed(score, at_s)
        point = HostilityPoint(
            at_s,
            score,
            round(max(0.0, score - half), 2),
            round(min(TOP, score + half), 2),
            self._phases.phase,
            self._heaviest(evidence),
        )
        return [point] if change is None else [point, change]

    def _evidence(self, at_s: float) -> list[Evidence]:
        evidence = [*self._voice.evidence(at_s), *self._words.evidence()]
        points = sum(one.weight for one in evidence)
        since_s = at_s - self._params.recent_s
        return evidence + self._behaviour.evidence(points, since_s)

    def _pace(self, target: float) -> float:
        params = self._params
        if target > self._score:
            return params.attack
        speech = params.release if self._speaking else params.release_silent
        kind = self._words.kindness
        return max(speech, params.release_kind * min(1.0, 3.0 * kind))

    def _half_band(self, at_s: float) -> float:
        params = self._params
        voice = self._voice.heard_within(params.recent_s, at_s)
        words = self._words.heard_within(params.recent_s, at_s)
        missing = (not voice) + (not words)
        spread = self._voice.spread if voice else 0.0
        return params.band + missing * params.band_unheard + params.band_spread * spread

    def _heaviest(self, evidence: list[Evidence]) -> tuple[Evidence, ...]:
        """Share the score out over its reasons, the score being behind their sum."""
        reasons = sum(e.weight for e in evidence if e.weight > 0)
        scale = min(1.0, self._score / reasons) if reasons else 1.0
        shared = [
            replace(e, weight=round(e.weight * scale, 2), value=round(e.value, 3))
            for e in evidence
        ]
        told = [e for e in shared if abs(e.weight) >= LEAST_TOLD]
        return tuple(sorted(told, key=lambda e: -abs(e.weight))[:MAX_EVIDENCE])


def _target(evidence: Sequence[Evidence]) -> float:
    """Return the score that evidence stands for."""
    return _softened(max(0.0, sum(one.weight for one in evidence)))


def _softened(points: float) -> float:
    """Bend points above the middle so that the score nears its top and keeps rising."""
    half = TOP / 2
    if points <= half:
        return points
    return half + half * math.tanh((points - half) / SOFTNESS)
