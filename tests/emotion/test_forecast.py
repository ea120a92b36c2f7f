from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.events import Interrupted, LongSilence
from audio.frame import Party
from emotion.errors import OrderError, ParameterError
from emotion.events import Forecast, HostilityPoint, Phase, WordReading
from emotion.forecast import Forecaster, ForecastParams

pytestmark = pytest.mark.unit


def point(at_s: float, score: float) -> HostilityPoint:
    return HostilityPoint(at_s, score, score, score, Phase.RATIONAL, ())


def said(hostility: float, end_s: float) -> WordReading:
    return WordReading(end_s - 1.0, end_s, hostility, None, (), "en", "fake")


def told(forecaster: Forecaster, *scores: float, start: int = 1) -> list[Forecast]:
    found = [
        forecaster.feed(point(float(at), score))
        for at, score in enumerate(scores, start)
    ]
    return [forecast for forecast in found if forecast]


def test_the_first_second_is_told_and_then_only_what_changes() -> None:
    forecasts = told(Forecaster(ForecastParams()), *[5.0] * 20, 60.0, *[60.0] * 20)

    assert forecasts[0].at_s == 1.0
    assert forecasts[0].horizon_s == 30.0
    # At once, and again when the slope of three seconds has run out.
    assert [forecast.at_s for forecast in forecasts[1:]] == [21.0, 24.0]
    assert forecasts[0].p < 0.11
    assert forecasts[1].p > 0.9


@pytest.mark.parametrize(("score", "p"), [(20.0, 0.28), (40.0, 0.67)])
def test_a_flat_score_gives_the_documented_probability(score: float, p: float) -> None:
    (forecast,) = told(Forecaster(ForecastParams()), *[score] * 5)

    assert forecast.p == pytest.approx(p, abs=0.01)


def test_a_rising_score_warns_before_a_flat_one() -> None:
    rising = told(Forecaster(ForecastParams()), 5.0, 15.0, 25.0)[-1]
    flat = told(Forecaster(ForecastParams()), 25.0, 25.0, 25.0)[-1]

    assert rising.p > flat.p


def test_hostile_words_and_interruptions_warn_for_a_while() -> None:
    plain, warned = Forecaster(ForecastParams()), Forecaster(ForecastParams())
    warned.feed_words(said(0.6, 1.0))
    warned.feed_turns(Interrupted(Party.CUSTOMER, 1.0))

    at_first = told(warned, 25.0)[0].p
    later = told(warned, 25.0, start=40)[0].p

    assert at_first > told(plain, 25.0)[0].p == later


def test_unfinished_words_warn_until_the_next_reading() -> None:
    plain, warned = Forecaster(ForecastParams()), Forecaster(ForecastParams())
    warned.feed_words_so_far(said(0.6, 1.0))

    at_first = told(warned, 25.0)[0].p
    assert at_first > told(plain, 25.0)[0].p
    warned.feed(point(40.0, 25.0))
    assert warned.outlook.hostility == 0.0

    warned.feed_words_so_far(said(0.6, 41.0))
    warned.feed_words(said(0.0, 42.0))
    warned.feed(point(42.0, 25.0))
    assert warned.outlook.hostility == 0.0


def test_calming_words_and_the_agent_change_nothing() -> None:
    plain, fed = Forecaster(ForecastParams()), Forecaster(ForecastParams())
    fed.feed_words(said(-0.8, 1.0))
    fed.feed_turns(Interrupted(Party.AGENT, 1.0))
    fed.feed_turns(LongSilence(1.0))

    assert told(fed, 25.0) == told(plain, 25.0)


def test_points_come_in_order() -> None:
    forecaster = Forecaster(ForecastParams())
    forecaster.feed(point(2.0, 0.0))

    with pytest.raises(OrderError, match=r"got 1\.0 s after 2\.0 s"):
        forecaster.feed(point(1.0, 0.0))


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ParameterError, match="slope_s"):
        ForecastParams(slope_s=0.0)


@given(st.lists(st.floats(0.0, 100.0), max_size=80))
def test_any_scores_give_probabilities_that_differ(scores: list[float]) -> None:
    forecasts = told(Forecaster(ForecastParams()), *scores)

    assert all(0.0 <= forecast.p <= 1.0 for forecast in forecasts)
    assert all(
        abs(after.p - before.p) >= 0.049 for before, after in pairwise(forecasts)
    )


def test_what_is_heard_warns_before_the_second_is_over() -> None:
    forecaster = Forecaster(ForecastParams())
    told(forecaster, 5.0, 5.0)

    early = forecaster.glance(2.4, expected=60.0)

    assert early is not None
    assert (early.at_s, early.p > 0.9) == (2.4, True)
    # The second itself has nothing to add.
    assert told(forecaster, 60.0, start=3) == []


def test_a_glance_is_no_reason_to_relax() -> None:
    forecaster = Forecaster(ForecastParams())
    told(forecaster, *[60.0] * 5)

    assert forecaster.glance(5.5, expected=5.0) is None


def test_the_first_second_is_not_told_before_it_is_over() -> None:
    assert Forecaster(ForecastParams()).glance(0.5, expected=60.0) is None
