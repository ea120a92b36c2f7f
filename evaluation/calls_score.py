"""Compares the logs of calls with what is known of the calls."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerts.events import CueArmed
from emotion.events import HostilityPoint, Phase
from evaluation.calls_plan import ESCALATING, Kind
from evaluation.calls_truth import Escalation, Truth
from evaluation.interval import bootstrap
from evaluation.report import Figure
from server.events import LogEntry

GRACE_S: Final = 2.0
"""A cue this long after the last angry word still belongs to the escalation."""

HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One call, what was known of it and what was said of it.

    Attributes:
        kind: what the call is an example of.
        duration_s: its length.
        truth: what is known.
        curve: float64, shape ``(n_seconds,)``, the score of the truth's seconds.
        phases: what the curve said of them.
        armed: when cues were armed, for the first time or again: time and id.
    """

    kind: Kind
    duration_s: float
    truth: Truth
    curve: NDArray[np.float64]
    phases: tuple[Phase, ...]
    armed: tuple[tuple[float, str], ...]

    @property
    def new_cues(self) -> list[float]:
        """When cues appeared that had not been on the screen."""
        first: dict[str, float] = {}
        for at_s, cue_id in self.armed:
            first.setdefault(cue_id, at_s)
        return list(first.values())

    def cue_of(self, escalation: Escalation) -> float | None:
        """When an escalation was cued, None if it was not."""
        last_s = escalation.end_s + GRACE_S
        return next(
            (at for at, _ in self.armed if escalation.start_s <= at <= last_s), None
        )


def outcome_of(
    kind: Kind, duration_s: float, truth: Truth, log: Sequence[LogEntry]
) -> Outcome:
    """Pick out of a log what is compared."""
    events = [entry.event for entry in log]
    points = [event for event in events if isinstance(event, HostilityPoint)]
    n_seconds = min(len(points), len(truth.hostility))
    return Outcome(
        kind,
        duration_s,
        Truth(truth.hostility[:n_seconds], truth.phases[:n_seconds], truth.escalations),
        np.array([point.score for point in points[:n_seconds]]),
        tuple(point.phase for point in points[:n_seconds]),
        tuple((e.at_s, e.cue_id) for e in events if isinstance(e, CueArmed)),
    )


def moments(outcome: Outcome) -> NDArray[np.float64]:
    """Return what `concordance` needs of one call: sums over its seconds."""
    said, known = outcome.curve, outcome.truth.hostility
    columns = (np.ones_like(said), said, known, said**2, known**2, said * known)
    return np.array([column.sum() for column in columns])


def concordance(of_calls: Sequence[NDArray[np.float64]]) -> float:
    """Return the concordance correlation of curve and truth over all seconds.

    Source: Lin (1989), Biometrics 45(1), eq. 2.2.

    Args:
        of_calls: the `moments` of each call.
    """
    n, *sums = np.sum(of_calls, axis=0)
    said, known, said2, known2, product = (float(one / n) for one in sums)
    apart = said2 - said**2 + known2 - known**2 + (said - known) ** 2
    return 2 * (product - said * known) / apart if apart else float("nan")


def cued(outcome: Outcome) -> NDArray[np.float64]:
    """Return how many escalations of a call were cued, and how many there were."""
    escalations = outcome.truth.escalations
    n_cued = sum(outcome.cue_of(one) is not None for one in escalations)
    return np.array([n_cued, len(escalations)], np.float64)


def false_cues(outcome: Outcome) -> NDArray[np.float64]:
    """Return how many cues a call without hostility had, and its hours."""
    return np.array([len(outcome.new_cues), outcome.duration_s / HOUR_S])


def early_cues(outcome: Outcome) -> NDArray[np.float64]:
    """Return the cues before a call's first escalation, and the hours until then."""
    first_s = outcome.truth.escalations[0].start_s
    n_cues = sum(at_s < first_s for at_s in outcome.new_cues)
    return np.array([n_cues, first_s / HOUR_S])


def ratio(of_calls: Sequence[NDArray[np.float64]]) -> float:
    """Return the sum of the first numbers over the sum of the second ones."""
    above, below = np.sum(of_calls, axis=0)
    return float(above / below) if below else float("nan")


def delays_s(outcome: Outcome) -> NDArray[np.float64]:
    """Return the times from the first angry word to the cue, where there was one.

    Below zero the cue came first, while the customer was irritated.
    """
    cues = [(one, outcome.cue_of(one)) for one in outcome.truth.escalations]
    return np.array([at - one.angry_s for one, at in cues if at is not None])


def leads_s(outcome: Outcome) -> NDArray[np.float64]:
    """Return the times from the cue to the peak, where there was a cue."""
    cues = [(one, outcome.cue_of(one)) for one in outcome.truth.escalations]
    return np.array([one.peak_s - at for one, at in cues if at is not None])


