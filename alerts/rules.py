"""The alerts of one call: opened, escalated, taken, snoozed and closed."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from alerts.conditions import Finding, condition_of
from alerts.errors import UnknownAlertError
from alerts.events import (
    AlertAcknowledged,
    AlertClosed,
    AlertEnd,
    AlertEscalated,
    AlertOpened,
    AlertReopened,
    AlertSnoozed,
    Escalation,
    HelpAsked,
    Severity,
)
from alerts.ruleset import HELP, RuleSet, ScoreRule, SlopeRule
from emotion.events import Evidence, HostilityPoint

AlertEvent = AlertOpened | AlertEscalated | AlertReopened | AlertClosed

_ORDER = tuple(Severity)


@dataclass(slots=True)
class _Alert:
    """An alert that is open; it waits unless somebody took it or snoozes it.

    `found` is how serious its rule finds it, `severity` how serious it was told to
    be, which is more where nobody took it. It waits in vain once `reminded`.
    """

    alert_id: str
    rule: str
    severity: Severity
    opened_s: float
    evidence: tuple[Evidence, ...]
    found: Severity
    waits_since_s: float
    reminded: bool = False
    acknowledged: bool = False
    snoozed_until_s: float | None = None

    @property
    def waits(self) -> bool:
        return not self.acknowledged and self.snoozed_until_s is None

    def wake(self, at_s: float) -> None:
        self.acknowledged, self.snoozed_until_s = False, None
        self.waits_since_s, self.reminded = at_s, False


@dataclass(frozen=True, slots=True)
class _Past:
    """How the last alert of a rule ended, and how serious the rule found it."""

    at_s: float
    severity: Severity
    by_hand: bool


class RuleEngine:
    """Follows one call and says which alerts open, escalate and close.

    Pure. One alert of a rule at a time: what would open a second one escalates
    the first, or is joined to it. Events are fed as they happen; what follows is
    told by the next `advance`. What supervisors do is told at once.
    """

    def __init__(self, rules: RuleSet) -> None:
        self._limits = rules
        on = [rule for rule in rules.rules if rule.enabled]
        self._conditions = {rule.id: condition_of(rule) for rule in on}
        self._scores = {rule.id for rule in on if isinstance(rule, ScoreRule)}
        self._slopes = {rule.id for rule in on if isinstance(rule, SlopeRule)}
        self._calm_since_s: float | None = None
        self._found: list[Finding] = []
        self._open: dict[str, _Alert] = {}
        self._past: dict[str, _Past] = {}
        self._opened_s: deque[float] = deque()
        self._n_alerts = 0

    @property
    def waiting(self) -> frozenset[str]:
        """Ids of the alerts that are open and that nobody has taken or snoozed."""
        return frozenset(a.alert_id for a in self._open.values() if a.waits)

    @property
    def untaken(self) -> frozenset[str]:
        """Ids of the alerts that are open and that nobody has taken."""
        return frozenset(a.alert_id for a in self._open.values() if not a.acknowledged)

    @property
    def open(self) -> frozenset[str]:
        """Ids of all alerts that are open."""
        return frozenset(alert.alert_id for alert in self._open.values())

    def feed(self, event: object) -> None:
        """Take one event of the call; those that do not matter here are ignored."""
        match event:
            case HelpAsked():
                self._found.append(Finding(HELP, Severity.CRITICAL, ()))
            case HostilityPoint(score=score) if score >= self._limits.clear_score:
                self._calm_since_s = None
            case HostilityPoint(at_s=at_s) if self._calm_since_s is None:
                self._calm_since_s = at_s
            case _:
                pass
        for condition in self._conditions.values():
            self._found += condition.feed(event)

    def advance(self, now_s: float) -> list[AlertEvent]:
        """Let call time pass to `now_s`, all events of which have been fed."""
        for condition in self._conditions.values():
            self._found += condition.advance(now_s)
        found, self._found = self._found, []
        told: list[AlertEvent] = []
        for finding in found:
            told += self._tell(finding, now_s)
        told += self._close_over(now_s)
        told += self._wake(now_s)
        told += self._remind(now_s)
        return told

    def acknowledge(self, alert_id: str, by: str, at_s: float) -> AlertAcknowledged:
        """A supervisor takes an alert that waits, or one that somebody snoozed.

        Raises:
            UnknownAlertError: no alert of this id is open and not taken.
        """
        alert = self._find(alert_id)
        if alert.acknowledged:
            raise UnknownAlertError(f"alert {alert_id!r} has been taken")
        alert.acknowledged, alert.snoozed_until_s = True, None
        return AlertAcknowledged(alert_id, by, at_s)

    def snooze(
        self, alert_id: str, by: str, at_s: float, until_s: float
    ) -> AlertSnoozed:
        """A supervisor wants to hear of an alert again at `until_s`.

        Raises:
            UnknownAlertError: no alert of this id is open.
        """
        alert = self._find(alert_id)
        alert.acknowledged, alert.snoozed_until_s = False, until_s
        return AlertSnoozed(alert_id, by, at_s, until_s)

    def close(
        self, alert_id: str, reason: AlertEnd, at_s: float, *, by: str, text: str = ""
    ) -> AlertClosed:
        """Somebody closes an alert.

        Until its rule has cooled down only something more serious opens it again.

        Raises:
            UnknownAlertError: no alert of this id is open.
        """
        alert = self._find(alert_id)
        self._forget(alert, at_s, by_hand=True)
        return AlertClosed(alert_id, reason, at_s, by, text)

    def withdraw_help(self, by: str, at_s: float) -> list[AlertEvent]:
        """The agent no longer needs help; without effect when none was asked for."""
        alert = self._open.get(HELP)
        if alert is None:
            return []
        return [self.close(alert.alert_id, AlertEnd.WITHDRAWN, at_s, by=by)]

    def flush(self, now_s: float) -> list[AlertEvent]:
        """The call is over, and so is every alert of it."""
        return [
            self._close(alert, AlertEnd.CALL_ENDED, now_s)
            for alert in tuple(self._open.values())
        ]

    def _find(self, alert_id: str) -> _Alert:
        for alert in self._open.values():
            if alert.alert_id == alert_id:
                return alert
        raise UnknownAlertError(f"no alert {alert_id!r} is open in this call")

    def _tell(self, finding: Finding, now_s: float) -> list[AlertEvent]:
        """Open an alert, raise the one there is, or join it silently."""
        alert = self._open.get(finding.rule)
        if alert is None:
            return self._open_new(finding, now_s)
        if _ORDER.index(finding.severity) > _ORDER.index(alert.found):
            alert.found = finding.severity
            alert.severity = max(alert.severity, alert.found, key=_ORDER.index)
            alert.evidence = finding.evidence
            alert.wake(now_s)  # Somebody should look again.
            return [
                AlertEscalated(alert.alert_id, alert.severity, now_s, alert.evidence)
            ]
        if finding.rule == HELP and not alert.waits:
            alert.wake(now_s)
            return [AlertReopened(alert.alert_id, now_s)]
        return []

    def _open_new(self, finding: Finding, now_s: float) -> list[AlertEvent]:
        limits = self._limits
        while self._opened_s and self._opened_s[0] <= now_s - limits.cap_s:
            self._opened_s.popleft()
        if self._cools_down(finding, now_s):
            return []
        critical = finding.severity is Severity.CRITICAL
        if not critical and len(self._opened_s) >= limits.cap:
            return []
        # A rise that the level's own alert tells already is not told twice.
        if finding.rule in self._slopes and self._scores & self._open.keys():
            return []
        self._n_alerts += 1
        self._opened_s.append(now_s)
        alert = _Alert(
            alert_id=f"a{self._n_alerts}",
            rule=finding.rule,
            severity=finding.severity,
            opened_s=now_s,
            evidence=finding.evidence,
            found=finding.severity,
            waits_since_s=now_s,
        )
        self._open[finding.rule] = alert
        return [
            AlertOpened(
                alert.alert_id, alert.rule, alert.severity, now_s, finding.evidence
            )
        ]

    def _cools_down(self, finding: Finding, now_s: float) -> bool:
        past = self._past.get(finding.rule)
        if past is None or now_s >= past.at_s + self._limits.cooldown_s:
            return False
        if finding.rule == HELP:
            return False
        if past.by_hand:
            return _ORDER.index(finding.severity) <= _ORDER.index(past.severity)
        return finding.severity is not Severity.CRITICAL

    def _wake(self, now_s: float) -> Iterable[AlertEvent]:
        for alert in self._open.values():
            until_s = alert.snoozed_until_s
            if until_s is not None and now_s >= until_s:
                alert.wake(now_s)
                yield AlertReopened(alert.alert_id, now_s)

    def _remind(self, now_s: float) -> Iterable[AlertEvent]:
        """Tell of what nobody took, one step louder, once each time it waits."""
        limit_s = self._limits.escalate_s
        for alert in self._open.values():
            if limit_s == 0 or alert.reminded or not alert.waits:
                continue
            if now_s >= alert.waits_since_s + limit_s:
                alert.reminded = True
                next_up = min(_ORDER.index(alert.severity) + 1, len(_ORDER) - 1)
                alert.severity = _ORDER[next_up]
                yield AlertEscalated(
                    alert.alert_id,
                    alert.severity,
                    now_s,
                    alert.evidence,
                    Escalation.UNTAKEN,
                )

    def _close_over(self, now_s: float) -> list[AlertEvent]:
        return [
            self._close(alert, AlertEnd.CALMED, now_s)
            for alert in tuple(self._open.values())
            if self._is_over(alert, now_s)
        ]

    def _is_over(self, alert: _Alert, now_s: float) -> bool:
        if alert.rule == HELP or now_s < alert.opened_s + self._limits.least_open_s:
            return False
        if self._conditions[alert.rule].over:
            return True
        calm_since_s = self._calm_since_s
        return calm_since_s is not None and (
            now_s >= calm_since_s + self._limits.clear_s
        )

    def _close(self, alert: _Alert, reason: AlertEnd, now_s: float) -> AlertClosed:
        self._forget(alert, now_s, by_hand=False)
        return AlertClosed(alert.alert_id, reason, now_s)

    def _forget(self, alert: _Alert, at_s: float, *, by_hand: bool) -> None:
        del self._open[alert.rule]
        self._past[alert.rule] = _Past(at_s, alert.found, by_hand)
