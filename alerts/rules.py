"""Rules: what in a call a supervisor should see, and when it is over."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from alerts.errors import UnknownAlertError
from alerts.events import (
    AlertAcknowledged,
    AlertClosed,
    AlertEnd,
    AlertEscalated,
    AlertOpened,
    Severity,
)
from audio.events import LongSilence, SpeechStarted
from emotion.events import Evidence, HostilityPoint, Source, WordReading, WordSign

AlertEvent = AlertOpened | AlertEscalated | AlertClosed

_ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Level:
    """A score that has to be held for a while to mean something.

    Attributes:
        score: at or above this.
        hold_s: for this long.
        severity: how serious that is.
    """

    score: float
    hold_s: float
    severity: Severity


@dataclass(frozen=True, slots=True)
class RuleParams:
    """The rules, as data. Adopted, not fitted; times in seconds.

    Attributes:
        levels: ``hostility``: from lowest to highest; a higher one escalates.
        slope_points: ``slope``: the score rises by this much ...
        slope_s: ... within this time ...
        slope_least: ... to at least this.
        signs: words that alert whatever the tone; the rule's id is the sign.
        silence_score: ``silence``: nobody speaks although the score is this high.
        clear_score: below this an alert may close ...
        clear_s: ... once it has been so for this long.
        least_open_s: an alert stays at least this long.
        cooldown_s: from the end of an alert to the next of its rule.
        cap: alerts below critical at most, within `cap_s`.
        cap_s: see `cap`.
    """

    levels: tuple[Level, ...] = (
        Level(50.0, 2.0, Severity.WARNING),
        Level(75.0, 3.0, Severity.CRITICAL),
    )
    slope_points: float = 30.0
    slope_s: float = 6.0
    slope_least: float = 45.0
    signs: tuple[tuple[WordSign, Severity], ...] = (
        (WordSign.THIRD_PARTY_THREAT, Severity.CRITICAL),
        (WordSign.PUBLIC_THREAT, Severity.WARNING),
        (WordSign.SUPERVISOR, Severity.WARNING),
        (WordSign.CHURN, Severity.NOTICE),
        (WordSign.REPEATED_CONTACT, Severity.NOTICE),
    )
    silence_score: float = 40.0
    clear_score: float = 35.0
    clear_s: float = 10.0
    least_open_s: float = 20.0
    cooldown_s: float = 60.0
    cap: int = 6
    cap_s: float = 300.0

    def __post_init__(self) -> None:
        scores = [level.score for level in self.levels]
        if scores != sorted(scores) or (scores and self.clear_score >= scores[0]):
            raise ValueError(
                "levels must rise and begin above clear_score, "
                f"got {scores} and {self.clear_score}"
            )


@dataclass(slots=True)
class _Alert:
    """An alert that is open."""

    alert_id: str
    rule: str
    severity: Severity
    opened_s: float
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class _Finding:
    """A rule's condition holds."""

    rule: str
    severity: Severity
    evidence: tuple[Evidence, ...]


@dataclass(slots=True)
class _Recent:
    """The last seconds of the curve, and since when each level is held."""

    points: deque[HostilityPoint] = field(default_factory=deque)
    held_since_s: dict[Level, float] = field(default_factory=dict)
    calm_since_s: float | None = None
    silent: bool = False


