"""Applies the rules to one call."""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from alerts.errors import OrderError, UnknownAlertError
from alerts.events import (
    AlertAcknowledged,
    AlertClosed,
    AlertEnd,
    AlertEscalated,
    AlertOpened,
    Severity,
)
from alerts.rules import LevelStep, Rules, WordRule
from audio.events import LongSilence, SpeechEnded, SpeechStarted
from emotion.curve import MAX_EVIDENCE
from emotion.events import (
    Evidence,
    HostilityPoint,
    PhaseChanged,
    WordReading,
    WordSign,
)
from emotion.trail import WordParams, signs_of

Seen = (
    HostilityPoint
    | PhaseChanged
    | WordReading
    | LongSilence
    | SpeechStarted
    | SpeechEnded
)
Told = AlertOpened | AlertEscalated | AlertClosed

ORDER = tuple(Severity)
"""From the least to the most serious."""


@dataclass(slots=True)
class _Open:
    alert_id: str
    severity: Severity
    last_s: float


@dataclass(slots=True)
class _Since:
    """Since when a condition has held, infinite while it does not."""

    at_s: float = math.inf

    def note(self, at_s: float, *, holds: bool) -> None:
        self.at_s = min(self.at_s, at_s) if holds else math.inf


@dataclass(slots=True)
class _Score:
    """What is remembered of the curve."""

    last: HostilityPoint | None = None
    recent: deque[HostilityPoint] = field(default_factory=deque)
    reached: dict[LevelStep, _Since] = field(default_factory=dict)
    calm: dict[str, _Since] = field(default_factory=dict)


