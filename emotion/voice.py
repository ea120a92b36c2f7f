"""How angry the customer sounds, against how they sounded at first."""

import math
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Final

from emotion.errors import OrderError, ParameterError
from emotion.events import Evidence, Source
from models.ports import VoiceReading

LOG_ODDS_LIMIT: Final = 6.0
"""No single reading is believed further than this: p = 0.0025 or 0.9975."""

MEDIAN_OF: Final = 3
SUSTAINED_OF: Final = 4
"""How many recent readings tell whether anger is sustained."""


@dataclass(frozen=True, slots=True)
class VoiceParams:
    """How voice readings become points of the score.

    Fitted by `python -m evaluation fit_curve`; the baseline's numbers were then chosen
    anew for the shipped voice weights (docs/evaluation.md, Calls), and
    `baseline_limit` and what concerns loudness are adopted. A reader on another
    scale needs a fit of its own.

    Attributes:
        neutral: anger probability of an average calm telephone voice.
        baseline_readings: how many opening readings make the own baseline.
        baseline_limit: highest anger probability that a baseline may have:
            somebody may call in angry already.
        baseline_share: weight of the difference from the own baseline; the rest
            is the difference from `neutral`.
        prior_readings: how many readings the `neutral` level counts for in the
            baseline.
        smoothing: weight of a new median against the mean of those before.
        dead_zone: log-odds above calm that count for nothing.
        outright: log-odds from which anger counts whatever the opening was: somebody
            who calls in shouting is no example of their own calm.
        points_per_log_odds: points of the score for each unit above that.
        most: highest number of points that voice alone may give.
        most_unsustained: the same, until three of four readings are above the
            dead zone.
        half_life_silent_s: how fast the points fade while nothing is heard.
        louder_db: loudness above the own baseline that starts to count.
        points_per_db: points for each dB above that, where the voice is angry.
        most_louder: highest number of points for loudness.

    Raises:
        ParameterError: a share is outside [0, 1], or another number is not
            positive.
    """

    neutral: float = 0.02
    baseline_readings: int = 16
    baseline_limit: float = 0.08
    baseline_share: float = 0.98
    prior_readings: int = 4
    smoothing: float = 0.9
    dead_zone: float = 2.0
    outright: float = 2.0
    points_per_log_odds: float = 18.0
    most: float = 90.0
    most_unsustained: float = 34.0
    half_life_silent_s: float = 90.0
    louder_db: float = 4.0
    points_per_db: float = 1.0
    most_louder: float = 8.0

    def __post_init__(self) -> None:
        for name in ("neutral", "baseline_limit", "baseline_share", "smoothing"):
            if not 0 < getattr(self, name) < 1:
                raise ParameterError(f"{name} must be between 0 and 1")
        for name in ("baseline_readings", "prior_readings", "half_life_silent_s"):
            if getattr(self, name) <= 0:
                raise ParameterError(f"{name} must be above 0")


def log_odds(p: float) -> float:
    """Log-odds of a probability, limited so that 0 and 1 are finite."""
    limited = min(max(p, 1e-6), 1 - 1e-6)
    value = math.log(limited / (1 - limited))
    return min(max(value, -LOG_ODDS_LIMIT), LOG_ODDS_LIMIT)


class VoiceTrack:
    """Turns noisy voice readings into points of the score.

    A reading counts through the median of the last three, the ones that have not
    come yet standing in as neutral, so one odd reading changes nothing.
    """

    def __init__(self, params: VoiceParams) -> None:
        self._params = params
        self._neutral = log_odds(params.neutral)
        self._recent: deque[float] = deque([self._neutral] * MEDIAN_OF, MEDIAN_OF)
        self._above: deque[bool] = deque(maxlen=SUSTAINED_OF)
        self._opening: list[float] = []
        self._opening_dbfs: list[float] = []
        self._mean = self._neutral
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
        self._mean += self._params.smoothing * (median(self._recent) - self._mean)
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
        """How far log-odds pass what counts for nothing."""
        params = self._params
        share = params.baseline_share
        calm = share * self._baseline() + (1 - share) * self._neutral
        return value - min(calm + params.dead_zone, params.outright)

    def _baseline(self) -> float:
        prior = self._params.prior_readings
        total = prior * self._neutral + sum(self._opening)
        mean = total / (prior + len(self._opening))
        return min(mean, log_odds(self._params.baseline_limit))

    def _learn_opening(self, value: float, level_dbfs: float) -> None:
        if len(self._opening) < self._params.baseline_readings:
            self._opening.append(value)
            self._opening_dbfs.append(level_dbfs)

    def _points(self) -> float:
        params = self._params
        above = self._excess(self._mean)
        sustained = sum(self._above) >= SUSTAINED_OF - 1
        most = params.most if sustained else params.most_unsustained
        return min(max(0.0, params.points_per_log_odds * above), most)

    def _louder_points(self, voice_points: float) -> float:
        params = self._params
        points = params.points_per_db * (self._louder_db - params.louder_db)
        # Loud alone is not angry: loudness counts as far as the voice is.
        share = min(1.0, voice_points / params.most_unsustained)
        return share * min(max(0.0, points), params.most_louder)

    def _faded(self, now_s: float) -> float:
        silent_s = max(0.0, now_s - self._last.end_s) if self._last else 0.0
        return float(0.5 ** (silent_s / self._params.half_life_silent_s))
