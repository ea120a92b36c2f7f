"""The conditions of rules, each following one call and saying when it holds.

Pure. A condition is fed every event of the call; what it found is returned at
once, and what only time brings is returned by `advance`.
"""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from alerts.events import Said, Severity
from alerts.ruleset import (
    Level,
    NotSaidRule,
    OverlapRule,
    PhaseRule,
    Rule,
    SaidRule,
    ScoreRule,
    SignRule,
    SilenceRule,
    SlopeRule,
    TierRule,
)
from audio.events import LongSilence, Overlapped, SpeechStarted
from emotion.events import Evidence, HostilityPoint, PhaseChanged, Source, WordReading


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's condition holds."""

    rule: str
    severity: Severity
    evidence: tuple[Evidence, ...]


class Condition(Protocol):
    """Follows one call for one rule."""

    def feed(self, event: object) -> Iterable[Finding]:
        """Take one event; return what was found in it."""
        ...

    def advance(self, now_s: float) -> Iterable[Finding]:
        """Let call time pass; return what that brought."""
        ...

    @property
    def over(self) -> bool:
        """What was found no longer holds, whatever the score is."""
        ...


class _Condition:
    """A condition that time alone changes nothing about."""

    over = False

    def advance(self, now_s: float) -> Iterable[Finding]:
        """Nothing comes of time."""
        del now_s
        return ()


class _Score(_Condition):
    def __init__(self, rule: ScoreRule) -> None:
        self._rule = rule
        self._held_since_s: dict[Level, float] = {}

    def feed(self, event: object) -> Iterable[Finding]:
        if not isinstance(event, HostilityPoint):
            return
        for level in self._rule.levels:
            if event.score < level.score:
                self._held_since_s.pop(level, None)
                continue
            since_s = self._held_since_s.setdefault(level, event.at_s)
            if event.at_s - since_s >= level.hold_s:
                yield Finding(self._rule.id, level.severity, event.evidence)


class _Slope(_Condition):
    def __init__(self, rule: SlopeRule) -> None:
        self._rule = rule
        self._points: deque[HostilityPoint] = deque()

    def feed(self, event: object) -> Iterable[Finding]:
        if not isinstance(event, HostilityPoint):
            return
        points = self._points
        points.append(event)
        while points[0].at_s < event.at_s - self._rule.within_s:
            points.popleft()
        # The lower of the last two: one odd second is no slope.
        score = min(late.score for late in tuple(points)[-2:])
        rise = score - min(earlier.score for earlier in points)
        if rise >= self._rule.points and score >= self._rule.least:
            yield Finding(self._rule.id, self._rule.severity, event.evidence)


class _Phase(_Condition):
    def __init__(self, rule: PhaseRule) -> None:
        self._rule = rule
        self._since_s: float | None = None

    def feed(self, event: object) -> Iterable[Finding]:
        if not isinstance(event, HostilityPoint):
            return
        if event.phase not in self._rule.phases:
            self._since_s = None
            return
        if self._since_s is None:
            self._since_s = event.at_s
        if event.at_s - self._since_s >= self._rule.hold_s:
            yield Finding(self._rule.id, self._rule.severity, event.evidence)


def _words(code: str, start_s: float, end_s: float) -> tuple[Evidence, ...]:
    return (Evidence(Source.WORDS, code, 0.0, 1.0, start_s, end_s),)


class _Sign(_Condition):
    def __init__(self, rule: SignRule) -> None:
        self._rule = rule
        self._n_found = 0

    def feed(self, event: object) -> Iterable[Finding]:
        if not isinstance(event, WordReading):
            return
        if all(hit.sign is not self._rule.sign for hit in event.hits):
            return
        self._n_found += 1
        if self._n_found >= self._rule.count:
            evidence = _words(self._rule.sign, event.start_s, event.end_s)
            yield Finding(self._rule.id, self._rule.severity, evidence)


class _Tier(_Condition):
    def __init__(self, rule: TierRule) -> None:
        self._rule = rule

    def feed(self, event: object) -> Iterable[Finding]:
        if isinstance(event, WordReading) and self._holds(event):
            code = f"{self._rule.tier}_threat"
            evidence = _words(code, event.start_s, event.end_s)
            yield Finding(self._rule.id, self._rule.severity, evidence)

    def _holds(self, reading: WordReading) -> bool:
        # Somebody may threaten with the press and the ombudsman in one breath, and
        # `tier` says only the higher one.
        said = {str(hit.sign) for hit in reading.hits}
        return reading.tier is self._rule.tier or f"{self._rule.tier}_threat" in said


