"""The bootstrap gives the interval that theory gives, and the same one each time."""

import numpy as np
import pytest

from evaluation.interval import bootstrap, trend

pytestmark = pytest.mark.unit


def test_interval_of_a_mean_is_close_to_the_normal_one() -> None:
    values = np.random.default_rng(7).normal(10.0, 2.0, 400)
    half = 1.96 * values.std() / np.sqrt(len(values))

    low, high = bootstrap(len(values), lambda drawn: float(values[drawn].mean()))

    assert low == pytest.approx(values.mean() - half, abs=0.03)
    assert high == pytest.approx(values.mean() + half, abs=0.03)


def test_same_seed_gives_the_same_interval() -> None:
    values = np.arange(20.0)

    first, again = (
        bootstrap(20, lambda drawn: float(values[drawn].mean()), seed=3, rounds=50)
        for _ in range(2)
    )

    assert first == again


def test_draws_without_a_value_are_left_out() -> None:
    values = np.array([0.0, 1.0])

    low, high = bootstrap(
        2, lambda drawn: 5.0 if len(set(values[drawn])) > 1 else float("nan")
    )

    assert (low, high) == (5.0, 5.0)


def test_a_line_needs_two_moments_and_passes_over_what_is_unknown() -> None:
    assert all(np.isnan(trend([1.0, 1.0], [1.0, 2.0])))
    slope, low, high = trend([0.0, 1.0, 2.0, 3.0], [1.0, np.nan, 5.0, 7.1])
    assert slope == pytest.approx(2.0, abs=0.1)
    assert low <= slope <= high