class RuleEngine:
    """Opens, escalates and closes the alerts of one call.

    Pure: feed it what happened, advance it when `next_deadline` is reached. A rule
    has at most one alert open; what it finds meanwhile belongs to that one.
    """

    def __init__(self, rules: Rules, words: WordParams | None = None) -> None:
        self._rules = rules
        self._points = (words or WordParams()).points
        self._by_sign: dict[WordSign, WordRule] = {rule.sign: rule for rule in rules.words}
        self._word_rules = {rule.rule: rule for rule in rules.words}
        self._score = _Score(
            reached={step: _Since() for step in rules.level.steps},
            calm={rules.level.rule: _Since(), rules.rise.rule: _Since()},
        )
        self._open: dict[str, _Open] = {}
        self._closed_s: dict[str, float] = {}
        self._opened_s: deque[float] = deque()
        self._count = 0
        self._now_s = 0.0

    def feed(self, event: Seen) -> list[Told]:
        """Take one event; return what it caused, and what fell due before it."""
        match event:
            case HostilityPoint(at_s=at_s):
                told = self._until(at_s)
                self._note(event)
                return [*told, *self._due(), *self._rise(event)]
            case WordReading():
                return self._words(event)
            case LongSilence():
                return self._silence(event)
            case SpeechStarted(start_s=start_s):
                told = self._until(start_s)
                return [*told, *self._close(self._rules.silence.rule)]
            case PhaseChanged() | SpeechEnded():
                return []

    def advance(self, now_s: float) -> list[Told]:
        """Return what falls due until `now_s`.

        Raises:
            OrderError: `now_s` lies before an earlier one.
        """
        if now_s < self._now_s:
            raise OrderError(f"time runs forward, got {now_s} s after {self._now_s} s")
        return self._until(now_s)

    def next_deadline(self) -> float | None:
        """When to call `advance` next, in seconds of call time."""
        due = min(self._deadlines(), default=math.inf)
        return None if math.isinf(due) else max(due, self._now_s)

    def acknowledge(self, alert_id: str, by: str, at_s: float) -> AlertAcknowledged:
        """A supervisor takes an alert.

        Raises:
            UnknownAlertError: no alert of that id is open.
        """
        if alert_id not in {alert.alert_id for alert in self._open.values()}:
            raise UnknownAlertError(f"no open alert {alert_id!r} in this call")
        return AlertAcknowledged(alert_id, by, at_s)

    def flush(self, at_s: float) -> list[Told]:
        """End the call: close what is open."""
        self._now_s = max(self._now_s, at_s)
        ended = [
            AlertClosed(alert.alert_id, AlertEnd.CALL_ENDED, self._now_s)
            for alert in self._open.values()
        ]
        self._open.clear()
        return list(ended)

    def _until(self, now_s: float) -> list[Told]:
        """Take the deadlines up to `now_s` one after the other, each at its time."""
        told: list[Told] = []
        while (due := min(self._deadlines(), default=math.inf)) <= now_s:
            self._now_s = max(self._now_s, due)
            told += self._due()
        self._now_s = max(self._now_s, now_s)
        return told

    def _deadlines(self) -> Iterable[float]:
        rules = self._rules
        for step, since in self._score.reached.items():
            if self._may_tell(rules.level.rule, step.severity):
                yield since.at_s + step.hold_s
        for rule, hold_s in self._calm_holds():
            if rule in self._open:
                yield self._score.calm[rule].at_s + hold_s
        for rule, alert in self._open.items():
            if rule in self._word_rules:
                yield alert.last_s + self._word_rules[rule].close_after_s

    def _calm_holds(self) -> list[tuple[str, float]]:
        rules = self._rules
        return [
            (rules.level.rule, rules.level.calm_hold_s),
            (rules.rise.rule, rules.rise.calm_hold_s),
        ]

    def _due(self) -> list[Told]:
        told: list[Told] = []
        for step, since in self._score.reached.items():
            if since.at_s + step.hold_s <= self._now_s:
                told += self._tell(
                    self._rules.level.rule, step.severity, self._evidence()
                )
        for rule, hold_s in self._calm_holds():
            if self._score.calm[rule].at_s + hold_s <= self._now_s:
                told += self._close(rule)
        for rule, word in self._word_rules.items():
            alert = self._open.get(rule)
            if alert and alert.last_s + word.close_after_s <= self._now_s:
                told += self._close(rule)
        return told

    def _note(self, point: HostilityPoint) -> None:
        rules, score = self._rules, self._score
        score.last = point
        for step, since in score.reached.items():
            since.note(point.at_s, holds=point.score >= step.score)
        for rule, calm in (
            (rules.level.rule, rules.level.calm),
            (rules.rise.rule, rules.rise.calm),
        ):
            score.calm[rule].note(point.at_s, holds=point.score <= calm)
        score.recent.append(point)
        while score.recent[0].at_s < point.at_s - rules.rise.within_s:
            score.recent.popleft()

    def _rise(self, point: HostilityPoint) -> list[Told]:
        rule = self._rules.rise
        lowest = min(earlier.score for earlier in self._score.recent)
        if point.score - lowest < rule.rise or point.score <= rule.calm:
            return []
        # What the level has told already is no news.
        if self._rules.level.rule in self._open:
            return []
        return self._tell(rule.rule, rule.severity, point.evidence)

    def _words(self, reading: WordReading) -> list[Told]:
        told = self._until(reading.end_s)
        for evidence in signs_of(reading, self._points):
            rule = self._by_sign.get(WordSign(evidence.code))
            if rule is not None:
                told += self._tell(rule.rule, rule.severity, (evidence,))
        return told

    def _silence(self, silence: LongSilence) -> list[Told]:
        rule = self._rules.silence
        told = self._until(silence.start_s)
        last = self._score.last
        if last is not None and last.score >= rule.score:
            told += self._tell(rule.rule, rule.severity, last.evidence)
        return told

    def _evidence(self) -> tuple[Evidence, ...]:
        last = self._score.last
        return last.evidence[:MAX_EVIDENCE] if last else ()

    def _may_tell(self, rule: str, severity: Severity) -> bool:
        alert = self._open.get(rule)
        if alert is not None:
            return ORDER.index(severity) > ORDER.index(alert.severity)
        return self._now_s >= self._quiet_until(rule, severity)

    def _quiet_until(self, rule: str, severity: Severity) -> float:
        """Before when the rule may not open an alert of that severity."""
        quiet_s = self._closed_s.get(rule, -math.inf) + self._rules.cool_down_s
        full = len(self._opened_s) >= self._rules.most_opened
        if severity is not Severity.CRITICAL and full:
            oldest = self._opened_s[-self._rules.most_opened]
            quiet_s = max(quiet_s, oldest + self._rules.within_s)
        return quiet_s

    def _tell(
        self, rule: str, severity: Severity, evidence: tuple[Evidence, ...]
    ) -> list[Told]:
        alert = self._open.get(rule)
        if alert is not None:
            alert.last_s = self._now_s
        if not self._may_tell(rule, severity):
            return []
        if alert is not None:
            alert.severity = severity
            return [AlertEscalated(alert.alert_id, severity, self._now_s, evidence)]
        self._count += 1
        alert = _Open(f"a{self._count}", severity, self._now_s)
        self._open[rule] = alert
        self._opened_s.append(self._now_s)
        return [AlertOpened(alert.alert_id, rule, severity, self._now_s, evidence)]

    def _close(self, rule: str) -> list[Told]:
        alert = self._open.pop(rule, None)
        if alert is None:
            return []
        self._closed_s[rule] = self._now_s
        return [AlertClosed(alert.alert_id, AlertEnd.CALMED, self._now_s)]
