import numpy as np
import pytest

from server.reports.facts import CallFacts, CueOutcome
from server.reports.figures import figures_of

pytestmark = pytest.mark.unit


def call(
    take_off_s: float | None = 60.0,
    cool_s: float | None = None,
    cues: tuple[CueOutcome, ...] = (),
    seconds: int = 200,
) -> CallFacts:
    return CallFacts((50.0,) * seconds, take_off_s, cool_s, cues)


def cue(change: float, before: float = 60.0, *, followed: bool) -> CueOutcome:
    return CueOutcome(50.0, followed, before, 5.0, before + change)


def test_four_calls_give_no_figure_and_five_do() -> None:
    four = figures_of([call(cool_s=30.0, cues=(cue(-9, followed=True),))] * 4)
    five = figures_of([call(cool_s=30.0, cues=(cue(-9, followed=True),))] * 5)

    figures = (four.took_off, four.cooled, four.cool_s, four.adherence, four.shape)
    assert figures == (None,) * 5
    assert five.cool_s is not None
    assert (five.cool_s.value, five.cool_s.n_calls) == (30.0, 5)
    assert five.adherence is not None
    assert five.adherence.value == 1.0


def test_calls_that_never_cool_down_count_in_the_time_to_cool() -> None:
    # Source: by hand. 3 of 6 at 10, 20, 30 s; three calls end at 140 s still hot.
    times = [10.0, 20.0, 30.0, None, None, None]

    figures = figures_of([call(cool_s=time) for time in times])
    mostly_hot = figures_of([call(cool_s=time) for time in [10.0, *[None] * 5]])

    assert figures.cooled is not None
    assert figures.cooled.value == 0.5
    assert mostly_hot.cool_s is None


def test_an_interval_is_over_calls_and_not_over_cues() -> None:
    much = tuple(cue(-5, followed=True) for _ in range(200))
    calls = [call(cues=much), *[call(cues=(cue(-5, followed=False),))] * 9]

    adherence = figures_of(calls).adherence

    assert adherence is not None
    assert adherence.value == pytest.approx(200 / 209)
    assert adherence.low < 0.1


def test_a_known_effect_is_found_and_what_it_is_mixed_with_is_taken_out() -> None:
    draw = np.random.default_rng(1)
    calls = []
    for _ in range(300):
        before = draw.uniform(30, 90)
        # Agents pause more where it is calmer, and high scores fall by themselves.
        followed = bool(draw.random() < (100 - before) / 80)
        change = -0.5 * (before - 40) - 6.0 * followed + draw.normal(0, 4)
        calls.append(call(cues=(cue(change, before, followed=followed),)))

    effect = figures_of(calls).effect

    assert effect is not None
    assert effect.difference.value > 0  # looks as if the pause made it worse
    assert effect.adjusted is not None
    assert effect.adjusted.low < -6.0 < effect.adjusted.high
    assert effect.adjusted.high < -4.0


def test_no_effect_is_not_found() -> None:
    draw = np.random.default_rng(2)
    calls = [
        call(cues=(cue(draw.normal(-8, 4), draw.uniform(40, 80), followed=n % 2 == 0),))
        for n in range(100)
    ]

    effect = figures_of(calls).effect

    assert effect is not None
    assert effect.adjusted is not None
    assert effect.adjusted.low < 0 < effect.adjusted.high


def test_an_effect_needs_five_calls_on_either_side() -> None:
    followed = [call(cues=(cue(-9, followed=True),))] * 20
    ignored = [call(cues=(cue(-2, followed=False),))] * 4

    assert figures_of(followed + ignored).effect is None


def test_a_shape_is_aligned_to_the_take_off_and_stops_where_calls_do() -> None:
    calls = []
    for take_off_s in (60, 70, 80, 90, 100, 110):
        rise = [0.0] * (take_off_s - 1) + [80.0] * 61
        calls.append(CallFacts(tuple(rise), float(take_off_s)))

    shape = figures_of(calls).shape

    assert shape is not None
    at = {shape.from_s + n * shape.step_s: mean for n, mean in enumerate(shape.mean)}
    assert (at[-5], at[0], at[60]) == (0.0, 80.0, 80.0)
    assert at[65] is None
    assert at[-60] == 0.0


def test_the_same_calls_give_the_same_figures() -> None:
    calls = [call(cool_s=float(n), cues=(cue(-n, followed=True),)) for n in range(9)]

    assert figures_of(calls) == figures_of(calls)


def test_where_all_calls_are_alike_the_interval_still_has_a_width() -> None:
    cued = (cue(-9, followed=True), cue(-9, followed=True))

    figures = figures_of([call(cool_s=30.0, cues=cued)] * 31)

    # Source: Wilson's score interval of 31 out of 31.
    for share in (figures.took_off, figures.cooled, figures.adherence):
        assert share is not None
        assert (share.value, share.high) == (1.0, 1.0)
        assert share.low == pytest.approx(0.890, abs=0.001)
