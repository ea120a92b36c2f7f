"""One live call: written down first, then listened to; out to log and screens.

Three tasks work on a call. `Intake` writes down what comes, and does nothing else.
`LiveCall` listens to what is written down, as fast as the models answer. `LogKeeper`
stores the log that this gives. None waits for another, so a slow model delays no
recording and a locked database no cue. A call that is taken up again after a crash
is one that begins to listen with much already written down.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.events import AlertOpened, CueArmed
from audio.codec import AudioFormat
from audio.frame import Party, Segment
from audio.framer import Framer
from emotion.events import HostilityPoint
from models.ports import Transcript, VoiceReading
from server.bus import Bus, News
from server.call import Call, Output
from server.controls import Control
from server.engine import Engine, Urgency
from server.errors import RetraceError
from server.events import (
    CallEnded,
    CallEndReason,
    CallStarted,
    Consent,
    ConsentChanged,
    Degradation,
    Degraded,
    Event,
    LogEntry,
    Partial,
    Recovered,
    TranscriptFinal,
)
from server.health import Health, Problem, explain
from server.hearing import Audience
from server.intake import Intake, Line
from server.journal import Ending
from server.log_keeper import LogKeeper
from server.metrics import Metrics
from server.mono_call import MonoCall
from server.questions import (
    PartialRequest,
    SoFarRequest,
    TranscribeRequest,
    VoiceRequest,
)
from server.recorder import Recorder
from server.retrace import Retrace
from server.storage import Storage
from server.store import NewCall

logger = logging.getLogger(__name__)

_AHEAD_S = 60.0
"""Audio that may come before its time, while the call is as far behind: a sender that
is faster than life waits; one in real time never does, whatever the machine has to do.
"""

_EARLY_S = 5.0
"""Audio that may come before its time from a client that plays in real time."""

_STALLED_S = 5.0
"""Audio a call is given beyond what it has worked out; the rest waits on disk."""

_PORTION_S = 1.0
"""Audio that is listened to in one go, in a thread."""

_CATCHING_UP_S = 5.0
"""A call that is taken up again goes before no other until it is this close."""


_STAGES: Mapping[type[Event], str] = {
    TranscriptFinal: "words",
    HostilityPoint: "curve",
    AlertOpened: "alert",
    CueArmed: "cue",
}
"""Whose lateness is measured: of words from their end, else from their call time."""


@dataclass(frozen=True, slots=True)
class _Words:
    request_id: int
    transcript: Transcript | None


@dataclass(frozen=True, slots=True)
class _Voice:
    request_id: int
    reading: VoiceReading | None


_Answer = _Words | _Voice


@dataclass(frozen=True, slots=True)
class Outside:
    """What a live call needs of the service around it.

    Attributes:
        catch_up: held by the one call that is catching up after a restart.
    """

    engine: Engine
    bus: Bus
    storage: Storage
    metrics: Metrics
    health: Health = field(default_factory=Health)
    catch_up: asyncio.Lock = field(default_factory=asyncio.Lock)


class LiveCall:
    """The shell of one live call. Event loop only.

    Audio that is not worked out yet waits on disk, as much as there is.

    Args:
        call: that has not been started.
        recorder: with what was written down before, if anything.
        outside: the service around it.
        log: the entries that an earlier run of the service stored; None for a
            call that is new.

    Attributes:
        started: the call's first entry.
        token: what a client shows to take the call over from another connection.
        end_reason: why it ends, from the moment that this is certain.
        n_lines: how many connections have had the call.
        ended: set when the last entry is written and stored.
    """

    def __init__(
        self,
        call: Call | MonoCall,
        recorder: Recorder,
        outside: Outside,
        log: Sequence[LogEntry] | None = None,
    ) -> None:
        header = recorder.journal.header
        self.started: CallStarted = header.started
        self.token = header.token
        self.ended = asyncio.Event()
        self.end_reason: CallEndReason | None = None
        self.n_lines = 0
        if recorder.records and isinstance(recorder.records[-1].control, Ending):
            self.end_reason = recorder.records[-1].control.reason
        self._call = call
        self._recorder = recorder
        self._framer = Framer(recorder.format, self.started.parties)
        self._outside = outside
        self._recovered = log is not None
        self._retrace = Retrace(log or ())
        self._keeper = LogKeeper(
            NewCall(
                self.started,
                datetime.fromisoformat(self.started.started_at),
                str(header.encoding),
                header.rate,
            ),
            outside.storage,
            outside.health,
            log or (),
        )
        self._intake = Intake(recorder, outside.health, self._hear_news)
        self._n_heard = 0
        self._n_controls = 0
        self._answers: list[_Answer] = []
        self._news = asyncio.Event()
        self._stored = asyncio.Event()
        self._worked = asyncio.Event()
        self._began = time.monotonic()
        self._began_s = self.live_s

    @property
    def entries(self) -> Sequence[LogEntry]:
        """The log so far."""
        return self._keeper.entries

    @property
    def format(self) -> AudioFormat:
        """How the call's audio is written."""
        return self._recorder.format

    @property
    def audience(self) -> Audience:
        """Who listens in."""
        return self._intake.audience

    @property
    def line(self) -> Line | None:
        """The connection that holds the call."""
        return self._intake.line

    @property
    def paused(self) -> bool:
        """Whether the client asked to hear nothing for now."""
        return self._recorder.gate.paused

    @property
    def consent(self) -> Consent:
        """What the customer agrees to now."""
        return self._recorder.gate.consent

    @property
    def stored_bytes(self) -> int:
        """Audio that is on disk."""
        return self._recorder.audio.n_bytes

    @property
    def live_s(self) -> float:
        """Call time up to which audio has arrived."""
        return self._seconds(self._recorder.audio.n_received)

    @property
    def behind_s(self) -> float:
        """How far the analysis is behind the audio."""
        return max(0.0, self.live_s - self._call.now_s)

    @property
    def catching_up(self) -> bool:
        """Whether the call is listened to again and is not yet where it was."""
        behind = not self._retrace.done or self.behind_s > _CATCHING_UP_S
        return (self._recovered and behind) or self._call.starting_over

    @property
    def in_time(self) -> bool:
        """Whether its audio comes as it is spoken: how late it is means something."""
        lived_s = time.monotonic() - self._began
        early = self.live_s - self._began_s > lived_s + _EARLY_S
        return not early and not self.catching_up and self.end_reason is None

    @property
    def reads_voice(self) -> bool:
        """Whether the customer's voice is listened to."""
        mono = isinstance(self._call, MonoCall)
        scored = Party.CUSTOMER in self.started.parties or mono
        live = self.end_reason is None
        return live and scored and self.consent is Consent.GRANTED

    @property
    def held_bytes(self) -> int:
        """Audio that the disk has yet to take."""
        return self._recorder.audio.n_held

    @property
    def n_unstored(self) -> int:
        """Entries that the database has yet to take."""
        return self._keeper.n_waiting

    @property
    def voice_sparse(self) -> bool:
        """Whether the voice is read less often, for want of time."""
        return self._recorder.voice_sparse

    async def set_voice_sparse(self, *, sparse: bool) -> None:
        """Read the voice less often, or again as it should be; the log says so."""
        if sparse != self.voice_sparse:
            what = Degradation.VOICE_SPARSE
            await self.control(Degraded(what) if sparse else Recovered(what))

    def _seconds(self, n_bytes: int) -> float:
        audio_format = self._recorder.format
        return n_bytes / audio_format.instant_bytes / audio_format.rate

    async def attach(self, from_byte: int | None) -> Line:
        """See `Intake.attach`."""
        self.n_lines += 1
        return await self._intake.attach(from_byte)

    def detach(self, line: Line) -> None:
        """See `Intake.detach`."""
        self._intake.detach(line)

    async def receive_audio(self, data: bytes, line: Line) -> None:
        """Take audio from a connection; waits while there is too much of it."""
        while self._too_early() and not self.ended.is_set():
            self._worked.clear()
            await self._worked.wait()
        if not self.ended.is_set():
            await self._intake.receive_audio(data, line)

    def _too_early(self) -> bool:
        lived_s = time.monotonic() - self._began
        ahead_s = self.live_s - self._began_s - lived_s
        return min(ahead_s, self.behind_s) > _AHEAD_S

    async def control(self, control: Control) -> None:
        """Take what somebody did; returns when it is written down."""
        await self._intake.take(control)

    async def end(self, reason: CallEndReason) -> None:
        """End the call after what has arrived; returns when its log is stored."""
        if self.end_reason is None:
            self.end_reason = reason
            await self._intake.take(Ending(reason))
        await self.ended.wait()

    async def wait_stored(self, n_bytes: int) -> int:
        """Wait until more than `n_bytes` are on disk; return how many are."""
        while self.stored_bytes <= n_bytes and not self.ended.is_set():
            self._stored.clear()
            await self._stored.wait()
        return self.stored_bytes

    async def run(self) -> None:
        """Work until the call has ended and all of it is stored."""
        async with asyncio.TaskGroup() as tasks:
            recording = tasks.create_task(self._intake.run())
            tasks.create_task(self._keeper.run())
            await self._listen(tasks)
            recording.cancel()
        await self._close()

    async def fail(self, error: Exception) -> None:
        """End the log of a call that cannot go on, and keep the audio it has."""
        if not self._keeper.ended:
            self.end_reason = CallEndReason.SERVICE_FAILED
            self._log(self._last_words(error))
        await self._keeper.settle()
        await self._close()

    def abandon(self) -> None:
        """Let go of a call that cannot be ended now; the next start goes on with it."""
        with suppress(OSError):
            self._recorder.store()
        self._recorder.close()

    def announce_end(self) -> None:
        """Wake everybody who waits for the call to be over."""
        self._outside.health.forget(self.started.call_id)
        self.ended.set()
        self._stored.set()
        self._worked.set()
        self._intake.close()

    def _last_words(self, error: Exception) -> list[LogEntry]:
        entries = self.entries
        at_s = self._call.now_s
        events: list[Event] = [] if entries else [self.started]
        if isinstance(error, RetraceError):
            at_s = self._seconds(self.stored_bytes)
            events.append(Degraded(Degradation.NOT_CONTINUED))
        at_s = max(at_s, entries[-1].at_s if entries else 0.0)
        events.append(CallEnded(CallEndReason.SERVICE_FAILED, at_s))
        first = len(entries) + 1
        return [LogEntry(seq, at_s, event) for seq, event in enumerate(events, first)]

    async def _close(self) -> None:
        """The log is stored: leave a recording, or nothing where that was asked."""
        if self._recorder.refused:
            await self._keeper.forget(self._redacted())
            await asyncio.to_thread(self._recorder.delete)
            return
        await self._intake.store_all()
        try:
            await asyncio.to_thread(self._recorder.finish)
        except OSError as error:
            # The raw audio is there; the next start makes a recording of it.
            logger.warning(
                "recording waits for room",
                extra={"call_id": self.started.call_id, "detail": explain(error)},
            )

    def _redacted(self) -> list[LogEntry]:
        """The log of a call that may not be kept: that it was, and why it is gone."""
        last = self.entries[-1]
        return [
            LogEntry(1, 0.0, replace(self.started, customer_ref="")),
            LogEntry(2, last.at_s, ConsentChanged(Consent.REFUSED)),
            LogEntry(3, last.at_s, last.event),
        ]

    async def _listen(self, tasks: asyncio.TaskGroup) -> None:
        """Work through what is written down, until the call has ended."""
        self._dispatch(self._retrace.follow(self._call, self._call.start()), tasks)
        while not self._call.ended:
            while not (self._answers or self._can_hear()):
                self._news.clear()
                await self._news.wait()
            answers, self._answers = self._answers, []
            async with self._turn():
                outputs = await asyncio.to_thread(self._hear, answers)
            self._dispatch(outputs, tasks)
            self._worked.set()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Let calls that are taken up again go one at a time."""
        if not self.catching_up:
            yield
            return
        async with self._outside.catch_up:
            yield

    def _hear_news(self) -> None:
        self._news.set()
        self._stored.set()

    def _can_hear(self) -> bool:
        """Whether there is anything that the call could be given now."""
        n_received = self._recorder.audio.n_received  # Before the controls: see below.
        if self._n_controls < len(self._recorder.records):
            record = self._recorder.records[self._n_controls]
            if record.at_byte <= self._n_heard:
                return True
        stalled = self._call.received_s - self._call.now_s > _STALLED_S
        return not stalled and self._n_heard < n_received

    def _hear(self, answers: Sequence[_Answer]) -> list[Output]:
        """Give the call the answers that came and its next second; in a thread."""
        with self._outside.engine.listening():
            return self._hear_answers(answers)

    def _hear_answers(self, answers: Sequence[_Answer]) -> list[Output]:
        call, follow = self._call, self._retrace.follow
        outputs: list[Output] = []
        for answer in answers:
            match answer:
                case _Words(request_id=request_id, transcript=transcript):
                    given = call.receive_transcript(request_id, transcript)
                case _Voice(request_id=request_id, reading=reading):
                    given = call.receive_voice(request_id, reading)
            outputs += follow(call, given)
        if self._can_hear():
            outputs += follow(call, self._hear_next())
        return outputs

    def _hear_next(self) -> list[Output]:
        """Give the call its next control, or the audio up to it."""
        # A control that comes while this runs is written down before the audio that
        # follows it: what is read first can only be too little.
        until = self._recorder.audio.n_received
        if self._n_controls < len(self._recorder.records):
            record = self._recorder.records[self._n_controls]
            if record.at_byte <= self._n_heard:
                self._n_controls += 1
                return self._apply(record.control)
            until = min(until, record.at_byte)
        second = self.format.instant_bytes * self.format.rate
        portion = min(until - self._n_heard, round(_PORTION_S * second))
        data = self._recorder.audio.read(self._n_heard, portion)
        self._n_heard += len(data)
        return self._call.receive_frames(self._framer.receive_bytes(data))

    def _apply(self, control: Control | Ending) -> list[Output]:
        if isinstance(control, Ending):
            outputs = self._call.receive_frames(self._framer.flush())
            return outputs + self._call.end(control.reason)
        return self._call.receive_control(control)

    def _dispatch(self, outputs: Sequence[Output], tasks: asyncio.TaskGroup) -> None:
        entries = [output for output in outputs if isinstance(output, LogEntry)]
        for output in outputs:
            match output:
                case TranscribeRequest():
                    tasks.create_task(self._transcribe(output))
                case VoiceRequest():
                    tasks.create_task(self._read_voice(output))
                case PartialRequest() if not self.catching_up:
                    tasks.create_task(self._show_partial(output))
                case _:
                    pass
        if entries:
            self._log(entries)

    def _log(self, entries: Sequence[LogEntry]) -> None:
        """Add entries to the log and show them."""
        self._keeper.add(entries)
        self._publish(entries=tuple(entries))
        if not self.catching_up:
            self._measure(entries)

    def _measure(self, entries: Sequence[LogEntry]) -> None:
        """Count how late the log says what it says."""
        for entry in entries:
            stage = _STAGES.get(type(entry.event))
            if stage is not None:
                at_s = entry.at_s
                if isinstance(entry.event, TranscriptFinal):
                    at_s = entry.event.end_s
                self._outside.metrics.observe_latency(stage, self.live_s - at_s)

    def _publish(
        self, entries: tuple[LogEntry, ...] = (), partial: Partial | None = None
    ) -> None:
        self._outside.bus.publish(
            News(self.started.call_id, self.live_s, entries, partial)
        )

    def _answer(self, answer: _Answer) -> None:
        self._answers.append(answer)
        self._news.set()

    async def _transcribe(self, request: TranscribeRequest) -> None:
        segment = request.segment
        urgency = Urgency.CUSTOMER
        if segment.party is Party.AGENT:
            urgency = Urgency.AGENT
        if self.catching_up:
            urgency = Urgency.CATCH_UP
        transcript = await self._outside.engine.transcribe(
            segment.pcm, request.language, urgency
        )
        self._answer(_Words(request.request_id, transcript))
        if isinstance(request, SoFarRequest):
            self._publish_partial(segment, transcript)

    async def _read_voice(self, request: VoiceRequest) -> None:
        urgency = Urgency.CATCH_UP if self.catching_up else Urgency.CUSTOMER
        reading = await self._outside.engine.read_voice(request.window, urgency)
        self._answer(_Voice(request.request_id, reading))

    async def _show_partial(self, request: PartialRequest) -> None:
        if Problem.PARTIALS in self._outside.health.troubles:
            self._outside.metrics.partials_dropped.inc()
            return
        segment = request.segment
        transcript = await self._outside.engine.transcribe_if_idle(
            segment.pcm, request.language
        )
        self._publish_partial(segment, transcript)

    def _publish_partial(self, segment: Segment, transcript: Transcript | None) -> None:
        if transcript is not None and transcript.text and not self.catching_up:
            self._publish(
                partial=Partial(segment.party, segment.start_s, transcript.text)
            )
