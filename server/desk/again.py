"""Listens to finished calls with one channel once more, as a whole.

A live line with one channel is told apart as it comes, with little to go by. When the
call is over its recording is heard as a whole, which tells the voices apart better
and is the final word on who is who; until somebody says otherwise, and it is listened
to again. Each time the log goes on with `StartedOver`; nothing in it is rewritten.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from alerts.events import CuesMuted, CuesUnmuted, HelpAsked
from audio.frame import Party
from audio.speakers import Timeline, Turn
from models.ports import Diarisation
from server.controls import AssignRoles, Control
from server.desk.errors import StateError, Stopped, UnknownError
from server.desk.index import SearchIndex
from server.errors import RecordingError, StoreError, StoreUnavailableError
from server.events import (
    CallEnded,
    CallStarted,
    ConsentChanged,
    LogEntry,
    Note,
    Paused,
    Resumed,
    RolesAssigned,
    StartedOver,
    TranscriptFinal,
    TurnsFound,
)
from server.factory import CallFactory
from server.health import explain
from server.mono import Heard, analyse_mono, assign, hear, mono_frames
from server.offline import Course
from server.recording import open_recording
from server.reports.fact_table import FactTable
from server.store import Store

logger = logging.getLogger(__name__)

_KEPT = (ConsentChanged, Note, Paused, Resumed, HelpAsked, CuesMuted, CuesUnmuted)
"""What was done to a call and still holds when it is listened to again; what was done
to alerts and cues does not: they are others now."""

_LOOK_BACK = timedelta(days=7)
"""How old a call may be that is still to be heard as a whole, after a crash or a
change of the service."""


@dataclass(frozen=True, slots=True)
class _Wish:
    call_id: str
    roles: AssignRoles | None


class Again:
    """What is to be listened to again. Thread-safe; the work is for one thread.

    Args:
        store: calls and logs.
        index: the search index, which follows the logs.
        recordings: folder of the calls' audio.
        factory: makes the calls that listen.
        stopping: tells whether to leave off now.
    """

    def __init__(
        self,
        store: Store,
        index: SearchIndex,
        recordings: Path,
        factory: CallFactory,
        stopping: Callable[[], bool],
    ) -> None:
        self._store = store
        self._index = index
        self._facts = FactTable(store.engine)
        self._recordings = recordings
        self._factory = factory
        self._stopping = stopping
        self._wishes: deque[_Wish] = deque()
        self._tried: set[str] = set()
        self._lock = threading.Lock()

    def ask(self, call_id: str, roles: AssignRoles) -> None:
        """Somebody says who the customer is in a call that is over. Soon done.

        Raises:
            UnknownError: there is no such call, or no such speaker in it.
            StateError: it is still live, has a channel for each party, or its
                recording is gone.
        """
        summary = self._store.call(call_id)
        if summary is None:
            raise UnknownError("no_call")
        if summary.end_reason is None:
            raise StateError("call_not_over")
        speakers = _speakers(self._store.entries(call_id))
        if not speakers:
            raise StateError("nobody_told_apart")
        if not self._path(call_id).is_file():
            raise StateError("recording_gone")
        if roles.customer not in speakers:
            raise UnknownError("no_speaker", speakers=", ".join(speakers))
        with self._lock:
            self._wishes.append(_Wish(call_id, roles))

    def work(self) -> None:
        """Do what was asked for, and hear as a whole what was not yet."""
        while not self._stopping() and (wish := self._next()) is not None:
            try:
                self._listen(wish)
            except Stopped:
                return  # Done at the next start; what somebody asked for, as well.
            except (OSError, StoreUnavailableError, sa.exc.SQLAlchemyError) as error:
                # No room, or no database: nothing that the call could be blamed for.
                self._refuse(wish, "a call waits to be listened to again", error)
                with self._lock:
                    self._wishes.appendleft(wish)
                return
            except (RecordingError, StoreError) as error:
                self._refuse(wish, "call cannot be listened to again", error)
            except Exception:
                # One recording never holds up the others, nor the imports behind them.
                logger.exception(
                    "a call broke what listens to it again",
                    extra={"call_id": wish.call_id},
                )

    def _refuse(self, wish: _Wish, message: str, error: Exception) -> None:
        if isinstance(error, OSError):
            detail = explain(error)
        elif isinstance(error, RecordingError | StoreError):
            detail = str(error)
        else:
            detail = type(error).__name__
        logger.warning(message, extra={"call_id": wish.call_id, "detail": detail})

    def _next(self) -> _Wish | None:
        with self._lock:
            if self._wishes:
                return self._wishes.popleft()
        for call_id in self._store.mono_calls(datetime.now(UTC) - _LOOK_BACK):
            if call_id not in self._tried and self._path(call_id).is_file():
                self._tried.add(call_id)
                return _Wish(call_id, None)
        return None

    def _path(self, call_id: str) -> Path:
        return self._recordings / f"{call_id}.flac"

    def _listen(self, wish: _Wish) -> None:
        log = self._store.whole_log(wish.call_id)
        holds = self._store.entries(wish.call_id)
        heard = self._heard(wish.call_id, holds)
        if heard is None:
            return
        began, end = holds[0].event, holds[-1].event
        if not (isinstance(began, CallStarted) and isinstance(end, CallEnded)):
            return  # Part of it has been removed since.
        roles = _roles(heard, holds, wish.roles)
        course = Course(_controls(holds), end.reason, _n_utterances(log))
        started = replace(began, parties=(Party.UNKNOWN,))
        over = StartedOver(roles.by if roles else "")
        entries = [
            LogEntry(0, end.duration_s, over),
            *analyse_mono(heard, started, self._factory, self._tell, roles, course),
        ]
        first = self._store.last_seq(wish.call_id) + 1
        numbered = [replace(entry, seq=seq) for seq, entry in enumerate(entries, first)]
        self._store.append(wish.call_id, numbered)
        self._facts.forget(wish.call_id)
        self._index.add(wish.call_id)
        logger.info("call was listened to again", extra={"call_id": wish.call_id})

    def _tell(self, _done_s: float) -> None:
        if self._stopping():
            raise Stopped

    def _heard(self, call_id: str, holds: Sequence[LogEntry]) -> Heard | None:
        """The voices as they were told apart before, else told apart now."""
        recording = open_recording(self._path(call_id))
        if recording.n_channels > 1 or self._factory.models.diariser is None:
            return None
        for entry in holds:
            if isinstance(entry.event, TurnsFound):
                return Heard.of(mono_frames(recording), _found(entry.event))
        return hear(recording, self._factory.models.diariser)


def _found(event: TurnsFound) -> Diarisation:
    return Diarisation(
        tuple(Turn(one.start_s, one.end_s, one.speaker) for one in event.turns),
        tuple(Turn(one.start_s, one.end_s, one.speaker) for one in event.floor),
    )


def _speakers(entries: Sequence[LogEntry]) -> tuple[str, ...]:
    for entry in reversed(entries):
        if isinstance(entry.event, RolesAssigned):
            return tuple(each.speaker for each in entry.event.speakers)
    return ()


def _roles(
    heard: Heard, holds: Sequence[LogEntry], wish: AssignRoles | None
) -> RolesAssigned | None:
    """Who is who, where somebody says so now, or said so while the call was live."""
    if wish is not None and wish.customer in heard.timeline.speakers:
        return assign(heard, wish.customer, wish.by)
    before = [e.event for e in holds if isinstance(e.event, RolesAssigned)]
    by = wish.by if wish is not None else (before[-1].by if before else "")
    if not by or not heard.timeline.speakers:
        return None
    # The voices have other names now: the customer's is the one that is heard where
    # the customer was heard then.
    spans = list(_customers_spans(holds))
    turns = [Turn(a, b, "customer") for a, b in spans]
    shared = {
        name: _overlap_s(heard.timeline, name, turns)
        for name in heard.timeline.speakers
    }
    if not any(shared.values()):
        return None
    return assign(heard, max(shared, key=lambda name: shared[name]), by)


def _customers_spans(holds: Sequence[LogEntry]) -> Iterator[tuple[float, float]]:
    for entry in holds:
        event = entry.event
        if isinstance(event, TranscriptFinal) and event.party is Party.CUSTOMER:
            yield event.start_s, event.end_s


def _overlap_s(timeline: Timeline, name: str, turns: Sequence[Turn]) -> float:
    return sum(
        max(0.0, min(one.end_s, other.end_s) - max(one.start_s, other.start_s))
        for one in timeline.turns
        if one.speaker == name
        for other in turns
    )


def _controls(holds: Sequence[LogEntry]) -> tuple[tuple[float, Control], ...]:
    return tuple(
        (entry.at_s, entry.event) for entry in holds if isinstance(entry.event, _KEPT)
    )


def _n_utterances(log: Sequence[LogEntry]) -> int:
    names = [e.event.utterance_id for e in log if isinstance(e.event, TranscriptFinal)]
    return max((int(name[1:]) for name in names), default=0)
