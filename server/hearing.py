"""Who hears a call's audio while it comes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_LISTENER_PIECES = 100
"""Messages that wait for somebody who listens in: two seconds at the usual length."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A piece of the call's audio as it goes to the disk: silence where it has to be.

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


class Audience:
    """Everybody who listens in on one call. Event loop only."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def offer(self, piece: Heard) -> None:
        """Let everybody hear a piece."""
        for listener in self._listeners:
            listener.offer(piece)

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Hear the call's audio for as long as the context lasts."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
