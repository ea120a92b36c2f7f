"""Where on the hostility curve the customer stands."""

from dataclasses import dataclass

from emotion.errors import OrderError, ParameterError
from emotion.events import Phase, PhaseChanged


@dataclass(frozen=True, slots=True)
class PhaseParams:
    """When one phase gives way to another.

    `drop`, `rise`, `hold_s` and `near_baseline` are fitted by `python -m evaluation
    fit_curve`, the others adopted.

    Attributes:
        take_off: score that begins an escalation.
        peak: score that is a peak.
        calm: score below which an escalation is over.
        drop: fall from the highest score of the escalation that is a slow-down.
        rise: rise from the lowest score since then that begins another one.
        hold_s: how long a fall must last to be believed.
        near_baseline: how far above the calm opening is near it.
        settle_s: how long near the calm opening until the rest is problem solving.
        baseline_limit: highest score that a calm opening may have.
        opening_s: length of the opening.

    Raises:
        ParameterError: the scores are not in the order calm, take-off, peak.
    """

    take_off: float = 40.0
    peak: float = 70.0
    calm: float = 30.0
    drop: float = 20.0
    rise: float = 8.0
    hold_s: float = 2.0
    near_baseline: float = 12.0
    settle_s: float = 10.0
    baseline_limit: float = 15.0
    opening_s: float = 15.0

    def __post_init__(self) -> None:
        if not 0 < self.calm < self.take_off < self.peak <= 100:  # noqa: PLR2004 - a score ends at 100
            raise ParameterError(
                "scores must be ordered 0 < calm < take_off < peak <= 100, got "
                f"{self.calm}, {self.take_off}, {self.peak}"
            )


class PhaseTracker:
    """Follows the score through the phases, with hysteresis. Pure.

    Up is believed at once, down after `hold_s`. Several escalations may follow
    each other.
    """

    def __init__(self, params: PhaseParams) -> None:
        self._params = params
        self._phase = Phase.RATIONAL
        self._at_s = float("-inf")
        self._highest = 0.0
        self._lowest = 0.0
        self._below_since_s: float | None = None
        self._opening: list[float] = []

    @property
    def phase(self) -> Phase:
        """The phase now."""
        return self._phase

    def feed(self, score: float, at_s: float) -> PhaseChanged | None:
        """Take the score of one moment; return the change it caused, if any.

        Raises:
            OrderError: the moment is older than the one before.
        """
        if at_s < self._at_s:
            raise OrderError(f"scores come in order, got {at_s} s after {self._at_s} s")
        self._at_s = at_s
        if self._phase is Phase.RATIONAL and at_s <= self._params.opening_s:
            self._opening.append(score)
        self._highest = max(self._highest, score)
        self._lowest = min(self._lowest, score)
        after = self._next(score, at_s)
        if after is self._phase:
            return None
        change = PhaseChanged(at_s, self._phase, after, score)
        if after is Phase.TAKE_OFF:
            self._highest = score
        self._lowest = score
        self._below_since_s = None
        self._phase = after
        return change

    def _next(self, score: float, at_s: float) -> Phase:
        if self._phase is Phase.SLOW_DOWN:
            return self._while_falling(score, at_s)
        if self._phase in (Phase.TAKE_OFF, Phase.PEAK):
            return self._while_up(score, at_s)
        return self._while_calm(score, at_s)

    def _while_calm(self, score: float, at_s: float) -> Phase:
        if score >= self._params.take_off:
            return Phase.TAKE_OFF
        limit = self._baseline() + self._params.near_baseline
        if self._phase is Phase.COOL_DOWN and self._below(
            score, limit, at_s, self._params.settle_s
        ):
            return Phase.PROBLEM_SOLVING
        return self._phase

    def _while_up(self, score: float, at_s: float) -> Phase:
        if score >= self._params.peak:
            self._below_since_s = None
            return Phase.PEAK
        limit = self._highest - self._params.drop
        if self._below(score, limit, at_s, self._params.hold_s):
            return Phase.SLOW_DOWN
        return self._phase

    def _while_falling(self, score: float, at_s: float) -> Phase:
        rises = score >= self._lowest + self._params.rise
        if rises and score >= self._params.peak:
            return Phase.PEAK
        if rises and score >= self._params.take_off:
            return Phase.TAKE_OFF
        if self._below(score, self._params.calm, at_s, self._params.hold_s):
            return Phase.COOL_DOWN
        return self._phase

    def _below(
        self, score: float, limit: float, at_s: float, duration_s: float
    ) -> bool:
        if score > limit:
            self._below_since_s = None
            return False
        if self._below_since_s is None:
            self._below_since_s = at_s
        return at_s - self._below_since_s >= duration_s

    def _baseline(self) -> float:
        mean = sum(self._opening) / len(self._opening) if self._opening else 0.0
        return min(mean, self._params.baseline_limit)
