import math

import pytest

from server.overload import Busy, Ladder, LadderParams, Rung

pytestmark = pytest.mark.unit


def climb(lags_s: list[list[float]], params: LadderParams | None = None) -> list[Rung]:
    """Where the ladder stands after each second."""
    ladder = Ladder(params or LadderParams())
    return [ladder.feed(float(second), lags) for second, lags in enumerate(lags_s)]


def changes(rungs: list[Rung]) -> list[Rung]:
    return [b for a, b in zip([Rung.NONE, *rungs], rungs, strict=False) if a != b]


def test_rungs_are_taken_one_after_the_other_and_left_in_the_reverse_order() -> None:
    rungs = climb([[30.0]] * 20 + [[0.0]] * 60)

    assert changes(rungs) == [
        Rung.PARTIALS,
        Rung.VOICE,
        Rung.LATE,
        Rung.VOICE,
        Rung.PARTIALS,
        Rung.NONE,
    ]


def test_a_lag_that_does_not_last_is_no_overload() -> None:
    assert set(climb([[30.0], [30.0], [0.0]] * 20)) == {Rung.NONE}


def test_a_lag_between_two_rungs_stays_where_it_is() -> None:
    rungs = climb([[3.0]] * 30 + [[1.5]] * 30)

    assert changes(rungs) == [Rung.PARTIALS]


def test_one_call_of_many_that_is_late_is_no_overload() -> None:
    assert set(climb([[0.1, 60.0, 0.2, 0.1, 0.3]] * 20)) == {Rung.NONE}


def test_most_calls_late_is_one() -> None:
    assert climb([[0.1, 20.0, 20.0, 20.0]] * 20)[-1] is Rung.LATE


def test_nobody_on_the_line_is_no_overload() -> None:
    assert set(climb([[]] * 5)) == {Rung.NONE}


def test_lags_must_rise() -> None:
    with pytest.raises(ValueError, match="rise"):
        LadderParams(from_s=(3.0, 2.0, 1.0))


def test_the_share_of_busy_threads_forgets_what_is_long_ago() -> None:
    busy = Busy(n_threads=2, lately_s=10.0)
    busy.change(0.0, 1)

    assert busy.share(0.0) == 0.0
    assert busy.share(10.0) == pytest.approx(0.5 * (1 - 1 / math.e))
    assert busy.share(1000.0) == pytest.approx(0.5)
    busy.change(1000.0, 2)
    busy.change(1010.0, 0)
    at_end = busy.share(1010.0)
    assert 0.5 < at_end < 1.0
    assert busy.share(1020.0) == pytest.approx(at_end / math.e)
