"""The store, off the event loop: one thread writes, so that writes keep order."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from server.events import Event, LogEntry
from server.store import CallSummary, NewCall, Store
from server.wire import StoredEntry

_T = TypeVar("_T")

_READERS = 2
"""Threads that read, so that a write which waits for a lock holds up no page."""


class Storage:
    """Awaitable access to a `Store`. Event loop only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="storage")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="reading")

    async def _do(self, work: Callable[[], _T]) -> _T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, work)

    async def _read(self, work: Callable[[], _T]) -> _T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, work)

    async def add_call(self, call: NewCall) -> None:
        """See `Store.add_call`."""
        await self._do(lambda: self._store.add_call(call))

    async def append(self, call_id: str, entries: Sequence[LogEntry]) -> None:
        """See `Store.append`."""
        await self._do(lambda: self._store.append(call_id, entries))

    async def forget(self, call_id: str, entries: Sequence[LogEntry]) -> None:
        """See `Store.forget`."""
        await self._do(lambda: self._store.forget(call_id, entries))

    async def calls(self, *, live: bool, limit: int) -> list[CallSummary]:
        """See `Store.calls`."""
        return await self._read(lambda: self._store.calls(live=live, limit=limit))

    async def ended_calls(
        self,
        limit: int,
        team: str = "",
        after: datetime | None = None,
        before: datetime | None = None,
    ) -> list[CallSummary]:
        """See `Store.ended_calls`."""
        return await self._read(
            lambda: self._store.ended_calls(limit, team, after, before)
        )

    async def call(self, call_id: str) -> CallSummary | None:
        """See `Store.call`."""
        return await self._read(lambda: self._store.call(call_id))

    async def happened(
        self, since: datetime, kinds: Sequence[type[Event]]
    ) -> list[tuple[str, LogEntry]]:
        """See `Store.happened`."""
        return await self._do(lambda: self._store.happened(since, kinds))

    async def entries(self, call_id: str) -> list[LogEntry]:
        """See `Store.entries`."""
        return await self._read(lambda: self._store.entries(call_id))

    async def stored_log(self, call_id: str) -> list[StoredEntry]:
        """See `Store.stored_log`."""
        return await self._read(lambda: self._store.stored_log(call_id))

    async def whole_log(self, call_id: str) -> list[LogEntry]:
        """See `Store.whole_log`."""
        return await self._read(lambda: self._store.whole_log(call_id))

    async def last_seq(self, call_id: str) -> int:
        """See `Store.last_seq`; comes after every write that was asked for before."""
        return await self._do(lambda: self._store.last_seq(call_id))

    async def read_seq(self, call_id: str) -> int:
        """See `Store.last_seq`; of what is written now."""
        return await self._read(lambda: self._store.last_seq(call_id))

    async def probe(self) -> None:
        """See `Store.probe`."""
        await self._do(self._store.probe)

    def close(self) -> None:
        """Finish what is queued, then close the store."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self._store.close()
