"""The figures of a set of calls, each with its 95 % interval. Pure.

Calls are drawn, not cues or seconds: what happens within a call belongs together.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), sections 8 and
13.3; Kaplan and Meier, JASA 53 (1958), for the time to cool down; Wilson, Probable
Inference, JASA 22 (1927), for shares: drawing from calls that are all alike would
give an interval without width.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.reports.facts import CallFacts, CueOutcome

LEAST_CALLS = 5
"""No figure is over fewer calls than this."""

ROUNDS = 400
BEFORE_S = 60
AFTER_S = 300
STEP_S = 5
"""The part of the curve around the take-off that a shape shows, and its grid."""

Weights = NDArray[np.float64]
"""How often each call was drawn, shape ``(n_rounds, n_calls)``."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval.

    Attributes:
        n_calls: calls that it is over.
    """

    value: float
    low: float
    high: float
    n_calls: int


@dataclass(frozen=True, slots=True)
class Shape:
    """The mean curve around the first take-off, in steps of five seconds.

    Attributes:
        from_s: second of the first value, counted from the take-off.
        mean: score; None where fewer than five calls go on.
        low: lower edge of the interval of the mean.
        high: upper edge.
    """

    from_s: int
    step_s: int
    mean: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    n_calls: int


@dataclass(frozen=True, slots=True)
class CueEffect:
    """What the curve did in the 30 s after a cue began to count.

    Attributes:
        followed: mean change of the score after a pause that was kept.
        ignored: likewise after one that was not.
        difference: followed less ignored, as they are.
        adjusted: the same at equal score, slope and time in the call.
    """

    followed: Estimate
    ignored: Estimate
    difference: Estimate
    adjusted: Estimate | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything about a set of calls; None where there are too few for it.

    Attributes:
        took_off: share of calls that took off.
        cooled: share of those that cooled down before their end.
        cool_s: median seconds until then, counting those that never did; None
            as well where fewer than half do.
        adherence: share of cues in which the pause was kept.
    """

    n_calls: int
    took_off: Estimate | None
    cooled: Estimate | None
    cool_s: Estimate | None
    adherence: Estimate | None
    effect: CueEffect | None
    shape: Shape | None


def figures_of(calls: Sequence[CallFacts], seed: int = 0) -> Figures:
    """Work out the figures of a set of calls; the same calls give the same ones."""
    scored = [call for call in calls if call.curve]
    hot = [call for call in scored if call.take_off_s is not None]
    return Figures(
        n_calls=len(calls),
        took_off=_share([call.take_off_s is not None for call in scored]),
        cooled=_share([call.cool_s is not None for call in hot]),
        cool_s=_time_to_cool(hot, seed),
        adherence=_adherence(scored, seed),
        effect=_effect(scored, seed),
        shape=_shape(hot, seed),
    )


def _drawn(n_calls: int, seed: int) -> Weights:
    draw = np.random.default_rng(seed)
    drawn = draw.multinomial(n_calls, np.full(n_calls, 1 / n_calls), ROUNDS)
    return drawn.astype(np.float64)


def _estimate(
    n_calls: int, statistic: Callable[[NDArray[np.float64]], float], seed: int
) -> Estimate | None:
    """A statistic of weighted calls; None where there are too few, or it is none."""
    if n_calls < LEAST_CALLS:
        return None
    value = statistic(np.ones(n_calls))
    values = np.array([statistic(weights) for weights in _drawn(n_calls, seed)])
    if np.isnan(value) or np.isnan(values).mean() > 0.05:  # noqa: PLR2004 - then the interval is none
        return None
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Estimate(float(value), float(low), float(high), n_calls)


