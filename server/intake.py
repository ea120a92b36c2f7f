"""What comes into one call: taken in order, written down, then told.

Nothing that listens to the call can hold this up: a slow model delays no recording.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from server.controls import Control
from server.errors import CloseCode, ProtocolError
from server.health import Health, Problem, explain
from server.hearing import Audience, Heard
from server.journal import Ending
from server.recorder import Recorder

_INBOX_ITEMS = 64
"""Messages a call takes before its sender has to wait: about a second of audio."""

_GATHER_S = 0.2
"""How long audio gathers before it is written and listened to: both cost more than
its bytes (docs/evaluation.md, Capacity)."""

RETRY_S = 1.0
"""Between two attempts to write what could not be written."""


@dataclass(slots=True, eq=False)
class Line:
    """One connection's hold on a call, until a newer one takes it.

    Attributes:
        replaced: set when another connection has the call.
        received_bytes: where the client is to go on.
        skip_bytes: what the client will send although it is there already.
    """

    replaced: asyncio.Event = field(default_factory=asyncio.Event)
    received_bytes: int = 0
    skip_bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Audio:
    data: bytes
    line: Line


@dataclass(frozen=True, slots=True)
class _Done:
    """Something done to the call; `taken` is told when it is written down."""

    control: Control | Ending
    taken: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Attach:
    """A connection takes the call; `taken` is told when what came before is down."""

    line: Line
    from_byte: int | None
    taken: asyncio.Future[None]


_Item = _Audio | _Done | _Attach


class Intake:
    """Takes what comes into one call and writes it down. Event loop only.

    Two bounds: `_INBOX_ITEMS` messages, and `recorder.MAX_HELD_BYTES` that the disk
    does not take. At either the sender waits, and the line's own flow control slows
    the client down. Nothing is dropped.

    Args:
        recorder: writes.
        health: is told when the disk takes nothing.
        on_news: called when there is more to listen to or to acknowledge.

    Attributes:
        line: the connection that holds the call, None while there is none.
        audience: who listens in.
    """

    def __init__(
        self, recorder: Recorder, health: Health, on_news: Callable[[], None]
    ) -> None:
        self.line: Line | None = None
        self.audience = Audience()
        self._recorder = recorder
        self._health = health
        self._on_news = on_news
        self._call_id = recorder.journal.header.started.call_id
        self._inbox: asyncio.Queue[_Item] = asyncio.Queue(_INBOX_ITEMS)
        self._looked_at = 0.0
        self._closed = False

    async def attach(self, from_byte: int | None) -> Line:
        """Give the call to a connection; the one that had it is heard no more.

        Args:
            from_byte: the first byte that the client will send, when it says so.

        Raises:
            ProtocolError: audio between what is there and `from_byte` is missing.
        """
        line = Line()
        if self.line is not None:
            self.line.replaced.set()
        self.line = line
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._put(_Attach(line, from_byte, taken))
        try:
            await taken
        except BaseException:
            self.detach(line)
            raise
        return line

    def detach(self, line: Line) -> None:
        """The connection is gone; without effect when another has the call."""
        if self.line is line:
            self.line = None

    async def receive_audio(self, data: bytes, line: Line) -> None:
        """Take audio from a connection."""
        await self._put(_Audio(data, line))

    async def take(self, control: Control | Ending) -> None:
        """Take what was done to the call; returns when it is written down."""
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._put(_Done(control, taken))
        await taken

    async def run(self) -> None:
        """Write down what comes, at once; what the disk does not take, later."""
        stuck = False
        while True:
            items: list[_Item] = []
            if self._recorder.full:
                await asyncio.sleep(RETRY_S)
            else:
                items = await self._gathered(RETRY_S if stuck else None)
            try:
                self._take_down(items)
                stuck = not await self.store()
            finally:  # The call may be over before its end is on disk.
                _let_go(items)
            self._on_news()

    def close(self) -> None:
        """Let nobody wait for what will not be taken any more; the call is over."""
        self._closed = True
        while not self._inbox.empty():
            _let_go([self._inbox.get_nowait()])

    async def _put(self, item: _Item) -> None:
        await self._inbox.put(item)
        if self._closed:
            self.close()

    async def store_all(self) -> None:
        """Write what is held, however long the disk is away."""
        while True:
            if await self.store():
                return
            await asyncio.sleep(RETRY_S)

    async def store(self) -> bool:
        """Write what is held; False, and a word on the board, when that fails."""
        try:
            await asyncio.to_thread(self._write)
        except OSError as error:
            self._health.report(Problem.DISK, self._call_id, explain(error))
            return False
        self._health.clear(Problem.DISK, self._call_id)
        return True

    def _write(self) -> None:
        if time.monotonic() - self._looked_at >= RETRY_S:
            self._recorder.keep_place()
            self._looked_at = time.monotonic()
        self._recorder.store()

    async def _gathered(self, timeout_s: float | None) -> list[_Item]:
        """Wait for what comes; audio waits a moment for more of it."""
        try:
            async with asyncio.timeout(timeout_s):
                items = [await self._inbox.get()]
        except TimeoutError:
            return []
        if isinstance(items[0], _Audio):
            await asyncio.sleep(_GATHER_S)
        while not self._inbox.empty():
            items.append(self._inbox.get_nowait())
        return items

    def _take_down(self, items: Sequence[_Item]) -> None:
        """Put what came into the recorder's memory, in order."""
        recorder = self._recorder
        for item in items:
            match item:
                case _Audio(data=data, line=line):
                    if line.replaced.is_set() or recorder.ended:
                        continue
                    n_skipped = min(line.skip_bytes, len(data))
                    line.skip_bytes -= n_skipped
                    self._take_audio(data[n_skipped:])
                case _Done(control=control):
                    if not recorder.ended:
                        recorder.take_control(control)
                case _Attach(line=line, from_byte=from_byte, taken=taken):
                    line.received_bytes = recorder.audio.n_received
                    first = line.received_bytes if from_byte is None else from_byte
                    line.skip_bytes = max(0, line.received_bytes - first)
                    if first > line.received_bytes and not taken.done():
                        taken.set_exception(_missing(line.received_bytes, first))

    def _take_audio(self, data: bytes) -> None:
        start = self._recorder.audio.n_received
        self.audience.offer(Heard(start, self._recorder.take_audio(data)))


def _let_go(items: Sequence[_Item]) -> None:
    """Tell whoever waits for one of them that it is done."""
    for item in items:
        if not isinstance(item, _Audio) and not item.taken.done():
            item.taken.set_result(None)


def _missing(received_bytes: int, from_byte: int) -> ProtocolError:
    return ProtocolError(
        CloseCode.AUDIO_MISSING,
        f"audio from byte {received_bytes} on is needed, this begins at {from_byte}",
    )
