import pytest

from alerts.events import CueCounting, CueFollowed, CueIgnored
from emotion.events import HostilityPoint, Phase, PhaseChanged
from server.events import Event
from server.reports.facts import CallFacts, CueOutcome, facts_of

pytestmark = pytest.mark.unit


def point(at_s: float, score: float) -> HostilityPoint:
    return HostilityPoint(at_s, score, score - 5, score + 5, Phase.RATIONAL, ())


def test_a_call_without_a_curve_gives_nothing() -> None:
    assert facts_of([]) == CallFacts()


def test_the_curve_is_a_score_for_each_second() -> None:
    events = [point(1, 5), point(2, 6.04), point(5, 9)]

    assert facts_of(events).curve == (5, 6.0, 6.0, 6.0, 9)


def test_the_first_take_off_and_the_first_cooling_after_it_count() -> None:
    def changed(at_s: float, after: Phase) -> Event:
        return PhaseChanged(at_s, Phase.RATIONAL, after, 50.0)

    facts = facts_of(
        [
            changed(3, Phase.COOL_DOWN),
            changed(10, Phase.TAKE_OFF),
            changed(20, Phase.PEAK),
            changed(50, Phase.COOL_DOWN),
            changed(60, Phase.TAKE_OFF),
            changed(90, Phase.PROBLEM_SOLVING),
        ]
    )

    assert (facts.take_off_s, facts.cool_s) == (10, 40)


def test_a_cue_is_looked_at_from_when_its_count_began() -> None:
    curve = [point(second, float(second)) for second in range(1, 101)]
    cues: list[Event] = [
        CueCounting("c1", 40.0, 45.0),
        CueFollowed("c1", 46.0, 5.5),
        CueIgnored("c2", 80.0, 1.0),
    ]

    first, second = facts_of([*curve, *cues]).cues

    assert first == CueOutcome(40.0, True, 40.0, 10.0, 70.0)
    assert first.change == 30.0
    assert (second.at_s, second.followed, second.after) == (80.0, False, None)
    assert second.change is None
