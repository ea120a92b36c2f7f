"""What the board shows of a call: less than its log, so that 200 calls fit a screen.

The opened call and the agent's screen get the whole log; the board gets the
kinds of entries that it draws, and of the past only what is still to be seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from alerts.events import (
    AlertAcknowledged,
    AlertClosed,
    AlertEscalated,
    AlertOpened,
    AlertReopened,
    AlertSnoozed,
    CueArmed,
    CueCounting,
    CueFollowed,
    CueIgnored,
    CueWithdrawn,
    HelpAsked,
)
from audio.events import Interrupted, SpeechEnded
from audio.frame import Party
from emotion.events import CustomerKindChanged, HostilityPoint, PhaseChanged
from server.events import (
    CallEnded,
    CallStarted,
    ConsentChanged,
    Degraded,
    LanguageDetected,
    ListeningEnded,
    ListeningStarted,
    LogEntry,
    Paused,
    Recovered,
    Resumed,
    RolesAssigned,
    StartedOver,
    TranscriptFinal,
    current,
)

CURVE_S = 190.0
"""How much of the curve a newly opened board gets: the three minutes it draws."""

_GLANCE_S = 0.0
"""How much of it comes at once, so that the board stands before its curves do."""

_ALWAYS = (
    CallStarted,
    CustomerKindChanged,
    PhaseChanged,
    AlertOpened,
    AlertEscalated,
    AlertAcknowledged,
    AlertSnoozed,
    AlertReopened,
    AlertClosed,
    CueArmed,
    CueCounting,
    CueFollowed,
    CueIgnored,
    CueWithdrawn,
    HelpAsked,
    LanguageDetected,
    ListeningStarted,
    ListeningEnded,
    Degraded,
    Recovered,
    ConsentChanged,
    Paused,
    Resumed,
    StartedOver,
    RolesAssigned,
    CallEnded,
)
_PASSED = (PhaseChanged, CueArmed, CueCounting, CueFollowed, CueIgnored, CueWithdrawn)
"""What no line of the board shows once it has happened."""

_LATEST = (HostilityPoint, TranscriptFinal)
_COUNTED = (SpeechEnded, Interrupted)


@dataclass(frozen=True, slots=True)
class Totals:
    """What the entries that are left out add up to.

    Attributes:
        spoken_s: seconds of speech of each party.
        interruptions: how often each party interrupted.
        peak: highest score so far.
    """

    spoken_s: dict[Party, float]
    interruptions: dict[Party, int]
    peak: float


def shown(entries: Iterable[LogEntry]) -> list[LogEntry]:
    """The new entries that a board draws or counts."""
    kinds = (*_ALWAYS, *_LATEST, *_COUNTED)
    return [entry for entry in entries if isinstance(entry.event, kinds)]


def thinned(
    entries: Sequence[LogEntry], curve_s: float = CURVE_S
) -> tuple[list[LogEntry], Totals]:
    """A whole log as a board needs it, and what the rest adds up to.

    Args:
        entries: of one call.
        curve_s: how much of the curve to keep.
    """
    entries = current(entries)
    totals = Totals({}, {}, 0.0)
    last_s = entries[-1].at_s if entries else 0.0
    words: dict[Party, LogEntry] = {}
    kept: list[LogEntry] = []
    peak = 0.0
    for entry in entries:
        match entry.event:
            case HostilityPoint(at_s=at_s, score=score) as point:
                peak = max(peak, score)
                if at_s >= last_s - curve_s:
                    # The board draws the curve; the opened call says why it rose.
                    bare = replace(point, evidence=()) if point.evidence else point
                    kept.append(LogEntry(entry.seq, entry.at_s, bare))
            case TranscriptFinal(party=party):
                words[party] = entry
            case SpeechEnded(party=party, start_s=start_s, end_s=end_s):
                spoken_s = totals.spoken_s.get(party, 0.0)
                totals.spoken_s[party] = round(spoken_s + end_s - start_s, 2)
            case Interrupted(by=party):
                totals.interruptions[party] = totals.interruptions.get(party, 0) + 1
            case event if isinstance(event, _ALWAYS):
                kept.append(entry)
            case _:
                pass
    kept = sorted([*kept, *words.values()], key=lambda entry: entry.seq)
    return kept, Totals(totals.spoken_s, totals.interruptions, peak)


def glanced(entries: Sequence[LogEntry]) -> tuple[list[LogEntry], Totals]:
    """Likewise, and no more than a line of the board shows now."""
    kept, totals = thinned(entries, _GLANCE_S)
    closed = {it.event.alert_id for it in kept if isinstance(it.event, AlertClosed)}
    return [
        entry
        for entry in kept
        if not isinstance(entry.event, _PASSED)
        and getattr(entry.event, "alert_id", None) not in closed
    ], totals
