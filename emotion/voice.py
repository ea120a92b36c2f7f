"""How angry the customer sounds, against how they sounded at first."""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from emotion.errors import OrderError, ParameterError
from emotion.events import Evidence, Source
from models.ports import VoiceReading

LOG_ODDS_LIMIT: Final = 6.0
"""No single reading is believed further than this: p = 0.0025 or 0.9975."""

RECENT: Final = 4
"""How many readings are averaged, and tell whether anger is sustained."""


@dataclass(frozen=True, slots=True)
class VoiceParams:
    """How voice readings become points of the score.

    Fitted by the loss of `python -m evaluation fit_curve`, `outright` and
    `points_per_deviation` a step more careful than that (docs/evaluation.md, Calls);
    what concerns loudness is adopted. What is usual is learned from the customer: a
    reader on another scale needs another `neutral`, `usual_spread` and `outright` at
    most.

    Attributes:
        neutral: anger probability of an average calm telephone voice.
        usual_spread: how far the log-odds of an average calm voice lie from their
            mean, as a standard deviation.
        baseline_readings: how many opening readings make the own baseline.
        prior_readings: how many readings `neutral` and `usual_spread` count for
            beside those of the opening.
        dead_zone: own deviations above calm that count for nothing.
        outright: log-odds from which anger counts whatever the opening was: somebody
            who calls in shouting is no example of their own calm.
        points_per_deviation: points of the score for each deviation above that.
        most: highest number of points that voice alone may give.
        most_unsustained: the same, until three of four readings are above the
            dead zone.
        half_life_silent_s: how fast the points fade while nothing is heard.
        louder_db: loudness above the own baseline that starts to count.
        points_per_db: points for each dB above that, where the voice is angry.
        most_louder: highest number of points for loudness.

    Raises:
        ParameterError: a probability is outside (0, 1), or another number is not
            positive.
    """

    neutral: float = 0.02
    usual_spread: float = 1.2
    baseline_readings: int = 16
    prior_readings: int = 8
    dead_zone: float = 1.2
    outright: float = -0.5
    points_per_deviation: float = 30.0
    most: float = 90.0
    most_unsustained: float = 34.0
    half_life_silent_s: float = 90.0
    louder_db: float = 4.0
    points_per_db: float = 1.0
    most_louder: float = 8.0

    def __post_init__(self) -> None:
        if not 0 < self.neutral < 1:
            raise ParameterError("neutral must be between 0 and 1")
        for name in (
            "usual_spread",
            "baseline_readings",
            "prior_readings",
            "half_life_silent_s",
        ):
            if getattr(self, name) <= 0:
                raise ParameterError(f"{name} must be above 0")


def log_odds(p: float) -> float:
    """Log-odds of a probability, limited so that 0 and 1 are finite."""
    limited = min(max(p, 1e-6), 1 - 1e-6)
    value = math.log(limited / (1 - limited))
    return min(max(value, -LOG_ODDS_LIMIT), LOG_ODDS_LIMIT)


class VoiceTrack:
    """Turns noisy voice readings into points of the score.

    What counts is how unusual the last readings are for this customer: the distance
    of their mean from that of the opening, in deviations of the opening. The highest
    of them is taken for no more than the second highest, and the ones that have not
    come yet stand in as neutral, so one odd reading changes nothing.
    """

    def __init__(self, params: VoiceParams) -> None:
        self._params = params
        self._neutral = log_odds(params.neutral)
        self._recent: deque[float] = deque([self._neutral] * RECENT, RECENT)
        self._above: deque[bool] = deque(maxlen=RECENT)
        self._opening: list[float] = []
        self._opening_dbfs: list[float] = []
        self._mean = self._neutral
        self._calm = self._neutral
        self._deviation = params.usual_spread
        self._louder_db = 0.0
        self._last: VoiceReading | None = None
        self._since_s = 0.0

    def feed(self, reading: VoiceReading) -> None:
        """Take the next reading.

        Raises:
            OrderError: it is older than the one before.
        """
        if self._last is not None and reading.end_s < self._last.end_s:
            raise OrderError(
                f"voice readings come in order, got {reading.end_s} s "
                f"after {self._last.end_s} s"
            )
        value = log_odds(reading.anger)
        self._recent.append(value)
        before = self._mean
        self._mean = _without_the_oddest(self._recent)
        self._above.append(self._excess(value) > 0)
        if self._excess(self._mean) <= 0:
            self._since_s = reading.end_s
        elif self._excess(before) <= 0:
            self._since_s = self._last.end_s if self._last else reading.end_s
        self._learn_opening(value, reading.level_dbfs)
        usual = sum(self._opening_dbfs) / len(self._opening_dbfs)
        self._louder_db += 0.5 * (reading.level_dbfs - usual - self._louder_db)
        self._last = reading

    @property
    def spread(self) -> float:
        """How far the last readings lie apart, in log-odds."""
        return max(self._recent) - min(self._recent)

    def heard_within(self, duration_s: float, now_s: float) -> bool:
        """Whether there is a reading from the last `duration_s`."""
        return self._last is not None and now_s - self._last.end_s <= duration_s

    def evidence(self, now_s: float) -> list[Evidence]:
        """What the voice accounts for at `now_s`, in points of the score."""
        if self._last is None:
            return []
        points = self._points() * self._faded(now_s)
        if points <= 0:
            return []
        anger = 1 / (1 + math.exp(-self._mean))
        span = (self._since_s, self._last.end_s)
        found = [Evidence(Source.VOICE, "voice_anger", points, anger, *span)]
        louder = self._louder_points(points)
        if louder > 0:
            found.append(
                Evidence(Source.VOICE, "voice_louder", louder, self._louder_db, *span)
            )
        return found

    def _excess(self, value: float) -> float:
        """How many deviations log-odds pass what counts for nothing."""
        params = self._params
        own = (value - self._calm) / self._deviation - params.dead_zone
        return max(own, (value - params.outright) / params.usual_spread)

    def _learn_opening(self, value: float, level_dbfs: float) -> None:
        params = self._params
        if len(self._opening) == params.baseline_readings:
            return
        self._opening.append(value)
        self._opening_dbfs.append(level_dbfs)
        n = params.prior_readings + len(self._opening)
        usual = params.prior_readings * self._neutral
        self._calm = (usual + sum(self._opening)) / n
        squares = sum((one - self._calm) ** 2 for one in self._opening)
        squares += params.prior_readings * params.usual_spread**2
        self._deviation = math.sqrt(squares / n)

    def _points(self) -> float:
        params = self._params
        above = self._excess(self._mean)
        sustained = sum(self._above) >= RECENT - 1
        most = params.most if sustained else params.most_unsustained
        return min(max(0.0, params.points_per_deviation * above), most)

    def _louder_points(self, voice_points: float) -> float:
        params = self._params
        points = params.points_per_db * (self._louder_db - params.louder_db)
        # Loud alone is not angry: loudness counts as far as the voice is.
        share = min(1.0, voice_points / params.most_unsustained)
        return share * min(max(0.0, points), params.most_louder)

    def _faded(self, now_s: float) -> float:
        silent_s = max(0.0, now_s - self._last.end_s) if self._last else 0.0
        return float(0.5 ** (silent_s / self._params.half_life_silent_s))


def _without_the_oddest(values: Iterable[float]) -> float:
    """Return the mean, the highest value lowered to the second highest."""
    *rest, second, _ = sorted(values)
    return (sum(rest) + 2 * second) / (len(rest) + 2)
