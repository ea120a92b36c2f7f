"""The audio socket: one connection brings one call. docs/protocol.md has the wire."""

import asyncio
import json
import logging
from collections.abc import Awaitable
from contextlib import suppress

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from server.calls import LiveCalls
from server.errors import CloseCode, ProtocolError
from server.events import CallEndReason, Consent, ConsentChanged, Paused, Resumed
from server.hello import (
    ChangeConsent,
    End,
    Hello,
    Pause,
    Resume,
    read_control,
    read_hello,
)
from server.intake import Line
from server.live import LiveCall
from server.metrics import Metrics

logger = logging.getLogger(__name__)

PATH = "/v1/calls"
_ACK_EVERY_S = 0.5
_QUIET_S = 10.0
"""How often it is looked whether a line says anything: one that says nothing from one
look to the next is asked, and is dead at the look after that."""
_REASON_BYTES = 123  # RFC 6455 5.5: a close frame holds 125, two are the code.
_CLOSE_CODES = {
    CallEndReason.COMPLETED: CloseCode.ENDED,
    CallEndReason.CONSENT_REFUSED: CloseCode.REFUSED,
}


class Ingest:
    """Serves audio connections. A broken client loses its own call, no other."""

    def __init__(
        self, calls: LiveCalls, metrics: Metrics, hello_timeout_s: float
    ) -> None:
        self._calls = calls
        self._metrics = metrics
        self._hello_timeout_s = hello_timeout_s

    async def handle(self, socket: ServerConnection) -> None:
        """Serve one connection from its hello until the line is gone."""
        try:
            live, line = await self._calls.open(await self._hello(socket))
        except ProtocolError as error:
            await self._refuse(socket, error)
            return
        except ConnectionClosed:
            return
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._serve(socket, live, line, tasks)
        except* ConnectionClosed:
            logger.info("line lost", extra={"call_id": live.started.call_id})
        except* ProtocolError as group:
            broken = group.exceptions[0]
            assert isinstance(broken, ProtocolError)  # noqa: S101 - except* says so
            await self._refuse(socket, broken)
            await live.end(CallEndReason.PROTOCOL_ERROR)
        finally:
            self._calls.detach(live, line)

    async def _hello(self, socket: ServerConnection) -> Hello:
        if socket.request is None or socket.request.path != PATH:
            raise ProtocolError(CloseCode.UNKNOWN_PATH, f"calls come to {PATH}")
        try:
            async with asyncio.timeout(self._hello_timeout_s):
                message = await socket.recv()
        except TimeoutError:
            raise ProtocolError(
                CloseCode.NO_HELLO, f"no hello within {self._hello_timeout_s:g} s"
            ) from None
        if isinstance(message, bytes):
            raise ProtocolError(CloseCode.AUDIO_FIRST, "audio came before the hello")
        return read_hello(message)

    async def _refuse(self, socket: ServerConnection, error: ProtocolError) -> None:
        self._metrics.refused.labels(str(int(error.code))).inc()
        reason = error.reason.encode()[:_REASON_BYTES].decode(errors="ignore")
        await socket.close(error.code, reason)

    async def _serve(
        self,
        socket: ServerConnection,
        live: LiveCall,
        line: Line,
        tasks: asyncio.TaskGroup,
    ) -> None:
        """Take messages until one of them ends the call."""
        welcome = {
            "type": "welcome",
            "call_id": live.started.call_id,
            "received_bytes": line.received_bytes,
            "token": live.token,
            "consent": live.consent,
            "paused": live.paused,
        }
        await socket.send(json.dumps(welcome))
        tasks.create_task(_acknowledge(socket, live))
        leaving = tasks.create_task(_leave_when_replaced(socket, line))
        pulse = _Pulse(socket)
        watching = tasks.create_task(pulse.watch())
        while live.end_reason is None:
            message = await pulse.next()
            if line.replaced.is_set():
                continue
            if isinstance(message, bytes):
                self._metrics.audio_bytes.inc(len(message))
                await live.receive_audio(message, line)
            else:
                await _control(live, message)
        watching.cancel()
        if not line.replaced.is_set():
            leaving.cancel()


class _Pulse:
    """Whether the other end of a line is there. A line that is quiet is asked."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket
        self._n_heard = 0
        self._waiting = False

    async def next(self) -> str | bytes:
        """Take the next message.

        Raises:
            ConnectionClosed: there is none.
        """
        self._waiting = True
        message = await self._socket.recv()
        self._waiting = False  # A line that we do not read cannot answer either.
        self._n_heard += 1
        return message

    async def watch(self) -> None:
        """Ask while nothing comes; break the line off when nobody answers."""
        pong: Awaitable[float] | None = None
        n_heard = 0
        while True:
            await asyncio.sleep(_QUIET_S)
            if self._n_heard > n_heard or not self._waiting:
                n_heard, pong = self._n_heard, None
            elif isinstance(pong, asyncio.Future) and not pong.done():
                self._socket.transport.abort()
            else:
                pong = await self._socket.ping()


async def _control(live: LiveCall, text: str) -> None:
    match read_control(text):
        case Pause():
            await live.control(Paused())
        case Resume():
            await live.control(Resumed())
        case ChangeConsent(consent=consent):
            await live.control(ConsentChanged(consent))
            if consent is Consent.REFUSED:
                await live.end(CallEndReason.CONSENT_REFUSED)
        case End():
            await live.end(CallEndReason.COMPLETED)


async def _leave_when_replaced(socket: ServerConnection, line: Line) -> None:
    """Close a connection whose call another one has taken; it may be half open."""
    await line.replaced.wait()
    await socket.close(CloseCode.CALL_TAKEN, "another connection has this call now")


async def _acknowledge(socket: ServerConnection, live: LiveCall) -> None:
    """Tell the client what is on disk, and at last that the call is over, and why."""
    acked = live.stored_bytes
    over = False
    while not over:
        over = live.ended.is_set()  # Before the count: the last one counts all.
        stored = await live.wait_stored(acked)
        if stored != acked:
            await socket.send(json.dumps({"type": "ack", "received_bytes": stored}))
            acked = stored
        with suppress(TimeoutError):
            async with asyncio.timeout(_ACK_EVERY_S):
                await live.ended.wait()
    ended = {
        "type": "ended",
        "reason": str(live.end_reason),
        "duration_s": round(live.live_s, 3),
    }
    await socket.send(json.dumps(ended))
    assert live.end_reason is not None  # noqa: S101 - the call has ended
    await socket.close(_CLOSE_CODES.get(live.end_reason, CloseCode.STOPPING))