def share_interval(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of things that are independent.

    Source: Wilson, Probable Inference, JASA 22 (1927), as the score interval.
    """
    z = 1.959964
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    spread = math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    half = z * spread / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def _share(hits: Sequence[bool]) -> Estimate | None:
    n_calls = len(hits)
    if n_calls < LEAST_CALLS:
        return None
    low, high = share_interval(sum(hits), n_calls)
    return Estimate(sum(hits) / n_calls, low, high, n_calls)


def _time_to_cool(hot: Sequence[CallFacts], seed: int) -> Estimate | None:
    seconds = np.array([_followed_for_s(call) for call in hot])
    cooled = np.array([call.cool_s is not None for call in hot])
    order = np.argsort(seconds, kind="stable")

    def median(weights: NDArray[np.float64]) -> float:
        return _median_survival(seconds[order], cooled[order], weights[order])

    return _estimate(len(hot), median, seed)


def _followed_for_s(call: CallFacts) -> float:
    """Until the customer cooled down, or until the call was over."""
    if call.cool_s is not None:
        return call.cool_s
    return max(0.0, len(call.curve) - (call.take_off_s or 0.0))


def _median_survival(
    seconds: NDArray[np.float64],
    happened: NDArray[np.bool_],
    weights: NDArray[np.float64],
) -> float:
    """Kaplan-Meier median of times in order; NaN: fewer than half get there."""
    at_risk = weights[::-1].cumsum()[::-1]
    steps = np.where(
        happened & (at_risk > 0), 1 - weights / np.maximum(at_risk, 1e-9), 1.0
    )
    reached = np.flatnonzero(np.cumprod(steps) <= 0.5)  # noqa: PLR2004 - the median
    return float(seconds[reached[0]]) if len(reached) else float("nan")


def _adherence(calls: Sequence[CallFacts], seed: int) -> Estimate | None:
    cued = [call for call in calls if call.cues]
    followed = np.array([sum(cue.followed for cue in c.cues) for c in cued], float)
    n_cues = np.array([len(call.cues) for call in cued], float)
    if sum(followed) in (0, sum(n_cues)):
        # All alike: as sure as of one cue in each of these calls.
        return _share([bool(it) for it in followed])
    return _estimate(
        len(cued), lambda weights: float(weights @ followed / (weights @ n_cues)), seed
    )


def _effect(calls: Sequence[CallFacts], seed: int) -> CueEffect | None:
    cued = [call for call in calls if any(cue.change is not None for cue in call.cues)]
    cues = [
        (index, cue)
        for index, call in enumerate(cued)
        for cue in call.cues
        if cue.change is not None
    ]
    index = np.array([index for index, _ in cues], int)
    change = np.array([cue.change for _, cue in cues], float)
    followed = np.array([cue.followed for _, cue in cues], bool)
    for side in (followed, ~followed):
        if len(set(index[side])) < LEAST_CALLS:
            return None

    def mean(side: NDArray[np.bool_]) -> Callable[[NDArray[np.float64]], float]:
        return lambda weights: _mean(change[side], weights[index[side]])

    yes, no = mean(followed), mean(~followed)
    design = _design([cue for _, cue in cues], followed)
    estimates = [
        _estimate(len(cued), statistic, seed)
        for statistic in (
            yes,
            no,
            lambda weights: yes(weights) - no(weights),
            lambda weights: _coefficient(design, change, weights[index]),
        )
    ]
    first, second, difference, adjusted = estimates
    if first is None or second is None or difference is None:
        return None
    return CueEffect(first, second, difference, adjusted)


def _mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    total = weights.sum()
    return float(values @ weights / total) if total else float("nan")


def _design(
    cues: Sequence[CueOutcome], followed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Followed, and what the curve was like when the count began."""
    return np.column_stack(
        [
            followed.astype(float),
            np.ones(len(cues)),
            [cue.before for cue in cues],
            [cue.slope for cue in cues],
            [cue.at_s / 60 for cue in cues],
        ]
    )


def _coefficient(
    design: NDArray[np.float64],
    change: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> float:
    """The first coefficient of a weighted least-squares fit."""
    used = weights > 0
    side = design[used, 0]
    if used.sum() <= design.shape[1] or side.min() == side.max():
        return float("nan")
    root = np.sqrt(weights[used])
    fit = np.linalg.lstsq(design[used] * root[:, None], change[used] * root, rcond=None)
    return float(fit[0][0])


def _shape(hot: Sequence[CallFacts], seed: int) -> Shape | None:
    if len(hot) < LEAST_CALLS:
        return None
    offsets = np.arange(-BEFORE_S, AFTER_S + 1, STEP_S)
    scores = np.array([_aligned(call, offsets) for call in hot])
    there = ~np.isnan(scores)
    filled = np.where(there, scores, 0.0)
    drawn = _drawn(len(hot), seed)
    enough = there.sum(axis=0) >= LEAST_CALLS
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=0) / there.sum(axis=0)
        means = (drawn @ filled) / (drawn @ there)
    edges = np.full((2, len(offsets)), np.nan)
    edges[:, enough] = np.nanpercentile(means[:, enough], [2.5, 97.5], axis=0)

    def shown(values: NDArray[np.float64]) -> tuple[float | None, ...]:
        return tuple(
            round(float(value), 1) if ok else None
            for value, ok in zip(values, enough, strict=True)
        )

    return Shape(
        from_s=-BEFORE_S,
        step_s=STEP_S,
        mean=shown(mean),
        low=shown(edges[0]),
        high=shown(edges[1]),
        n_calls=len(hot),
    )


def _aligned(call: CallFacts, offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """The call's curve at seconds from its take-off; NaN outside the call."""
    seconds = offsets + round(call.take_off_s or 0.0)
    curve = np.array(call.curve)
    inside = (seconds >= 1) & (seconds <= len(curve))
    return np.where(inside, curve[np.clip(seconds, 1, len(curve)) - 1], np.nan)
