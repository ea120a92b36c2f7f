"""How likely the call reaches take-off or peak soon."""

import math
from collections import deque
from dataclasses import dataclass

from audio.events import Interrupted, TurnTakingEvent
from audio.frame import Party
from emotion.errors import OrderError, ParameterError
from emotion.events import Forecast, HostilityPoint, WordReading


@dataclass(frozen=True, slots=True)
class ForecastParams:
    """A logistic model of what comes next.

    The coefficients are fitted by `python -m evaluation fit_curve`: a flat score of
    40 gives 0.67, a flat score of 20 gives 0.28.

    Attributes:
        horizon_s: how far ahead it looks.
        bias: log-odds at a flat score of 0.
        per_point: log-odds for each point of the score.
        per_slope: log-odds for each point a second that the score rises.
        per_hostility: log-odds for recent words of hostility 1.
        per_interruption: log-odds for each recent interruption by the customer.
        slope_s: over how long the slope is taken.
        recent_s: how long words and interruptions are recent.
        step: smallest change that is told.

    Raises:
        ParameterError: a duration is not positive.
    """

    horizon_s: float = 30.0
    bias: float = -2.537
    per_point: float = 0.0807
    per_slope: float = 0.05
    per_hostility: float = 0.8823
    per_interruption: float = 0.1
    slope_s: float = 3.0
    recent_s: float = 15.0
    step: float = 0.05

    def __post_init__(self) -> None:
        for name in ("horizon_s", "slope_s", "recent_s"):
            if getattr(self, name) <= 0:
                raise ParameterError(f"{name} must be above 0")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a forecast is made from.

    Attributes:
        score: of the curve, 0 to 100.
        slope: points a second that it rises.
        hostility: of the worst recent words, 0 to 1.
        n_interruptions: how often the customer interrupted recently.
    """

    score: float
    slope: float
    hostility: float
    n_interruptions: int


class Forecaster:
    """Looks ahead once a second; tells when it sees something else. Pure.

    What is heard in between is looked at as well (`glance`), so that a warning need
    not wait for the second to be over.
    """

    def __init__(self, params: ForecastParams) -> None:
        self._params = params
        self._points: deque[HostilityPoint] = deque()
        self._words: deque[WordReading] = deque()
        self._so_far: WordReading | None = None
        self._interruptions: deque[float] = deque()
        self._told: float | None = None
        self._outlook = Outlook(0.0, 0.0, 0.0, 0)

    @property
    def outlook(self) -> Outlook:
        """What the latest forecast was made from."""
        return self._outlook

    def feed_words(self, reading: WordReading) -> None:
        """Take what the customer said."""
        self._words.append(reading)
        self._so_far = None

    def feed_words_so_far(self, reading: WordReading) -> None:
        """Take what the customer is saying; the next reading replaces it."""
        self._so_far = reading

    def feed_turns(self, event: TurnTakingEvent) -> None:
        """Take how the turns went; only the customer's behaviour counts."""
        if isinstance(event, Interrupted) and event.by is Party.CUSTOMER:
            self._interruptions.append(event.at_s)

    def feed(self, point: HostilityPoint) -> Forecast | None:
        """Look ahead from one second of the curve.

        Returns:
            The forecast, if it is the first one or differs from the one told last
            by `ForecastParams.step` or more.

        Raises:
            OrderError: the point is older than the one before.
        """
        if self._points and point.at_s < self._points[-1].at_s:
            raise OrderError(
                f"points come in order, got {point.at_s} s "
                f"after {self._points[-1].at_s} s"
            )
        self._points.append(point)
        self._look(point.at_s, point.score)
        p = round(self._probability(), 3)
        if self._told is not None and abs(p - self._told) < self._params.step:
            return None
        self._told = p
        return Forecast(point.at_s, p, self._params.horizon_s)

    def glance(self, now_s: float, expected: float) -> Forecast | None:
        """Look ahead from what was just heard, before the second is over.

        Args:
            now_s: not before the latest point.
            expected: the score that the second will have.

        Returns:
            The forecast, if it is higher than the one told last by
            `ForecastParams.step` or more: what falls can wait.
        """
        self._look(math.floor(now_s) + 1.0, expected)
        p = round(self._probability(), 3)
        if self._told is None or p < self._told + self._params.step:
            return None
        self._told = p
        return Forecast(now_s, p, self._params.horizon_s)

    def _forget(self, now_s: float) -> None:
        params = self._params
        while self._points and self._points[0].at_s < now_s - params.slope_s:
            self._points.popleft()
        while self._words and self._words[0].end_s < now_s - params.recent_s:
            self._words.popleft()
        if self._so_far and self._so_far.end_s < now_s - params.recent_s:
            self._so_far = None
        while self._interruptions and self._interruptions[0] < now_s - params.recent_s:
            self._interruptions.popleft()

    def _look(self, at_s: float, score: float) -> None:
        self._forget(at_s)
        slope = 0.0
        if self._points and (elapsed_s := at_s - self._points[0].at_s):
            slope = (score - self._points[0].score) / elapsed_s
        words = [*self._words, *([self._so_far] if self._so_far else ())]
        hostility = max((reading.hostility for reading in words), default=0.0)
        n_interruptions = len(self._interruptions)
        self._outlook = Outlook(score, slope, max(0.0, hostility), n_interruptions)

    def _probability(self) -> float:
        params, outlook = self._params, self._outlook
        value = (
            params.bias
            + params.per_point * outlook.score
            + params.per_slope * outlook.slope
            + params.per_hostility * outlook.hostility
            + params.per_interruption * outlook.n_interruptions
        )
        return 1 / (1 + math.exp(-value))