def middle(of_calls: Sequence[NDArray[np.float64]]) -> float:
    """Return the median of all numbers of all calls."""
    joined = np.concatenate(of_calls)
    return float(np.median(joined)) if len(joined) else float("nan")


def shared_delays_s(one: Outcome, other: Outcome) -> NDArray[np.float64]:
    """Return the delays of the escalations of a call that two ways of listening cued.

    Each way's own median is of what it caught: one that catches only what is plain
    looks quick.

    Returns:
        Shape ``(n, 2)``: delay of the one and of the other.
    """
    pairs = [
        (one.cue_of(each), other.cue_of(each), each.angry_s)
        for each in one.truth.escalations
    ]
    found = [
        (mine - angry_s, theirs - angry_s)
        for mine, theirs, angry_s in pairs
        if mine is not None and theirs is not None
    ]
    return np.array(found, np.float64).reshape(-1, 2)


def compared(
    prefix: str, ones: Sequence[Outcome], others: Sequence[Outcome]
) -> list[Figure]:
    """Return the median delays of two ways of listening, of what both cued."""
    pairs = [
        shared_delays_s(*both)
        for both in zip(ones, others, strict=True)
        if both[0].kind in ESCALATING
    ]
    figures = [
        _figure(
            f"{prefix}.{name}_delay_median_s",
            "s",
            [pair[:, column] for pair in pairs],
            middle,
        )
        for column, name in enumerate(("its", "fused"))
    ]
    return [one for one in figures if not np.isnan(one.value)]


def phase_counts(outcome: Outcome) -> NDArray[np.float64]:
    """Return what `phase_f1` needs of one call.

    Returns:
        Shape ``(n_phases, 3)``: seconds in which a phase was both known and said,
        known, said.
    """
    pairs = list(zip(outcome.truth.phases, outcome.phases, strict=True))
    return np.array(
        [
            [
                sum(known is said is phase for known, said in pairs),
                sum(known is phase for known, _ in pairs),
                sum(said is phase for _, said in pairs),
            ]
            for phase in Phase
        ],
        dtype=np.float64,
    )


def phase_f1(of_calls: Sequence[NDArray[np.float64]]) -> float:
    """Return the mean over the phases that occur of their F1 over all seconds.

    Args:
        of_calls: the `phase_counts` of each call.
    """
    hit, known, said = np.sum(of_calls, axis=0).T
    occurs = known > 0
    return float(np.mean(2 * hit[occurs] / (known + said)[occurs]))


def figures_of(prefix: str, outcomes: Sequence[Outcome]) -> list[Figure]:
    """Return the figures of calls that were listened to in one way."""
    hostile = [one for one in outcomes if one.kind in ESCALATING]
    figures = [
        _figure(f"{prefix}.ccc", "ratio", map(moments, outcomes), concordance),
        _figure(f"{prefix}.recall", "ratio", map(cued, hostile), ratio),
        _figure(f"{prefix}.delay_median_s", "s", map(delays_s, hostile), middle),
        _figure(f"{prefix}.lead_median_s", "s", map(leads_s, hostile), middle),
    ]
    for kind in Kind:
        of_kind = [one for one in outcomes if one.kind is kind]
        recall = f"{prefix}.recall.{kind}"
        delay = f"{prefix}.delay_median_s.{kind}"
        false = f"{prefix}.false_cues_per_hour.{kind}"
        if kind in ESCALATING:
            figures.append(_figure(recall, "ratio", map(cued, of_kind), ratio))
            figures.append(_figure(delay, "s", map(delays_s, of_kind), middle))
        else:
            figures.append(_figure(false, "1/h", map(false_cues, of_kind), ratio))
    early = f"{prefix}.false_cues_per_hour.before_escalation"
    figures += [
        _figure(early, "1/h", map(early_cues, hostile), ratio),
        _figure(f"{prefix}.phase_f1", "ratio", map(phase_counts, outcomes), phase_f1),
    ]
    return [one for one in figures if not np.isnan(one.value)]


def _figure(
    name: str,
    unit: str,
    of_calls: Iterable[NDArray[np.float64]],
    statistic: Callable[[Sequence[NDArray[np.float64]]], float],
) -> Figure:
    """Return a figure with its interval over calls; NaN where it cannot be had.

    One call has no interval.
    """
    calls = list(of_calls)
    value = statistic(calls) if calls else float("nan")
    if np.isnan(value) or len(calls) == 1:
        return Figure(name, value, unit)

    def drawn(index: NDArray[np.int64]) -> float:
        return statistic([calls[at] for at in index])

    return Figure(name, value, unit, *bootstrap(len(calls), drawn))
