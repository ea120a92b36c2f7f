"""Looks after the running service once a second: overload, disk, database, figures."""

import asyncio
import gc
import itertools
import shutil
import time
from pathlib import Path

from models.memory import return_memory
from server.calls import LiveCalls
from server.errors import StoreUnavailableError
from server.health import Health, Problem, explain
from server.live import LiveCall
from server.metrics import Metrics
from server.overload import Ladder, LadderParams, Rung
from server.storage import Storage

_EVERY_S = 1.0
_PROBE_EVERY = 5
"""Looks between two looks at disk and database."""

_CLEAR_EVERY = 60
"""Looks between two times that what calls have left behind is cleared away."""

_LEAST_FREE_BYTES = 64 << 20
"""Less room than this is no room: one call of an hour takes about as much."""

_RUNGS = {
    Problem.PARTIALS: Rung.PARTIALS,
    Problem.VOICE: Rung.VOICE,
    Problem.LATE: Rung.LATE,
}
_SELF = "watch"


class Watch:
    """Sees what is wrong and lets what may give way give way. Event loop only.

    Args:
        calls: the live calls.
        health: is told what is wrong.
        storage: is asked whether it can be written.
        folder: where recordings go.
        metrics: is told how things stand.
        ladder: when there is too much to do.
    """

    def __init__(
        self,
        calls: LiveCalls,
        health: Health,
        storage: Storage,
        folder: Path,
        metrics: Metrics,
        ladder: LadderParams,
    ) -> None:
        self._calls = calls
        self._health = health
        self._storage = storage
        self._folder = folder
        self._metrics = metrics
        self._ladder = Ladder(ladder)

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        # Models and libraries stay. Looking through them for garbage takes a quarter
        # of a second, in which no call is followed (docs/evaluation.md).
        gc.freeze()
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._look(tasks)
        finally:
            gc.unfreeze()

    async def _look(self, tasks: asyncio.TaskGroup) -> None:
        used_s = time.thread_time()
        for number in itertools.count(1):
            if number % _PROBE_EVERY == 1:
                await self._probe()
            if number % _CLEAR_EVERY == 0:
                await _clear_away()
            self._take_rung(tasks)
            self._count()
            before = time.monotonic()
            await asyncio.sleep(_EVERY_S)
            late_s = time.monotonic() - before - _EVERY_S
            self._metrics.loop_lag.observe(max(0.0, late_s))
            used_s, before_s = time.thread_time(), used_s
            self._metrics.observe_processor("event loop", used_s - before_s)

    async def _probe(self) -> None:
        try:
            await asyncio.to_thread(_probe_disk, self._folder)
        except OSError as error:
            self._health.report(Problem.DISK, _SELF, explain(error))
        else:
            self._health.clear(Problem.DISK, _SELF)
            self._health.clear(Problem.DISK, "calls")
        try:
            await self._storage.probe()
        except StoreUnavailableError as error:
            self._health.report(Problem.DATABASE, _SELF, str(error))
        else:
            self._health.clear(Problem.DATABASE, _SELF)
            self._health.clear(Problem.DATABASE, "calls")

    def _take_rung(self, tasks: asyncio.TaskGroup) -> None:
        lives = list(self._calls.by_id.values())
        lags_s = [live.behind_s for live in lives if live.in_time]
        rung = self._ladder.feed(time.monotonic(), lags_s)
        for problem, least in _RUNGS.items():
            if rung >= least:
                self._health.report(problem, _SELF, "more to do than the machine can")
            else:
                self._health.clear(problem, _SELF)
        for live in lives:
            if live.reads_voice and live.voice_sparse != (rung >= Rung.VOICE):
                tasks.create_task(_set_sparse(live, sparse=rung >= Rung.VOICE))

    def _count(self) -> None:
        lives = self._calls.by_id.values()
        self._metrics.degradation.set(self._ladder.rung)
        self._metrics.behind.set(max((live.behind_s for live in lives), default=0.0))
        self._metrics.held_bytes.set(sum(live.held_bytes for live in lives))
        self._metrics.unstored_entries.set(sum(live.n_unstored for live in lives))
        for problem in Problem:
            here = problem in self._health.troubles
            self._metrics.problems.labels(str(problem)).set(here)


async def _set_sparse(live: LiveCall, *, sparse: bool) -> None:
    if not live.ended.is_set():
        await live.set_voice_sparse(sparse=sparse)


async def _clear_away() -> None:
    """Free calls that are over, and return their memory to the machine.

    A call and its tasks hold one another, and few objects are made while its audio
    goes by: by itself the interpreter looks for such rings once in many minutes.
    """
    gc.collect()
    await asyncio.to_thread(return_memory)


def _probe_disk(folder: Path) -> None:
    """See whether audio could be written.

    Raises:
        OSError: it could not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < _LEAST_FREE_BYTES:
        raise OSError(0, f"less than {_LEAST_FREE_BYTES >> 20} MB are free")
    probe = folder / ".probe"
    probe.write_bytes(b"probe")
    probe.unlink()