class _Silence(_Condition):
    def __init__(self, rule: SilenceRule) -> None:
        self._rule = rule
        self._point: HostilityPoint | None = None
        self.over = False

    def feed(self, event: object) -> Iterable[Finding]:
        match event:
            case HostilityPoint():
                self._point = event
            case SpeechStarted():
                self.over = True
            case LongSilence(start_s=start_s):
                self.over = False
                if self._point is not None and self._point.score >= self._rule.score:
                    evidence = Evidence(
                        Source.TURNS,
                        "long_silence",
                        0.0,
                        1.0,
                        start_s,
                        self._point.at_s,
                    )
                    yield Finding(self._rule.id, self._rule.severity, (evidence,))
            case _:
                pass


class _Overlap(_Condition):
    def __init__(self, rule: OverlapRule) -> None:
        self._rule = rule
        self._recent: deque[Overlapped] = deque()

    def feed(self, event: object) -> Iterable[Finding]:
        if not isinstance(event, Overlapped):
            return
        self._recent.append(event)
        while self._recent[0].end_s < event.end_s - self._rule.within_s:
            self._recent.popleft()
        if len(self._recent) >= self._rule.count:
            count = float(len(self._recent))
            start_s = self._recent[0].start_s
            evidence = Evidence(
                Source.TURNS, "overlap", 0.0, count, start_s, event.end_s
            )
            yield Finding(self._rule.id, self._rule.severity, (evidence,))


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Any of `words`, whole words where they are written in Latin letters."""
    found = []
    for word in words:
        left = r"(?<![a-z0-9])" if word[0].isascii() else ""
        right = r"(?![a-z0-9])" if word[-1].isascii() else ""
        found.append(left + re.escape(word.strip().casefold()) + right)
    return re.compile("|".join(found))


class _Said(_Condition):
    def __init__(self, rule: SaidRule) -> None:
        self._rule = rule
        self._pattern = _pattern(rule.words)

    def feed(self, event: object) -> Iterable[Finding]:
        if not isinstance(event, Said) or event.party is not self._rule.party:
            return
        if self._pattern.search(event.text.casefold()):
            evidence = _words("said", event.start_s, event.end_s)
            yield Finding(self._rule.id, self._rule.severity, evidence)


class _NotSaid:
    """Told once for each time the clock was started."""

    def __init__(self, rule: NotSaidRule) -> None:
        self._rule = rule
        self._pattern = _pattern(rule.words)
        self._since_s: float | None = 0.0 if rule.after == "start" else None
        self.over = False

    def feed(self, event: object) -> Iterable[Finding]:
        """Start the clock, or stop it."""
        match event:
            case PhaseChanged(after=after, at_s=at_s) if after == self._rule.after:
                self._since_s = at_s
                self.over = False
            case Said(party=party, text=text) if party is self._rule.party:
                if self._pattern.search(text.casefold()):
                    self._since_s = None
                    self.over = True
            case _:
                pass
        return ()

    def advance(self, now_s: float) -> Iterable[Finding]:
        """Say when the time is up."""
        since_s = self._since_s
        if since_s is None or now_s < since_s + self._rule.within_s:
            return
        self._since_s = None
        evidence = _words("not_said", since_s, now_s)
        yield Finding(self._rule.id, self._rule.severity, evidence)


def condition_of(rule: Rule) -> Condition:  # noqa: PLR0911 - one return for each kind of rule
    """Return what follows one call for `rule`."""
    match rule:
        case ScoreRule():
            return _Score(rule)
        case SlopeRule():
            return _Slope(rule)
        case PhaseRule():
            return _Phase(rule)
        case SignRule():
            return _Sign(rule)
        case TierRule():
            return _Tier(rule)
        case SilenceRule():
            return _Silence(rule)
        case OverlapRule():
            return _Overlap(rule)
        case SaidRule():
            return _Said(rule)
        case NotSaidRule():
            return _NotSaid(rule)
