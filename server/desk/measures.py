"""What the log itself answers to a scorecard's questions, with its evidence. Pure.

Of the agent only behaviour is measured: who speaks when, pauses, interruptions,
words used. A measure that cannot tell says so and leaves it to people: words that it
knows were said, so there is a yes; where it heard none of them, others may have been
(docs/evaluation.md has how often).
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from pathlib import Path

from alerts.events import CueFollowed, CueIgnored
from audio.events import Interrupted
from audio.frame import Party
from emotion.events import HostilityPoint, Phase
from server.desk.scorecards import Answer
from server.desk.wording import normal
from server.events import CallEnded, LogEntry, TranscriptFinal

_HOT = (Phase.TAKE_OFF, Phase.PEAK)
_FELL_TO = 0.5
"""The curve has fallen when it ends below this share of its peak; adopted."""

_UPSET = 30.0
"""A peak below this is no complaint that would have to cool down; adopted."""

_CALMED = 5.0
"""A customer is calming whose words bring the curve down so far.

Adopted: silence takes 3 in 16 s off the curves of the demo calls, the words of a
customer who calms 10 to 17.
"""

_NEW_RISE = 3.0
"""A rise by more than this is no wobble of a curve that falls; adopted."""

_BEGINNING_S = 20.0
_END_S = 60.0
_AROUND_S = 2.0
"""Heard before and after a moment, to understand it."""

_GRACE_S = 1.0
"""Agent and customer may speak at once for so long."""

_WORDS = Path(__file__).parent / "data" / "agent-words.toml"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the call that an answer rests on."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Measured:
    """An answer that nobody had to give.

    Attributes:
        answer: `na` where the question does not arise; None where the log cannot
            tell, and a person has to.
        reason: why, as a code of a fixed list that the pages have texts for.
        spans: what it rests on, in order.
    """

    answer: Answer | None
    reason: str
    spans: tuple[Span, ...] = ()


@dataclass(slots=True)
class _Course:
    """What the measures ask of a log."""

    said: list[TranscriptFinal] = field(default_factory=list)
    points: list[HostilityPoint] = field(default_factory=list)
    interruptions: list[float] = field(default_factory=list)
    followed: list[float] = field(default_factory=list)
    ignored: list[float] = field(default_factory=list)
    end_s: float = 0.0

    @property
    def hot(self) -> list[Span]:
        """When the customer was in take-off or peak."""
        spans: list[Span] = []
        for point in self.points:
            if point.phase not in _HOT:
                continue
            if spans and point.at_s - spans[-1].end_s <= 1.5:  # noqa: PLR2004 - points come once a second
                spans[-1] = Span(spans[-1].start_s, point.at_s)
            else:
                spans.append(Span(point.at_s, point.at_s))
        return spans

    @property
    def whole(self) -> tuple[Span, ...]:
        """What an answer rests on that is about what nobody did."""
        return (Span(0.0, self.end_s),)

    @property
    def top(self) -> tuple[Span, ...]:
        """Where the curve is highest; nowhere without one."""
        if not self.points:
            return ()
        at_s = max(self.points, key=lambda point: point.score).at_s
        return (Span(max(0.0, at_s - _AROUND_S), at_s + _AROUND_S),)

    def scores(self, start_s: float, end_s: float) -> list[float]:
        """The curve over a stretch of the call."""
        return [p.score for p in self.points if start_s <= p.at_s <= end_s]

    @property
    def peak(self) -> float:
        return max((point.score for point in self.points), default=0.0)


def measure(entries: Iterable[LogEntry]) -> dict[str, Measured]:
    """Return what the log answers, by the name of the measure."""
    course = _read(entries)
    if not any(said.party is Party.AGENT for said in course.said):
        # Nobody is known to be the agent, so nothing can be said about them.
        unknown = Measured(None, "agent_unknown")
        return dict.fromkeys(MEASURES, unknown)
    return {name: judge(course) for name, judge in MEASURES.items()}


def _read(entries: Iterable[LogEntry]) -> _Course:
    course = _Course()
    for entry in entries:
        match entry.event:
            case TranscriptFinal() as said:
                course.said.append(said)
            case HostilityPoint() as point:
                course.points.append(point)
            case Interrupted(by=Party.AGENT, at_s=at_s):
                course.interruptions.append(at_s)
            case CueFollowed(at_s=at_s):
                course.followed.append(at_s)
            case CueIgnored(at_s=at_s):
                course.ignored.append(at_s)
            case CallEnded(duration_s=duration_s):
                course.end_s = duration_s
            case _:
                pass
    course.said.sort(key=lambda said: said.start_s)
    return course


@cache
def _patterns() -> Mapping[str, Mapping[str, re.Pattern[str]]]:
    tables = tomllib.loads(_WORDS.read_text(encoding="utf-8"))
    return {
        kind: {
            language: re.compile("|".join(patterns))
            for language, patterns in table.items()
        }
        for kind, table in tables.items()
    }


def _heard(course: _Course, kind: str) -> list[TranscriptFinal]:
    """What the agent said that is of this kind."""
    patterns = _patterns()[kind]
    return [
        said
        for said in course.said
        if said.party is Party.AGENT
        and said.language in patterns
        and patterns[said.language].search(normal(said.text))
    ]


def _spans(said: Sequence[TranscriptFinal]) -> tuple[Span, ...]:
    return tuple(Span(line.start_s, line.end_s) for line in said)


def _said(kind: str) -> Callable[[_Course], Measured]:
    """A measure that asks whether the agent said something of this kind."""

    def judge(course: _Course) -> Measured:
        heard = _heard(course, kind)
        if heard:
            return Measured(Answer.YES, "said", _spans(heard))
        return Measured(None, "not_said")

    return judge


def _said_when_upset(kind: str) -> Callable[[_Course], Measured]:
    """The same, asked only where the customer became upset, and from then on."""

    def judge(course: _Course) -> Measured:
        if not course.hot:
            return Measured(Answer.NOT_APPLICABLE, "never_upset", course.top)
        heard = [
            said for said in _heard(course, kind) if said.end_s >= course.hot[0].start_s
        ]
        if heard:
            return Measured(Answer.YES, "said", _spans(heard))
        return Measured(None, "not_said", tuple(course.hot[:1]))

    return judge


def _greeted(course: _Course) -> Measured:
    first = next(said for said in course.said if said.party is Party.AGENT)
    heard = [
        said
        for said in _heard(course, "greeting")
        if said.start_s <= first.start_s + _BEGINNING_S
    ]
    if heard:
        return Measured(Answer.YES, "said", _spans(heard[:1]))
    return Measured(None, "not_said", _spans([first]))


def _closed(course: _Course) -> Measured:
    heard = [
        said
        for said in _heard(course, "closing")
        if said.end_s >= course.end_s - _END_S
    ]
    if heard:
        return Measured(Answer.YES, "said", _spans(heard[-1:]))
    last = [said for said in course.said if said.party is Party.AGENT][-1:]
    return Measured(None, "not_said", _spans(last))


def _let_finish(course: _Course) -> Measured:
    if not course.interruptions:
        return Measured(Answer.YES, "no_interruption", course.whole)
    spans = tuple(
        Span(at_s - _AROUND_S, at_s + _AROUND_S) for at_s in course.interruptions
    )
    return Measured(Answer.NO, "interrupted", spans)


def _paused(course: _Course) -> Measured:
    followed, ignored = course.followed, course.ignored
    if not followed and not ignored:
        return Measured(Answer.NOT_APPLICABLE, "no_cue", course.whole)
    spans = tuple(Span(at_s - 6.0, at_s) for at_s in ignored or followed)
    if not ignored:
        return Measured(Answer.YES, "pauses_held", spans)
    answer = Answer.PARTLY if followed else Answer.NO
    return Measured(answer, "pauses_missed", spans)


class _Offered(Enum):
    """Where on the curve something was offered."""

    CALM = auto()
    CALMING = auto()
    ROSE_AGAIN = auto()
    HOT = auto()


def _offered(course: _Course, offer: TranscriptFinal) -> _Offered:
    """Tell where on the curve the customer stands when something is offered.

    The curve follows what is said by several seconds, up and down. What it does until
    the customer speaks again comes of what they said before the offer: so that is
    what counts, not where the curve is while the offer is made.
    """
    customer = [said for said in course.said if said.party is Party.CUSTOMER]
    before = [said for said in customer if said.end_s <= offer.start_s + _GRACE_S]
    after = [said for said in customer if said.start_s > offer.start_s]
    until_s = offer.end_s + _GRACE_S
    if after:
        until_s = max(offer.start_s, min(until_s, after[0].start_s))
    hot = next((h for h in course.hot if h.start_s <= until_s <= h.end_s + 1.0), None)
    if hot is None:
        return _Offered.CALM
    since_s = before[-1].start_s if before else offer.start_s
    reaction = course.scores(since_s, until_s)
    if not reaction or max(reaction) - reaction[-1] < _CALMED:
        return _Offered.HOT
    later = course.scores(until_s, hot.end_s)
    if max(later, default=0.0) > reaction[-1] + _NEW_RISE:
        return _Offered.ROSE_AGAIN
    return _Offered.CALMING


def _solution_after_fall(course: _Course) -> Measured:
    offers = [(said, _offered(course, said)) for said in _heard(course, "solution")]
    early = [said for said, where in offers if where is _Offered.HOT]
    if early:
        return Measured(Answer.NO, "offered_too_early", _spans(early))
    unsure = [said for said, where in offers if where is _Offered.ROSE_AGAIN]
    if unsure:
        return Measured(None, "offered_rose_again", _spans(unsure))
    if offers:
        return Measured(Answer.YES, "offered_in_time", _spans([o for o, _ in offers]))
    return Measured(None, "no_offer")


def _no_blame(course: _Course) -> Measured:
    heard = _heard(course, "blame")
    if heard:
        return Measured(Answer.NO, "blamed", _spans(heard))
    return Measured(Answer.YES, "no_blame", course.whole)


def _curve_fell(course: _Course) -> Measured:
    if not course.points:
        return Measured(None, "no_curve")
    if course.peak < _UPSET:
        return Measured(Answer.NOT_APPLICABLE, "never_upset", course.top)
    last = course.points[-1]
    top = max(course.points, key=lambda point: point.score)
    span = (Span(top.at_s, last.at_s),)
    if last.score <= course.peak * _FELL_TO:
        return Measured(Answer.YES, "fell", span)
    return Measured(Answer.NO, "stayed_high", span)


MEASURES: Mapping[str, Callable[[_Course], Measured]] = {
    "greeted": _greeted,
    "let_finish": _let_finish,
    "paused": _paused,
    "apologised": _said_when_upset("apology"),
    "empathised": _said_when_upset("empathy"),
    "acknowledged": _said_when_upset("acknowledgement"),
    "repeated_problem": _said("repeat"),
    "solution_after_fall": _solution_after_fall,
    "asked_opinion": _said("opinion"),
    "followed_up": _said("follow_up"),
    "no_blame": _no_blame,
    "curve_fell": _curve_fell,
    "closed_properly": _closed,
}
"""Every measure by the name that a card's `auto` uses."""
