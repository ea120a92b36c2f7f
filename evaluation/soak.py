"""`python -m evaluation soak`: does the service grow late, fat or leaky with time?

The real service runs for minutes or hours while calls come and go, a round of them
after the other. After each round is noted how late its transcripts came and what the
process holds when no call is live. A line through the rounds, with the interval of its
slope, says whether that grows. Where the interval holds zero, no growth was seen.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from evaluation.capacity import BACKENDS
from evaluation.capacity_calls import build_call, read_spoken
from evaluation.capacity_load import Load, Target
from evaluation.capacity_service import Usage, running
from evaluation.interval import trend
from evaluation.report import Figure, Report
from models.errors import DataError

LEAST_ROUNDS: Final = 3

_ROUND_S = 60.0
_MINUTES_AN_HOUR = 60.0


@dataclass(frozen=True, slots=True)
class Round:
    """What was seen of one round of calls.

    Attributes:
        at_min: when it was over, in minutes since the first began.
        final_s: median time from the end of speech to its transcript.
        after: what the process held when the round was over.
        n_broken: calls that did not end as they should.
        lost_bytes: audio sent and not acknowledged.
    """

    at_min: float
    final_s: float
    after: Usage
    n_broken: int
    lost_bytes: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="as for `capacity`",
    )
    parser.add_argument("--backend", choices=BACKENDS, default=BACKENDS[0])
    parser.add_argument("--minutes", type=float, default=60.0, metavar="M")
    parser.add_argument("--calls", type=int, default=2, metavar="N")


def run(args: argparse.Namespace) -> Report:
    """Let calls come and go for the given time.

    Raises:
        DataError: the recordings are missing, the service did not start, or the
            time is too short for a trend.
    """
    if args.minutes * 60 < LEAST_ROUNDS * _ROUND_S:
        raise DataError(
            f"a trend needs at least {LEAST_ROUNDS * _ROUND_S / 60:g} minutes, "
            f"got --minutes {args.minutes:g}"
        )
    rounds = asyncio.run(
        soak(args.data, args.backend, args.minutes, args.calls, _ROUND_S)
    )
    command = f"soak --minutes {args.minutes:g} --calls {args.calls}"
    return Report(command, args.data.resolve().name, figures(rounds), _NOTES)


_NOTES = (
    "trends: slope of a line through the rounds, per hour; the interval is a bootstrap",
    "over rounds. Each round is a minute of calls; between rounds no call is live.",
)


async def soak(
    data: Path, backend: str, minutes: float, n_calls: int, round_s: float
) -> list[Round]:
    """Stream round after round into one service; the first only warms it up."""
    spoken = read_spoken(data)
    rounds: list[Round] = []
    async with running({"backend": backend}) as service:
        target = Target(service.audio_url, service.http_url, 0.0)
        began, number = time.monotonic(), 0
        while time.monotonic() - began < minutes * 60 or len(rounds) < LEAST_ROUNDS:
            first = number * n_calls
            calls = [build_call(spoken, first + i, round_s) for i in range(n_calls)]
            seen = await Load(target, calls).run()
            number += 1
            if number == 1:
                began = time.monotonic()
                continue
            rounds.append(
                Round(
                    (time.monotonic() - began) / 60,
                    float(np.median(seen.final_s)) if seen.final_s else float("nan"),
                    service.usage(),
                    seen.n_broken,
                    seen.sent_bytes - seen.stored_bytes,
                )
            )
            _tell(rounds[-1])
    return rounds


def _tell(one: Round) -> None:
    print(
        f"{one.at_min:.0f} min: final {one.final_s:.2f} s, "
        f"{one.after.memory_mb:.0f} MB, {one.after.handles} handles, "
        f"{one.after.threads} threads",
        file=sys.stderr,
    )


def figures(rounds: Sequence[Round]) -> list[Figure]:
    """The trends, and what was lost."""
    measured: dict[str, tuple[Callable[[Round], float], str]] = {
        "latency": (lambda one: one.final_s, "s/h"),
        "memory": (lambda one: one.after.memory_mb, "MB/h"),
        "handles": (lambda one: one.after.handles, "1/h"),
        "threads": (lambda one: one.after.threads, "1/h"),
    }
    hours = [one.at_min / _MINUTES_AN_HOUR for one in rounds]
    trends = {
        name: (*trend(hours, [read(one) for one in rounds]), unit)
        for name, (read, unit) in measured.items()
    }
    return [
        *(
            Figure(f"soak.{name}_trend", slope, unit, low, high)
            for name, (slope, low, high, unit) in trends.items()
        ),
        Figure("soak.rounds", len(rounds), "count"),
        Figure("soak.calls_broken", sum(one.n_broken for one in rounds), "count"),
        Figure("soak.lost_bytes", sum(one.lost_bytes for one in rounds), "count"),
    ]
