"""What an evaluation command gives back, as JSON and as a table.

The figures' names are stable: a name never changes its meaning.
"""

import json
import math
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("torch", "openai-whisper", "onnxruntime", "numpy")
"""Whose versions change figures."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        name: stable, in lower case, words joined by dots: ``wer.en.ours``.
        value: what was measured.
        unit: ``%``, ``ratio``, ``count``, ``s``.
        low: lower end of the 95 % interval, None where none was made.
        high: upper end of it.
    """

    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one evaluation command.

    Attributes:
        command: the command as typed after ``python -m evaluation``, without paths.
        data: name of the folder of data; never where it lies.
        figures: in the order they are printed.
        notes: what a reader has to know to read the figures, a line each.
    """

    command: str
    data: str
    figures: Sequence[Figure]
    notes: Sequence[str] = ()

    def to_json(self) -> str:
        """Return the report as JSON, with the commit and the machine."""
        content = {
            "command": self.command,
            "commit": commit(),
            "machine": machine(),
            "data": self.data,
            "figures": [asdict(figure) for figure in self.figures],
        }
        return json.dumps(content, indent=2, allow_nan=False) + "\n"

    def to_table(self) -> str:
        """Return the report as a Markdown table under a line that says where from."""
        where = f"on {self.data}, commit {commit()}, {machine()}"
        lines = [
            f"`python -m evaluation {self.command}` {where}",
            "",
            "| figure | value | 95 % interval | unit |",
            "|---|---:|---:|---|",
        ]
        lines += [_row(figure) for figure in self.figures]
        if self.notes:
            lines += ["", *self.notes]
        return "\n".join(lines)


def _row(figure: Figure) -> str:
    interval = (
        ""
        if figure.low is None or figure.high is None
        else f"{_number(figure.low)} to {_number(figure.high)}"
    )
    value = _number(figure.value)
    return f"| {figure.name} | {value} | {interval} | {figure.unit} |"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    return f"{value:g}" if value == int(value) else f"{value:.3f}"


def commit() -> str:
    """Short hash of the source, with ``+`` when files differ from it."""
    folder = Path(__file__).parent
    hashed = _git(folder, "rev-parse", "--short=12", "HEAD")
    if not hashed:
        return "unknown"
    return hashed + ("+" if _git(folder, "status", "--porcelain", "-uno") else "")


def _git(folder: Path, *arguments: str) -> str:
    # Constants only; git is looked up on the PATH, as everybody's is elsewhere.
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def machine() -> str:
    """Processor, cores, memory and versions; nothing that tells whose it is."""
    parts = [_processor(), f"{len(os.sched_getaffinity(0))} cores", _memory()]
    parts += [f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(part for part in parts if part)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.machine()).strip()


def _memory() -> str:
    n_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{n_bytes / 2**30:.0f} GiB"
