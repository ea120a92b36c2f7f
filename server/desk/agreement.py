"""How well reviewers agree: Krippendorff's alpha. Pure.

Source: Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from enum import StrEnum
from itertools import permutations
from typing import TypeVar

_Unit = TypeVar("_Unit", bound=Hashable)


class Scale(StrEnum):
    """What differences between values mean."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


def krippendorff_alpha(
    units: Mapping[_Unit, Sequence[float]], scale: Scale
) -> float | None:
    """Return alpha: 1 is perfect agreement, 0 what chance would give.

    Args:
        units: for each thing that was judged, the values it got; who gave which does
            not matter, and things with fewer than two values are left out.
        scale: whether values only differ, are in an order, or have distances.

    Returns:
        None where it is not defined: nothing was judged twice, or every value that
        was given is the same.
    """
    paired = [values for values in units.values() if len(values) > 1]
    coincidences: dict[tuple[float, float], float] = {}
    for values in paired:
        for pair in permutations(values, 2):
            share = 1 / (len(values) - 1)
            coincidences[pair] = coincidences.get(pair, 0.0) + share
    totals: dict[float, float] = {}
    for (value, _), count in coincidences.items():
        totals[value] = totals.get(value, 0.0) + count
    n_values = sum(totals.values())
    distance = _distance(totals, scale)
    observed = sum(
        count * distance(one, other) for (one, other), count in coincidences.items()
    )
    expected = sum(
        totals[one] * totals[other] * distance(one, other)
        for one in totals
        for other in totals
    )
    if not expected:
        return None
    return 1 - (n_values - 1) * observed / expected


def _distance(
    totals: Mapping[float, float], scale: Scale
) -> Callable[[float, float], float]:
    if scale is Scale.NOMINAL:
        return lambda one, other: float(one != other)
    if scale is Scale.INTERVAL:
        return lambda one, other: (one - other) ** 2

    def ordinal(one: float, other: float) -> float:
        low, high = sorted((one, other))
        between = sum(count for value, count in totals.items() if low <= value <= high)
        return (between - (totals[one] + totals[other]) / 2) ** 2

    return ordinal
