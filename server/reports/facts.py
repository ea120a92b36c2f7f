"""What one finished call gives to a report. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.events import CueCounting, CueFollowed, CueIgnored
from emotion.events import HostilityPoint, Phase, PhaseChanged
from server.events import Event

_HOT = (Phase.TAKE_OFF, Phase.PEAK)
_COOL = (Phase.COOL_DOWN, Phase.PROBLEM_SOLVING)
EFFECT_AFTER_S = 30
"""How long after a cue began to count the curve is looked at again."""

_SLOPE_S = 10


@dataclass(frozen=True, slots=True)
class CueOutcome:
    """One cue that was followed or ignored, and the curve around it.

    Attributes:
        at_s: when the count began.
        followed: the agent paused.
        before: the score at that time.
        slope: points that the score had risen by in the ten seconds before.
        after: the score 30 s later; None: the call was over by then.
    """

    at_s: float
    followed: bool
    before: float
    slope: float
    after: float | None

    @property
    def change(self) -> float | None:
        """Points from before to after."""
        return None if self.after is None else self.after - self.before


@dataclass(frozen=True, slots=True)
class CallFacts:
    """One call, as far as reports need it.

    Attributes:
        curve: the score at second 1, 2, 3, ... of the call.
        take_off_s: when the customer first took off; None: never.
        cool_s: seconds from there until they first cooled down; None: never.
        cues: in the order they came.
    """

    curve: tuple[float, ...] = ()
    take_off_s: float | None = None
    cool_s: float | None = None
    cues: tuple[CueOutcome, ...] = ()


def facts_of(events: Sequence[Event]) -> CallFacts:
    """Take from a log what reports need."""
    points = [event for event in events if isinstance(event, HostilityPoint)]
    curve = _by_second(points)
    take_off_s: float | None = None
    cool_s: float | None = None
    counting: dict[str, float] = {}
    cues: list[CueOutcome] = []
    for event in events:
        match event:
            case PhaseChanged(at_s=at_s, after=phase):
                if take_off_s is None and phase in _HOT:
                    take_off_s = at_s
                elif take_off_s is not None and cool_s is None and phase in _COOL:
                    cool_s = at_s - take_off_s
            case CueCounting(cue_id=cue_id, start_s=start_s):
                counting[cue_id] = start_s
            case CueFollowed(cue_id=cue_id, at_s=at_s):
                cues.append(_outcome(curve, counting.get(cue_id, at_s), followed=True))
            case CueIgnored(cue_id=cue_id, at_s=at_s):
                cues.append(_outcome(curve, counting.get(cue_id, at_s), followed=False))
            case _:
                pass
    return CallFacts(curve, take_off_s, cool_s, tuple(cues))


def _by_second(points: Sequence[HostilityPoint]) -> tuple[float, ...]:
    """The score of every second; one that is missing is as the one before."""
    curve: list[float] = []
    for point in points:
        second = max(1, round(point.at_s))
        while len(curve) < second - 1:
            curve.append(curve[-1] if curve else point.score)
        if len(curve) < second:
            curve.append(round(point.score, 1))
    return tuple(curve)


def _outcome(curve: Sequence[float], at_s: float, *, followed: bool) -> CueOutcome:
    second = round(at_s)
    before = _score(curve, second)
    after = second + EFFECT_AFTER_S
    return CueOutcome(
        at_s=at_s,
        followed=followed,
        before=before,
        slope=before - _score(curve, second - _SLOPE_S),
        after=_score(curve, after) if after <= len(curve) else None,
    )


def _score(curve: Sequence[float], second: int) -> float:
    """The score at a second, held at both ends; calm where there is no curve."""
    if not curve:
        return 0.0
    return curve[min(max(second, 1), len(curve)) - 1]
