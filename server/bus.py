"""Fan-out of what happens in live calls to whoever watches, in this process."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from server.events import LogEntry, Partial

_QUEUE_NEWS = 1000
"""How far a watcher may fall behind: some minutes of one call, seconds of many."""


@dataclass(frozen=True, slots=True)
class News:
    """Something new in one live call.

    Attributes:
        entries: log entries that came together, in order; empty for a partial.
        partial: words heard so far, or None.
        live_s: how much audio of the call has arrived.
    """

    call_id: str
    live_s: float
    entries: tuple[LogEntry, ...] = ()
    partial: Partial | None = None


class Subscription:
    """One watcher's queue.

    Bounded: when it is full everything in it is dropped and `missed` is set, so
    that the watcher takes a fresh snapshot. A slow watcher never slows a call.
    """

    def __init__(self) -> None:
        self._queue: asyncio.Queue[News] = asyncio.Queue(_QUEUE_NEWS)
        self.missed = False

    def offer(self, news: News) -> None:
        """Queue `news`, or note that the watcher has fallen behind."""
        if self.missed:
            return
        try:
            self._queue.put_nowait(news)
        except asyncio.QueueFull:
            self.missed = True
            while not self._queue.empty():
                self._queue.get_nowait()

    async def next(self, timeout_s: float) -> News | None:
        """Return the next news, or None when `timeout_s` passes without any."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._queue.get()
        except TimeoutError:
            return None


class Bus:
    """Hands every news to every subscription. Event loop only."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._listeners: list[Callable[[News], None]] = []

    def add_listener(self, listener: Callable[[News], None]) -> None:
        """Have `listener` called with every news, at once; it must not take long."""
        self._listeners.append(listener)

    def publish(self, news: News) -> None:
        """Offer `news` to everybody who watches now."""
        for listener in self._listeners:
            listener(news)
        for subscription in self._subscriptions:
            subscription.offer(news)

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Watch for as long as the context lasts."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
