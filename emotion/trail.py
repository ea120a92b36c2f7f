"""What the customer's words still count for, a while after they were said."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from emotion.errors import ParameterError
from emotion.events import Evidence, Source, WordReading, WordSign
from emotion.lexicon import CALMING

SIGN_WEIGHTS: Final = {
    WordSign.DISSATISFIED: 0.25,
    WordSign.BLAME: 0.4,
    WordSign.ANGER: 0.5,
    WordSign.INSULT: 0.8,
    WordSign.REPEATED_CONTACT: 0.3,
    WordSign.PUBLIC_THREAT: 0.45,
    WordSign.THIRD_PARTY_THREAT: 0.6,
    WordSign.CHURN: 0.3,
    WordSign.SUPERVISOR: 0.25,
    WordSign.THANKS: 0.25,
    WordSign.RELIEF: 0.35,
}
"""By which a reading's hostility is shared out over its signs."""

VERDICTS: Final = frozenset({WordSign.ANGER, WordSign.DISSATISFIED})
"""Signs that a reader may give to an utterance as a whole."""

FORGOTTEN: Final = 0.02


@dataclass(frozen=True, slots=True)
class WordParams:
    """How word readings become points of the score.

    `dead_zone`, `points` and `half_life_speaking_s` are fitted by `python -m
    evaluation fit_curve`, the others adopted.

    Attributes:
        dead_zone: hostility up to which a reading that cannot say which words it
            is about counts for nothing: no reader is sure about the faintest.
        whole_units: words (English) or characters (Chinese) from which a reader's
            verdict on an utterance counts in full: a scrap of a sentence, cut off by
            a pause, tells little.
        points: points of the score for words of hostility 1. An insult or a
            third-party threat reaches take-off with it, plain dissatisfaction
            does not.
        half_life_speaking_s: how fast hostile words fade while the customer goes
            on speaking without them.
        half_life_silent_s: the same while the customer is silent: somebody who
            waits is not calm yet.
        calming_points: points for words of hostility -1.
        calming_half_life_s: how fast calming words fade.
        forgiving: share of earlier hostility that words of hostility -1 undo.

    Raises:
        ParameterError: a number is not positive, `forgiving` is above 1, or
            `dead_zone` is not below it.
    """

    dead_zone: float = 0.3
    whole_units: int = 4
    points: float = 80.0
    half_life_speaking_s: float = 15.0
    half_life_silent_s: float = 60.0
    calming_points: float = 40.0
    calming_half_life_s: float = 20.0
    forgiving: float = 1.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if getattr(self, name) <= 0:
                raise ParameterError(f"{name} must be above 0")
        if self.forgiving > 1:
            raise ParameterError(f"forgiving is at most 1, got {self.forgiving}")
        if self.dead_zone >= 1:
            raise ParameterError(f"dead_zone is below 1, got {self.dead_zone}")

    def believed(self, reading: WordReading) -> float:
        """How much of a reading's hostility, in [-1, 1], counts."""
        faint = 0.0 < reading.hostility <= self.dead_zone
        return 0.0 if faint and not reading.hits else reading.hostility

    def doubted(self, reading: WordReading, n_units: int) -> WordReading:
        """Take a verdict on a few words for less than one on a sentence.

        Insults, threats and whatever else was named stay as they are.

        Args:
            reading: of an utterance.
            n_units: words or characters that it has.
        """
        named = {hit.sign for hit in reading.hits} - VERDICTS
        if reading.hostility <= 0 or named or n_units >= self.whole_units:
            return reading
        hostility = reading.hostility * n_units / self.whole_units
        if hostility <= self.dead_zone:
            return replace(reading, hostility=0.0, hits=())
        return replace(reading, hostility=hostility)


@dataclass(frozen=True, slots=True)
class _Said:
    """One sign in one utterance, and the hostility that is left of it."""

    sign: WordSign
    count: int
    left: float
    start_s: float
    end_s: float


