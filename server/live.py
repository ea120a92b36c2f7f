"""One live call: bytes in; to the disk, through the call, out to log and screens."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from audio.codec import AudioFormat
from audio.frame import Party
from audio.framer import Framer
from models.ports import Transcript, VoiceReading
from server.audio_log import AudioLog
from server.bus import Bus, News
from server.call import (
    Call,
    Output,
    PartialRequest,
    TranscribeRequest,
    VoiceRequest,
)
from server.controls import Control
from server.engine import Engine, Urgency
from server.events import (
    CallEnded,
    CallEndReason,
    CallStarted,
    Consent,
    ConsentChanged,
    LogEntry,
    Partial,
    Paused,
    Resumed,
)
from server.gate import ConsentGate
from server.storage import Storage

_INBOX_ITEMS = 64
"""Messages a call takes before its sender has to wait: about a second of audio."""

_LISTENER_PIECES = 100
"""Messages that wait for somebody who listens in: two seconds at the usual length."""

_FAR_BEHIND_S = 60.0
"""Audio a call may hold that is not worked out yet, before its sender has to wait."""


@dataclass(frozen=True, slots=True)
class _End:
    reason: CallEndReason


@dataclass(frozen=True, slots=True)
class _Words:
    request_id: int
    transcript: Transcript | None


@dataclass(frozen=True, slots=True)
class _Voice:
    request_id: int
    reading: VoiceReading | None


_Item = bytes | Control | _Words | _Voice | _End


@dataclass(frozen=True, slots=True)
class Heard:
    """A piece of the call's audio as it went to the disk: silence where it had to be.

    Attributes:
        start: index of its first byte in the call's audio.
        data: interleaved audio in the call's format.
    """

    start: int
    data: bytes


class Listener:
    """Somebody who listens in. Event loop only.

    Bounded: who cannot take the audio as fast as it comes misses the oldest of it.
    """

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Heard] = asyncio.Queue(_LISTENER_PIECES)

    def offer(self, piece: Heard) -> None:
        """Queue `piece`, in place of the oldest one where the queue is full."""
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(piece)

    async def next(self) -> Heard:
        """Wait for the next piece."""
        return await self._queue.get()


@dataclass(frozen=True, slots=True)
class Outside:
    """What a live call needs of the service around it."""

    engine: Engine
    bus: Bus
    storage: Storage


class LiveCall:
    """The shell of one live call. Event loop only.

    The inbox is bounded: a sender waits when it is full, and when the call is a
    minute behind its audio, so the line's own flow control slows the client down
    and nothing is lost.

    Attributes:
        started: the call's first entry.
        entries: its log so far.
        format: how its audio is written.
        end_reason: why it ends, from the moment that this is certain.
        ended: set when the last entry is written and stored.
    """

    def __init__(
        self,
        started: CallStarted,
        audio_format: AudioFormat,
        call: Call,
        audio_log: AudioLog,
        outside: Outside,
    ) -> None:
        self.started = started
        self.entries: list[LogEntry] = []
        self.ended = asyncio.Event()
        self.end_reason: CallEndReason | None = None
        self.format = audio_format
        self._call = call
        self._audio_log = audio_log
        self._gate = ConsentGate(audio_format, started.consent)
        self._framer = Framer(audio_format, started.parties)
        self._outside = outside
        self._inbox: asyncio.Queue[_Item] = asyncio.Queue(_INBOX_ITEMS)
        self._progress = asyncio.Condition()
        self._heard: list[Heard] = []
        self._listeners: set[Listener] = set()

    @property
    def consent(self) -> Consent:
        """What the customer agreed to, as far as it is worked through."""
        return self._gate.consent

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Hear the call's audio for as long as the context lasts."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    @property
    def stored_bytes(self) -> int:
        """Audio that is on disk."""
        return self._audio_log.n_bytes

    @property
    def live_s(self) -> float:
        """Call time up to which audio has arrived."""
        return self._call.received_s

    @property
    def behind_s(self) -> float:
        """How far the analysis is behind the audio."""
        return self._call.received_s - self._call.now_s

    async def receive_audio(self, data: bytes) -> None:
        """Take audio; waits while the call has too much to do."""
        async with self._progress:
            await self._progress.wait_for(
                lambda: self.behind_s < _FAR_BEHIND_S or self.ended.is_set()
            )
        if not self.ended.is_set():
            await self._inbox.put(data)

    async def control(self, control: Control) -> None:
        """Take what somebody did."""
        await self._inbox.put(control)

    async def end(self, reason: CallEndReason) -> None:
        """End the call after what has arrived; returns when its log is stored."""
        if self.end_reason is None:
            self.end_reason = reason
            await self._inbox.put(_End(reason))
        await self.ended.wait()

    async def wait_stored(self, n_bytes: int) -> int:
        """Wait until more than `n_bytes` are on disk; return how many are."""
        async with self._progress:
            await self._progress.wait_for(
                lambda: self.stored_bytes > n_bytes or self.ended.is_set()
            )
        return self.stored_bytes

    async def run(self) -> None:
        """Work until the call has ended. One task for each call."""
        async with asyncio.TaskGroup() as tasks:
            await self._dispatch(self._call.start(), tasks)
            while not self._call.ended:
                items = [await self._inbox.get()]
                while not self._inbox.empty():
                    items.append(self._inbox.get_nowait())
                outputs = await asyncio.to_thread(self._digest, items)
                self._let_hear()
                await self._dispatch(outputs, tasks)
                async with self._progress:
                    self._progress.notify_all()
        await self._close()

    async def fail(self) -> None:
        """End the log of a call that cannot go on, and keep the audio it has."""
        if not isinstance(self.entries[-1].event, CallEnded):
            self.end_reason = CallEndReason.SERVICE_FAILED
            at_s = self._call.now_s
            event = CallEnded(self.end_reason, at_s)
            entry = LogEntry(self.entries[-1].seq + 1, at_s, event)
            self.entries.append(entry)
            self._publish(entries=(entry,))
            await self._outside.storage.append(self.started.call_id, [entry])
        await asyncio.to_thread(self._audio_log.finish)

    async def announce_end(self) -> None:
        """Wake everybody who waits for the call to be over."""
        self.ended.set()
        async with self._progress:
            self._progress.notify_all()

    async def _close(self) -> None:
        if self._gate.consent is Consent.REFUSED:
            self.entries = self._redacted()
            await self._outside.storage.forget(self.started.call_id, self.entries)
            await asyncio.to_thread(self._audio_log.delete)
        else:
            await asyncio.to_thread(self._audio_log.finish)

    def _redacted(self) -> list[LogEntry]:
        """The log of a call that may not be kept: that it was, and why it is gone."""
        last = self.entries[-1]
        return [
            LogEntry(1, 0.0, replace(self.started, customer_ref="")),
            LogEntry(2, last.at_s, ConsentChanged(Consent.REFUSED)),
            LogEntry(3, last.at_s, last.event),
        ]

    def _let_hear(self) -> None:
        heard, self._heard = self._heard, []
        for listener in self._listeners:
            for piece in heard:
                listener.offer(piece)

    def _digest(self, items: Sequence[_Item]) -> list[Output]:
        """Work through what has arrived; in a thread, one batch at a time."""
        outputs: list[Output] = []
        for item in items:
            outputs += self._digest_one(item)
        return outputs

    def _digest_one(self, item: _Item) -> list[Output]:
        match item:
            case bytes():
                data = self._gate.apply(item)
                if self._listeners:
                    self._heard.append(Heard(self.stored_bytes, data))
                self._audio_log.append(data)
                return self._call.receive_frames(self._framer.receive_bytes(data))
            case _Words(request_id=request_id, transcript=transcript):
                return self._call.receive_transcript(request_id, transcript)
            case _Voice(request_id=request_id, reading=reading):
                return self._call.receive_voice(request_id, reading)
            case _End(reason=reason):
                outputs = self._call.receive_frames(self._framer.flush())
                return outputs + self._call.end(reason)
            case ConsentChanged(consent=consent):
                self._gate.consent = consent
            case Paused():
                self._gate.paused = True
            case Resumed():
                self._gate.paused = False
            case _:
                pass
        return self._call.receive_control(item)

    async def _dispatch(
        self, outputs: Sequence[Output], tasks: asyncio.TaskGroup
    ) -> None:
        entries = [output for output in outputs if isinstance(output, LogEntry)]
        for output in outputs:
            match output:
                case TranscribeRequest():
                    tasks.create_task(self._transcribe(output))
                case VoiceRequest():
                    tasks.create_task(self._read_voice(output))
                case PartialRequest():
                    tasks.create_task(self._show_partial(output))
                case _:
                    pass
        if entries:
            self.entries += entries
            self._publish(entries=tuple(entries))
            await self._outside.storage.append(self.started.call_id, entries)

    def _publish(
        self, entries: tuple[LogEntry, ...] = (), partial: Partial | None = None
    ) -> None:
        self._outside.bus.publish(
            News(self.started.call_id, self.live_s, entries, partial)
        )

    async def _transcribe(self, request: TranscribeRequest) -> None:
        segment = request.segment
        urgent = segment.party is not Party.AGENT
        transcript = await self._outside.engine.transcribe(
            segment.pcm,
            request.language,
            Urgency.CUSTOMER if urgent else Urgency.AGENT,
        )
        await self._inbox.put(_Words(request.request_id, transcript))

    async def _read_voice(self, request: VoiceRequest) -> None:
        reading = await self._outside.engine.read_voice(request.window)
        await self._inbox.put(_Voice(request.request_id, reading))

    async def _show_partial(self, request: PartialRequest) -> None:
        segment = request.segment
        transcript = await self._outside.engine.transcribe_if_idle(
            segment.pcm, request.language
        )
        if transcript is not None and transcript.text:
            self._publish(
                partial=Partial(segment.party, segment.start_s, transcript.text)
            )