class RuleEngine:
    """Follows one call and says which alerts open, escalate and close.

    Pure. One alert of a rule at a time: what would open a second one escalates
    the first, or is joined to it. Events are fed as they happen; what follows is
    told by the next `advance`.
    """

    def __init__(self, params: RuleParams) -> None:
        self._params = params
        self._recent = _Recent()
        self._found: list[_Finding] = []
        self._open: dict[str, _Alert] = {}
        self._closed_s: dict[str, float] = {}
        self._opened_s: deque[float] = deque()
        self._n_alerts = 0

    @property
    def waiting(self) -> frozenset[str]:
        """Ids of the alerts that are open and that nobody has taken."""
        return frozenset(
            alert.alert_id for alert in self._open.values() if not alert.acknowledged
        )

    def feed(self, event: object) -> None:
        """Take one event of the call; those that do not matter here are ignored."""
        match event:
            case HostilityPoint():
                self._take_point(event)
            case WordReading():
                self._found += self._signs(event)
            case LongSilence(start_s=start_s):
                self._recent.silent = True
                self._found += self._silence(start_s)
            case SpeechStarted():
                self._recent.silent = False
            case _:
                pass

    def advance(self, now_s: float) -> list[AlertEvent]:
        """Let call time pass to `now_s`, all events of which have been fed."""
        found, self._found = self._found, []
        told: list[AlertEvent] = []
        for finding in found:
            told += self._tell(finding, now_s)
        told += self._close_over(now_s)
        return told

    def acknowledge(self, alert_id: str, by: str, at_s: float) -> AlertAcknowledged:
        """A supervisor takes an alert.

        Raises:
            UnknownAlertError: no alert of this id waits.
        """
        for alert in self._open.values():
            if alert.alert_id == alert_id and not alert.acknowledged:
                alert.acknowledged = True
                return AlertAcknowledged(alert_id, by, at_s)
        raise UnknownAlertError(f"no alert {alert_id!r} waits in this call")

    def flush(self, now_s: float) -> list[AlertEvent]:
        """The call is over, and so is every alert of it."""
        return [
            self._close(alert, AlertEnd.CALL_ENDED, now_s)
            for alert in tuple(self._open.values())
        ]

    def _take_point(self, point: HostilityPoint) -> None:
        recent, params = self._recent, self._params
        recent.points.append(point)
        while recent.points[0].at_s < point.at_s - params.slope_s:
            recent.points.popleft()
        if point.score >= params.clear_score:
            recent.calm_since_s = None
        elif recent.calm_since_s is None:
            recent.calm_since_s = point.at_s
        for level in params.levels:
            if point.score < level.score:
                recent.held_since_s.pop(level, None)
                continue
            since_s = recent.held_since_s.setdefault(level, point.at_s)
            if point.at_s - since_s >= level.hold_s:
                self._found.append(
                    _Finding("hostility", level.severity, point.evidence)
                )
        # The lower of the last two: one odd second is no slope.
        score = min(late.score for late in tuple(recent.points)[-2:])
        rise = score - min(earlier.score for earlier in recent.points)
        if rise >= params.slope_points and score >= params.slope_least:
            self._found.append(_Finding("slope", Severity.NOTICE, point.evidence))

    def _signs(self, reading: WordReading) -> Iterable[_Finding]:
        said = {hit.sign for hit in reading.hits}
        for sign, severity in self._params.signs:
            if sign in said:
                evidence = Evidence(
                    Source.WORDS, sign, 0.0, 1.0, reading.start_s, reading.end_s
                )
                yield _Finding(str(sign), severity, (evidence,))

    def _silence(self, start_s: float) -> Iterable[_Finding]:
        points = self._recent.points
        if points and points[-1].score >= self._params.silence_score:
            evidence = Evidence(
                Source.TURNS, "long_silence", 0.0, 1.0, start_s, points[-1].at_s
            )
            yield _Finding("silence", Severity.WARNING, (evidence,))

    def _tell(self, finding: _Finding, now_s: float) -> list[AlertEvent]:
        """Open an alert, raise the one there is, or join it silently."""
        alert = self._open.get(finding.rule)
        if alert is None:
            return self._open_new(finding, now_s)
        if _ORDER.index(finding.severity) <= _ORDER.index(alert.severity):
            return []
        alert.severity = finding.severity
        alert.acknowledged = False  # Somebody should look again.
        return [AlertEscalated(alert.alert_id, alert.severity, now_s, finding.evidence)]

    def _open_new(self, finding: _Finding, now_s: float) -> list[AlertEvent]:
        params = self._params
        while self._opened_s and self._opened_s[0] <= now_s - params.cap_s:
            self._opened_s.popleft()
        if finding.severity is not Severity.CRITICAL:
            closed_s = self._closed_s.get(finding.rule, float("-inf"))
            cooling = now_s < closed_s + params.cooldown_s
            if cooling or len(self._opened_s) >= params.cap:
                return []
        # A rise that the level's own alert tells already is not told twice.
        if finding.rule == "slope" and "hostility" in self._open:
            return []
        self._n_alerts += 1
        self._opened_s.append(now_s)
        alert = _Alert(f"a{self._n_alerts}", finding.rule, finding.severity, now_s)
        self._open[finding.rule] = alert
        return [
            AlertOpened(
                alert.alert_id, alert.rule, alert.severity, now_s, finding.evidence
            )
        ]

    def _close_over(self, now_s: float) -> list[AlertEvent]:
        return [
            self._close(alert, AlertEnd.CALMED, now_s)
            for alert in tuple(self._open.values())
            if self._is_over(alert, now_s)
        ]

    def _is_over(self, alert: _Alert, now_s: float) -> bool:
        if now_s < alert.opened_s + self._params.least_open_s:
            return False
        if alert.rule == "silence" and not self._recent.silent:
            return True
        calm_since_s = self._recent.calm_since_s
        return calm_since_s is not None and (
            now_s >= calm_since_s + self._params.clear_s
        )

    def _close(self, alert: _Alert, reason: AlertEnd, now_s: float) -> AlertClosed:
        del self._open[alert.rule]
        self._closed_s[alert.rule] = now_s
        return AlertClosed(alert.alert_id, reason, now_s)