def _share_out(reading: WordReading, hostility: float) -> list[_Said]:
    hits = [hit.sign for hit in reading.hits if hit.sign not in CALMING]
    # A reader may find hostility in an utterance and not be able to say where.
    signs = hits or [WordSign.DISSATISFIED]
    total = sum(SIGN_WEIGHTS[sign] for sign in signs)
    return [
        _Said(
            sign,
            signs.count(sign),
            hostility * signs.count(sign) * SIGN_WEIGHTS[sign] / total,
            reading.start_s,
            reading.end_s,
        )
        for sign in dict.fromkeys(signs)
    ]


class WordTrail:
    """Keeps what was said, lets it fade, and lets kind words undo it."""

    def __init__(self, params: WordParams) -> None:
        self._params = params
        self._hostile: list[_Said] = []
        self._calming: list[_Said] = []
        self._so_far: list[_Said] = []
        self._last_s: float | None = None

    def feed(self, reading: WordReading) -> None:
        """Take the reading of one utterance of the customer."""
        self._last_s = reading.end_s
        self._so_far = []
        hostility = self._params.believed(reading)
        if hostility > 0:
            self._hostile += _share_out(reading, hostility)
        elif reading.hostility < 0:
            kindness = -reading.hostility
            keep = 1.0 - self._params.forgiving * kindness
            self._hostile = _scaled(self._hostile, keep)
            kind = [hit.sign for hit in reading.hits if hit.sign in CALMING]
            sign = kind[0] if kind else WordSign.RELIEF
            said = _Said(sign, len(kind), kindness, reading.start_s, reading.end_s)
            self._calming.append(said)

    def feed_so_far(self, reading: WordReading) -> None:
        """Take the reading of an utterance that goes on; the next one replaces it."""
        self._last_s = reading.end_s
        hostility = self._params.believed(reading)
        self._so_far = _share_out(reading, hostility) if hostility > 0 else []

    def fade(self, seconds: float, *, speaking: bool) -> None:
        """Let time pass.

        Args:
            seconds: how long.
            speaking: the customer speaks meanwhile.
        """
        params = self._params
        half_life_s = (
            params.half_life_speaking_s if speaking else params.half_life_silent_s
        )
        left = 0.5 ** (seconds / half_life_s)
        self._hostile = _scaled(self._hostile, left)
        self._so_far = _scaled(self._so_far, left)
        self._calming = _scaled(
            self._calming, 0.5 ** (seconds / params.calming_half_life_s)
        )

    def heard_within(self, duration_s: float, now_s: float) -> bool:
        """Whether words of the last `duration_s` are known."""
        return self._last_s is not None and now_s - self._last_s <= duration_s

    @property
    def kindness(self) -> float:
        """How much of calming words is left, in [0, 1]."""
        return _any_of(said.left for said in self._calming)

    @property
    def hostility(self) -> float:
        """How much of hostile words is left, in [0, 1]."""
        return _any_of(said.left for said in (*self._hostile, *self._so_far))

    def evidence(self) -> list[Evidence]:
        """What the words account for now, in points; calming ones negative."""
        return [
            *_points(
                [*self._hostile, *self._so_far], self.hostility * self._params.points
            ),
            *_points(self._calming, -self.kindness * self._params.calming_points),
        ]


def _any_of(parts: Iterable[float]) -> float:
    return 1.0 - math.prod(1.0 - part for part in parts)


def _scaled(items: list[_Said], factor: float) -> list[_Said]:
    scaled = (replace(said, left=said.left * factor) for said in items)
    return [said for said in scaled if said.left > FORGOTTEN]


def _points(items: list[_Said], points: float) -> list[Evidence]:
    total = sum(said.left for said in items)
    return [
        Evidence(
            Source.WORDS,
            said.sign.value,
            points * said.left / total,
            said.count,
            said.start_s,
            said.end_s,
        )
        for said in items
    ]
