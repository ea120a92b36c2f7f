"""One call's log: in memory for those who watch, in the database as soon as may be."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from server.errors import StoreError, StoreUnavailableError
from server.events import CallEnded, LogEntry
from server.health import Health, Problem
from server.intake import RETRY_S
from server.storage import Storage
from server.store import NewCall


class LogKeeper:
    """Grows a call's log and stores it behind the call's back. Event loop only.

    While the database is locked, read-only or gone, entries wait in memory, where
    they are held for the screens anyway, and the call goes on.

    Args:
        call: what the database is to know of it.
        storage: the database.
        health: is told when it takes nothing.
        log: the entries that are stored already.

    Attributes:
        entries: the log so far.
    """

    def __init__(
        self, call: NewCall, storage: Storage, health: Health, log: Sequence[LogEntry]
    ) -> None:
        self.entries: list[LogEntry] = []
        self._call = call
        self._call_id = call.started.call_id
        self._storage = storage
        self._health = health
        self.entries += log
        self._n_stored = len(log)
        self._waiting = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether the last entry is written."""
        return bool(self.entries) and isinstance(self.entries[-1].event, CallEnded)

    @property
    def n_waiting(self) -> int:
        """Entries that the database has yet to take."""
        return len(self.entries) - self._n_stored

    def add(self, entries: Sequence[LogEntry]) -> None:
        """Add entries, to be stored soon."""
        self.entries += entries
        self._waiting.set()

    async def run(self) -> None:
        """Store the log as it grows, until all of it to its last entry is stored."""
        while not (self.ended and self._n_stored == len(self.entries)):
            await self._waiting.wait()
            self._waiting.clear()
            await self._store()

    async def settle(self) -> None:
        """Store what a `run` that was interrupted has left."""
        await self._patiently(self._look_again)
        await self._store()

    async def forget(self, entries: Sequence[LogEntry]) -> None:
        """Put `entries` in the place of the log, which may not be kept."""
        self.entries[:] = entries
        await self._patiently(lambda: self._storage.forget(self._call_id, entries))

    async def _store(self) -> None:
        while self._n_stored < len(self.entries):
            await self._patiently(self._store_next)

    async def _store_next(self) -> None:
        batch = self.entries[self._n_stored :]
        try:
            await self._storage.append(self._call_id, batch)
        except StoreUnavailableError:
            raise
        except StoreError:
            # The database is another one than before, or had taken the entries
            # although it said that it had not.
            await self._look_again()
            return
        self._n_stored += len(batch)

    async def _look_again(self) -> None:
        """See what the database has of the call; make it known where it is not."""
        if await self._storage.call(self._call_id) is None:
            await self._storage.add_call(self._call)
        self._n_stored = await self._storage.last_seq(self._call_id)

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it until it is done, however long the database is away."""
        while True:
            try:
                await work()
            except StoreUnavailableError as error:
                self._health.report(Problem.DATABASE, self._call_id, str(error))
                await asyncio.sleep(RETRY_S)
            else:
                self._health.clear(Problem.DATABASE, self._call_id)
                return
