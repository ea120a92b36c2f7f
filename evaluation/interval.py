"""How sure a figure is: the bootstrap over recordings, or whatever is independent."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

ROUNDS = 2000

_Numbers = NDArray[np.float64]


def bootstrap(
    n: int,
    statistic: Callable[[NDArray[np.int64]], float],
    *,
    seed: int = 0,
    rounds: int = ROUNDS,
) -> tuple[float, float]:
    """Return the 95 % percentile interval of a statistic.

    Draws that the statistic cannot be computed on (it gives NaN, such as an AUC
    without both classes) are left out.

    Args:
        n: how many independent items there are.
        statistic: computes the figure from the indexes of the items drawn.
        seed: the same seed gives the same interval.
        rounds: how many times to draw.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.
    """
    draw = np.random.default_rng(seed)
    values = [statistic(draw.integers(0, n, n)) for _ in range(rounds)]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def trend(x: Sequence[float], y: Sequence[float]) -> tuple[float, float, float]:
    """Slope of the least-squares line, and the 95 % interval of the slope.

    Args:
        x: where; NaN in all three results where all of them are one.
        y: what was measured there; a NaN is left out.
    """
    at, measured = np.asarray(x, float), np.asarray(y, float)
    slope = _slope(at, measured)
    if math.isnan(slope):
        return slope, slope, slope
    low, high = bootstrap(len(at), lambda drawn: _slope(at[drawn], measured[drawn]))
    return slope, low, high


def _slope(x: _Numbers, y: _Numbers) -> float:
    known = ~np.isnan(y)
    spread = x[known] - x[known].mean() if known.any() else x[:0]
    scatter = float(spread @ spread)
    return float(spread @ y[known]) / scatter if scatter else float("nan")
