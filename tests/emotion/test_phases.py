import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion.errors import OrderError, ParameterError
from emotion.events import Phase, PhaseChanged
from emotion.phases import PhaseParams, PhaseTracker

pytestmark = pytest.mark.unit

R, T, P = Phase.RATIONAL, Phase.TAKE_OFF, Phase.PEAK
S, C, D = Phase.SLOW_DOWN, Phase.COOL_DOWN, Phase.PROBLEM_SOLVING


def follow(*stretches: tuple[float, int]) -> list[PhaseChanged]:
    """Hold each score for so many seconds."""
    tracker = PhaseTracker(PhaseParams())
    scores = [score for score, seconds in stretches for _ in range(seconds)]
    changes = [tracker.feed(score, float(at)) for at, score in enumerate(scores)]
    found = [change for change in changes if change]
    assert tracker.phase is (found[-1].after if found else R)
    return found


def phases(*stretches: tuple[float, int]) -> list[Phase]:
    return [change.after for change in follow(*stretches)]


def test_a_calm_call_stays_rational() -> None:
    assert phases((5.0, 30), (39.0, 30)) == []


def test_an_escalation_goes_through_every_phase() -> None:
    assert phases((5, 10), (50, 5), (80, 8), (60, 5), (20, 5), (6, 15)) == [
        T,
        P,
        S,
        C,
        D,
    ]


def test_rising_is_believed_at_once() -> None:
    change = follow((5.0, 10), (41.0, 1))[0]

    assert change == PhaseChanged(10.0, R, T, 41.0)


def test_one_low_second_at_the_peak_is_not_believed() -> None:
    assert phases((80.0, 5), (50.0, 1), (80.0, 5)) == [T, P]


def test_an_escalation_may_end_before_it_peaks() -> None:
    assert phases((50.0, 5), (30.0, 6), (20.0, 6)) == [T, S, C]


def test_a_slow_down_may_turn_into_the_peak_again() -> None:
    assert phases((90.0, 5), (65.0, 5), (85.0, 3)) == [T, P, S, P]


def test_a_slow_down_may_turn_into_another_take_off() -> None:
    assert phases((90.0, 5), (45.0, 5), (60.0, 3)) == [T, P, S, T]


def test_a_small_rise_in_a_slow_down_is_none() -> None:
    assert phases((90.0, 5), (45.0, 5), (50.0, 5)) == [T, P, S]


def test_a_call_may_go_round_more_than_once() -> None:
    assert phases((0, 5), (80, 5), (10, 30), (80, 5), (10, 30), (45, 3)) == [
        T,
        P,
        S,
        C,
        D,
        T,
        P,
        S,
        C,
        D,
        T,
    ]


def test_near_the_own_baseline_counts_from_the_opening() -> None:
    high = phases((12.0, 15), (80.0, 5), (22.0, 30))
    low = phases((0.0, 15), (80.0, 5), (22.0, 30))

    assert high[-1] is D
    assert low[-1] is C


def test_without_an_opening_the_baseline_is_zero() -> None:
    tracker = PhaseTracker(PhaseParams())
    scores = [80.0] * 5 + [20.0] * 30

    for at, score in enumerate(scores):
        tracker.feed(score, 100.0 + at)

    assert tracker.phase is C


def test_scores_come_in_order() -> None:
    tracker = PhaseTracker(PhaseParams())
    tracker.feed(1.0, 2.0)

    with pytest.raises(OrderError, match=r"got 1\.0 s after 2\.0 s"):
        tracker.feed(1.0, 1.0)


def test_scores_of_phases_are_ordered() -> None:
    with pytest.raises(ParameterError, match="calm < take_off < peak"):
        PhaseParams(take_off=80.0)


@given(st.lists(st.floats(0.0, 100.0), max_size=120))
def test_any_scores_give_a_chain_of_changes(scores: list[float]) -> None:
    changes = follow(*((score, 1) for score in scores))

    assert all(change.before is not change.after for change in changes)
    assert [R, *(c.after for c in changes)][:-1] == [c.before for c in changes]
