"""What a finished log comes to: everything the search asks about. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from alerts.events import AlertOpened, CueFollowed, CueIgnored
from audio.frame import Party
from emotion.events import HostilityPoint, Phase, PhaseChanged
from server.events import (
    CallEnded,
    CallStarted,
    LanguageDetected,
    LogEntry,
    TranscriptFinal,
    WordsRead,
)

CURVE_POINTS = 48
"""Numbers kept of a curve, for the small picture in a list."""


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """One utterance, as far as a search needs it."""

    party: Party
    start_s: float
    text: str


@dataclass(slots=True)
class Digest:
    """One call in a list of results.

    Attributes:
        hot_s: seconds in the phase *peak*.
        peak_at_s: when the score was highest.
        facets: pairs of kind and value: ``phase``, ``alert``, ``tier``.
        lines: what was said, in order.
        curve: the highest score of each of up to `CURVE_POINTS` equal stretches.
    """

    agent_id: str = ""
    team: str = ""
    customer_ref: str = ""
    language: str = ""
    end_reason: str = ""
    duration_s: float = 0.0
    peak_score: float = 0.0
    peak_at_s: float = 0.0
    hot_s: float = 0.0
    alerts: int = 0
    cues_followed: int = 0
    cues_ignored: int = 0
    facets: set[tuple[str, str]] = field(default_factory=set)
    lines: list[SpokenLine] = field(default_factory=list)
    curve: list[float] = field(default_factory=list)


def digest(entries: Iterable[LogEntry]) -> Digest:
    """Return what the log of a call comes to."""
    found = Digest()
    points: list[HostilityPoint] = []
    languages: Counter[str] = Counter()
    for entry in entries:
        match entry.event:
            case HostilityPoint() as point:
                points.append(point)
                found.facets.add(("phase", point.phase))
            case TranscriptFinal() as said:
                found.lines.append(SpokenLine(said.party, said.start_s, said.text))
                languages[said.language] += 1
            case event:
                _take(found, event)
    found.lines.sort(key=lambda line: line.start_s)
    if not found.language and languages:
        found.language = languages.most_common(1)[0][0]
    _add_curve(found, points)
    return found


def _take(found: Digest, event: object) -> None:
    match event:
        case CallStarted():
            found.agent_id = event.agent_id
            found.team = event.team
            found.customer_ref = event.customer_ref
            found.language = event.language or ""
        case LanguageDetected(language=language):
            found.language = language
        case PhaseChanged(after=after):
            found.facets.add(("phase", after))
        case WordsRead(reading=reading):
            if reading.tier is not None:
                found.facets.add(("tier", reading.tier))
        case AlertOpened(rule=rule):
            found.alerts += 1
            found.facets.add(("alert", rule))
        case CueFollowed():
            found.cues_followed += 1
        case CueIgnored():
            found.cues_ignored += 1
        case CallEnded(reason=reason, duration_s=duration_s):
            found.end_reason = reason
            found.duration_s = duration_s
        case _:
            pass


def _add_curve(found: Digest, points: Sequence[HostilityPoint]) -> None:
    if not points:
        return
    top = max(points, key=lambda point: point.score)
    found.peak_score, found.peak_at_s = top.score, top.at_s
    for point, after in pairwise(points):
        if point.phase is Phase.PEAK:
            found.hot_s += after.at_s - point.at_s
    end_s = max(found.duration_s, points[-1].at_s, 1.0)
    n_stretches = min(CURVE_POINTS, len(points))
    found.curve = [0.0] * n_stretches
    for point in points:
        at = min(n_stretches - 1, int(point.at_s / end_s * n_stretches))
        found.curve[at] = max(found.curve[at], round(point.score, 1))
