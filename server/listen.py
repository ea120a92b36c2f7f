"""Listening in: a supervisor hears a live call. docs/protocol.md has the wire."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, WebSocket
from starlette.websockets import WebSocketDisconnect

from audio.codec import FULL_SCALE, AudioFormat, decode
from server.bodies import Name
from server.calls import LiveCalls
from server.events import Consent, ListeningEnded, ListeningStarted
from server.hearing import Listener
from server.live import LiveCall
from server.trust.access import Access, Permission, Viewer, needs
from server.trust.audit import Action

_HEARD = (Consent.GRANTED, Consent.TEXT_ONLY)
_POLICY_VIOLATION = 1008
_NORMAL = 1000

Guard = Callable[[Mapping[str, str]], bool]


def listening(calls: LiveCalls, access: Access, is_ours: Guard) -> APIRouter:
    """Return the route on which supervisors hear the live calls of `calls`.

    Args:
        calls: the live calls.
        access: where it is written down who listened.
        is_ours: whether a request with these headers comes from our own pages.
    """
    router = APIRouter()

    @router.websocket("/v1/calls/{call_id}/listen")
    async def listen(
        socket: WebSocket,
        call_id: str,
        viewer: Annotated[Viewer, needs(Permission.LISTEN_IN)],
        by: Annotated[Name, Query()],
    ) -> None:
        await socket.accept()
        live = calls.by_id.get(call_id)
        if not is_ours(socket.headers):
            await socket.close(_POLICY_VIOLATION, "only this service's own pages")
        elif live is None:
            await socket.close(_POLICY_VIOLATION, "there is no live call of this id")
        elif live.consent not in _HEARD:
            await socket.close(_POLICY_VIOLATION, "the customer has not consented")
        else:
            await access.record(viewer, Action.LISTEN_IN, call_id)
            await _hear(socket, live, viewer.signature(by))

    return router


async def _hear(socket: WebSocket, live: LiveCall, by: str) -> None:
    """Send the call's audio until it ends or the supervisor has heard enough."""
    await live.control(ListeningStarted(by))
    try:
        with live.audience.listening() as listener:
            sending = asyncio.create_task(_send(socket, live, listener))
            leaving = asyncio.create_task(_left(socket))
            over = asyncio.create_task(live.ended.wait())
            tasks = {sending, leaving, over}
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        if not live.ended.is_set():
            await live.control(ListeningEnded(by))
        with suppress(RuntimeError, WebSocketDisconnect):  # It has gone already.
            await socket.close(_NORMAL)


async def _left(socket: WebSocket) -> None:
    """Wait until the screen closes the connection; what it says does not matter."""
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_bytes()


async def _send(socket: WebSocket, live: LiveCall, listener: Listener) -> None:
    audio_format = live.format
    parties = [str(party) for party in live.started.parties]
    header = {"type": "format", "rate": audio_format.rate, "parties": parties}
    await socket.send_text(json.dumps(header))
    rest = b""
    expected: int | None = None
    while True:
        piece = await listener.next()
        if piece.start != expected:
            # Some of it was missed: go on at the next whole instant.
            rest = b""
            skipped = -piece.start % audio_format.instant_bytes
        else:
            skipped = 0
        expected = piece.start + len(piece.data)
        data = rest + piece.data[skipped:]
        whole = len(data) // audio_format.instant_bytes * audio_format.instant_bytes
        rest = data[whole:]
        if whole:
            await socket.send_bytes(_pcm(data[:whole], audio_format))


def _pcm(data: bytes, audio_format: AudioFormat) -> bytes:
    """Interleaved 16-bit little-endian PCM."""
    pcm = decode(data, audio_format)
    return np.rint(pcm * FULL_SCALE).astype("<i2").tobytes()
