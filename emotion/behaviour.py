"""What the customer's behaviour counts for: interrupting, insisting, hurrying."""

from dataclasses import dataclass, field
from typing import Final

from audio.events import Interrupted, TurnTakingEvent
from audio.frame import Party
from emotion.errors import ParameterError
from emotion.events import Evidence, Source
from emotion.manner import Manner, MannerParams, Utterance

_FORGOTTEN: Final = 1.0
"""Points below which an event is as if it had not been."""


@dataclass(frozen=True, slots=True)
class BehaviourParams:
    """How behaviour becomes points of the score; all adopted.

    None of it is hostile by itself, so all together stay far below take-off.

    Attributes:
        manner: what is faster, and what is said again.
        interruption: points for each time the customer interrupts.
        most_interruptions: highest number of points for that.
        interruption_half_life_s: how fast they fade.
        repetition: points for each time the customer says the same again.
        most_repetitions: highest number of points for that.
        repetition_half_life_s: how fast they fade.
        faster: pace against the own opening that starts to count.
        points_per_faster: points for each time the opening's pace above that, where
            something else is hostile: fast alone is not angry.
        most_faster: highest number of points for that.
        full_at: points of everything else from which the pace counts in full.

    Raises:
        ParameterError: a number is not positive.
    """

    manner: MannerParams = field(default_factory=MannerParams)
    interruption: float = 6.0
    most_interruptions: float = 15.0
    interruption_half_life_s: float = 15.0
    repetition: float = 5.0
    most_repetitions: float = 10.0
    repetition_half_life_s: float = 30.0
    faster: float = 1.25
    points_per_faster: float = 15.0
    most_faster: float = 6.0
    full_at: float = 25.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if name != "manner" and getattr(self, name) <= 0:
                raise ParameterError(f"{name} must be above 0")


@dataclass(slots=True)
class _Tally:
    """How often something happened, and how many points are left of it."""

    code: str
    each: float
    most: float
    half_life_s: float
    points: float = 0.0
    count: int = 0
    first_s: float = 0.0
    last_s: float = 0.0

    def add(self, first_s: float, last_s: float) -> None:
        if self.count == 0:
            self.first_s = first_s
        self.count += 1
        self.last_s = last_s
        self.points = min(self.points + self.each, self.most)

    def fade(self, seconds: float) -> None:
        self.points *= 0.5 ** (seconds / self.half_life_s)
        if self.points < _FORGOTTEN:
            self.points, self.count = 0.0, 0

    def evidence(self) -> list[Evidence]:
        if not self.count:
            return []
        span = (self.first_s, self.last_s)
        return [Evidence(Source.TURNS, self.code, self.points, self.count, *span)]


class Behaviour:
    """Follows how one customer behaves, as points of the score. Pure."""

    def __init__(self, params: BehaviourParams) -> None:
        self._params = params
        self._manner = Manner(params.manner)
        self._interruptions = _Tally(
            "customer_interrupts",
            params.interruption,
            params.most_interruptions,
            params.interruption_half_life_s,
        )
        self._repetitions = _Tally(
            "says_it_again",
            params.repetition,
            params.most_repetitions,
            params.repetition_half_life_s,
        )
        self._latest: Utterance | None = None

    def feed_turns(self, event: TurnTakingEvent) -> None:
        """Take how the turns went; only the customer's behaviour counts."""
        if isinstance(event, Interrupted) and event.by is Party.CUSTOMER:
            self._interruptions.add(event.at_s, event.at_s)

    def feed_utterance(self, utterance: Utterance) -> None:
        """Take what the customer said."""
        self._latest = utterance
        first_s = self._manner.feed(utterance)
        if first_s is not None:
            self._repetitions.add(first_s, utterance.end_s)

    def fade(self, seconds: float) -> None:
        """Let time pass."""
        self._interruptions.fade(seconds)
        self._repetitions.fade(seconds)

    def evidence(self, other_points: float, since_s: float) -> list[Evidence]:
        """What the behaviour accounts for now, in points of the score.

        Args:
            other_points: what voice and words account for.
            since_s: the pace of an utterance that ended before is not news any more.
        """
        found = [*self._interruptions.evidence(), *self._repetitions.evidence()]
        return found + self._hurry(other_points, since_s)

    def _hurry(self, other_points: float, since_s: float) -> list[Evidence]:
        params, latest, pace = self._params, self._latest, self._manner.pace
        if latest is None or latest.end_s < since_s or pace <= params.faster:
            return []
        points = min(
            params.points_per_faster * (pace - params.faster), params.most_faster
        )
        points *= min(1.0, max(0.0, other_points) / params.full_at)
        if points <= 0:
            return []
        span = (latest.start_s, latest.end_s)
        return [Evidence(Source.TURNS, "speaks_faster", points, pace, *span)]
