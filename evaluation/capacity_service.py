"""The real service as a process of its own, and what it costs."""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from models.errors import DataError

_START_WITHIN_S = 300.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """What the service's processes hold and have used, all together.

    Attributes:
        cpu_s: processor time since it began.
        memory_mb: what each process holds for itself, and the files (libraries, above
            all) of the one that holds most of them: the others hold the same ones.
        handles: open files and sockets.
        threads: how many it runs.
    """

    cpu_s: float
    memory_mb: float
    handles: int
    threads: int


@dataclass(frozen=True, slots=True)
class Service:
    """A running service."""

    pid: int
    audio_url: str
    http_url: str

    def usage(self) -> Usage:
        """What it uses now."""
        family = _family(self.pid)
        spent = [_spent(pid) for pid in family]
        return Usage(
            cpu_s=sum(cpu_s for cpu_s, _ in spent),
            memory_mb=sum(_held_mb(pid, "Anonymous") for pid in family)
            + max(map(_files_mb, family)),
            handles=sum(map(_n_handles, family)),
            threads=sum(n_threads for _, n_threads in spent),
        )

    async def metrics(self) -> dict[str, float]:
        """Its Prometheus figures, by name with labels."""
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{self.http_url}/metrics", timeout=30)
        lines = (
            line.rpartition(" ")
            for line in answer.text.splitlines()
            if line and not line.startswith("#")
        )
        return {name: float(value) for name, _, value in lines}


def _family(pid: int) -> list[int]:
    """The process and all that it has started, and they."""
    found = [pid]
    for thread in (Path("/proc") / str(pid) / "task").iterdir():
        with suppress(OSError):  # Threads end.
            for child in (thread / "children").read_text().split():
                found += _family(int(child))
    return found


def _spent(pid: int) -> tuple[float, int]:
    """Processor time of one process so far, and its threads."""
    stat = (Path("/proc") / str(pid) / "stat").read_text()
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S, int(fields[17])


def _n_handles(pid: int) -> int:
    return len(list((Path("/proc") / str(pid) / "fd").iterdir()))


def _files_mb(pid: int) -> float:
    return _held_mb(pid, "Rss") - _held_mb(pid, "Anonymous")


def _held_mb(pid: int, what: str) -> float:
    rollup = (Path("/proc") / str(pid) / "smaps_rollup").read_text()
    kilobytes = re.findall(rf"^{what}:\s+(\d+) kB", rollup, re.MULTILINE)
    return sum(map(int, kilobytes)) * 1024 / 1e6


@asynccontextmanager
async def running(settings: dict[str, str]) -> AsyncIterator[Service]:
    """Start `calmline serve` with settings of the section ``whisper``, then stop it.

    Raises:
        DataError: it did not start; what it said is on standard error.
    """
    with tempfile.TemporaryDirectory(prefix="calmline-capacity-") as folder:
        environment = {
            **os.environ,
            "CALMLINE_SERVICE_AUDIO_PORT": "0",
            "CALMLINE_SERVICE_HTTP_PORT": "0",
            "CALMLINE_SERVICE_DATA_DIR": folder,
            **{f"CALMLINE_WHISPER_{key.upper()}": v for key, v in settings.items()},
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from server.cli import main; main(['serve'])",
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(_START_WITHIN_S):
                http_url = await _address(process.stdout, r"(http://\S+)/board")
                audio_url = await _address(process.stdout, r"(ws://\S+)")
            yield Service(process.pid, audio_url, http_url)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _address(output: asyncio.StreamReader, pattern: str) -> str:
    while line := await output.readline():
        if found := re.search(pattern, line.decode()):
            return found[1]
    raise DataError("the service did not start: run `calmline serve` to see why")
