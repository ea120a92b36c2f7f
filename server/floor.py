"""The floor's figures of one day, kept up to date from what happens in the calls."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from statistics import median

from alerts.events import AlertAcknowledged, AlertOpened, CueFollowed, CueIgnored
from emotion.events import Phase, PhaseChanged
from server.events import CallEnded, Event, LogEntry, StartedOver

_HOT = (Phase.TAKE_OFF, Phase.PEAK)
_COOL = (Phase.COOL_DOWN, Phase.PROBLEM_SOLVING, Phase.RATIONAL)
_LATEST = 1000
"""Times kept for a median: more than a floor has in a day."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a floor looks at.

    Attributes:
        cool_down_s: median time from take-off to cool-down; None before the first.
        taken_s: median time from an alert's opening to its acknowledgement.
        followed: pause cues that were followed.
        ignored: pause cues that were not.
    """

    cool_down_s: float | None
    taken_s: float | None
    followed: int
    ignored: int


COUNTED = (
    PhaseChanged,
    AlertOpened,
    AlertAcknowledged,
    CueFollowed,
    CueIgnored,
    StartedOver,
    CallEnded,
)
"""The kinds of events that change a figure."""


class Floor:
    """Counts what happened in the calls of one day. Event loop only."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._hot_since_s: dict[str, float] = {}
        self._opened_s: dict[tuple[str, str], float] = {}
        self._cooled_s: deque[float] = deque(maxlen=_LATEST)
        self._taken_s: deque[float] = deque(maxlen=_LATEST)
        self._followed = 0
        self._ignored = 0
        self._cues: Counter[tuple[str, bool]] = Counter()

    def begin(self, day: date) -> None:
        """Begin `day` unless it is the one that runs; calls go on being followed."""
        if day == self._day:
            return
        self._day = day
        self._cooled_s.clear()
        self._taken_s.clear()
        self._followed = self._ignored = 0
        self._cues.clear()

    @property
    def figures(self) -> Figures:
        """The figures now."""
        return Figures(
            cool_down_s=_median(self._cooled_s),
            taken_s=_median(self._taken_s),
            followed=self._followed,
            ignored=self._ignored,
        )

    def take(self, call_id: str, entries: Iterable[LogEntry]) -> None:
        """Take what happened in a call, in order."""
        for entry in entries:
            self._take(call_id, entry.event)

    def _take(self, call_id: str, event: Event) -> None:
        match event:
            case PhaseChanged(after=after, at_s=at_s) if after in _HOT:
                self._hot_since_s.setdefault(call_id, at_s)
            case PhaseChanged(after=after, at_s=at_s) if after in _COOL:
                since_s = self._hot_since_s.pop(call_id, None)
                if since_s is not None:
                    self._cooled_s.append(at_s - since_s)
            case AlertOpened(alert_id=alert_id, at_s=at_s):
                self._opened_s[call_id, alert_id] = at_s
            case AlertAcknowledged(alert_id=alert_id, at_s=at_s):
                opened_s = self._opened_s.pop((call_id, alert_id), None)
                if opened_s is not None:
                    self._taken_s.append(at_s - opened_s)
            case CueFollowed() | CueIgnored():
                self._judge_cue(call_id, event)
            case StartedOver():
                self._followed -= self._cues.pop((call_id, True), 0)
                self._ignored -= self._cues.pop((call_id, False), 0)
                self._forget(call_id)
            case CallEnded():
                self._forget(call_id)
            case _:
                pass

    def _judge_cue(self, call_id: str, event: CueFollowed | CueIgnored) -> None:
        followed = isinstance(event, CueFollowed)
        self._followed += followed
        self._ignored += not followed
        self._cues[call_id, followed] += 1

    def _forget(self, call_id: str) -> None:
        self._hot_since_s.pop(call_id, None)
        for key in [key for key in self._opened_s if key[0] == call_id]:
            del self._opened_s[key]


def _median(values: deque[float]) -> float | None:
    return round(median(values), 1) if values else None
