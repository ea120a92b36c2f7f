"""`python -m evaluation capacity`: how many calls the real service holds, and how well.

The service runs as a process of its own; calls are streamed to it in real time through
real sockets, and screens watch it. The load runs on the same machine and takes its
share of it. `--search` looks for the largest number of calls whose transcripts and cues
come in time with nothing lost; `--baseline` lets plain padded Whisper transcribe the
same turns, one at a time, and works out how many calls it would hold.
"""

import argparse
import asyncio
import dataclasses
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.capacity_calls import (
    LINE_RATE,
    LoadCall,
    Sentence,
    build_call,
    read_spoken,
)
from evaluation.capacity_load import Load, Measured, Target
from evaluation.capacity_naive import naive_calls, time_naive
from evaluation.capacity_service import Service, Usage, running
from evaluation.report import Figure, Report
from evaluation.word_errors import count_errors
from models.errors import DataError

LATEST_FINAL_S = 3.0
LATEST_CUE_S = 2.0
BACKENDS = ("openai-whisper", "faster-whisper")
_WARM_UP_S = 10.0
_FIRST_GUESS = 4
_MOST_CALLS = 128


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder with manifest.csv: path, lang, text; read English is used",
    )
    parser.add_argument("--backend", choices=BACKENDS, default=BACKENDS[0])
    parser.add_argument("--calls", type=int, default=1, metavar="N")
    parser.add_argument("--search", action="store_true", help="find the most calls")
    parser.add_argument("--baseline", action="store_true", help="plain Whisper too")
    parser.add_argument(
        "--one-angry-in",
        type=int,
        default=1,
        metavar="N",
        help="let one customer in N quarrel, again and again (%(default)s: all do)",
    )
    parser.add_argument(
        "--seconds", type=float, default=80.0, help="of each run (%(default)s)"
    )
    parser.add_argument(
        "--whisper",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a further setting of the section [whisper]",
    )


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One number of calls, measured.

    Attributes:
        idle: what the service used before the first call.
        busy: what it used after the last.
        metrics: its Prometheus figures at the end.
        load_cpu_s: processor time of the load itself.
        word_errors: errors over words, of the turns with known words.
    """

    calls: Sequence[LoadCall]
    seconds: float
    measured: Measured
    idle: Usage
    busy: Usage
    metrics: Mapping[str, float]
    load_cpu_s: float
    word_errors: float

    @property
    def in_time(self) -> bool:
        """Transcripts and cues came in time, and nothing was lost."""
        measured = self.measured
        lost = measured.n_broken or measured.stored_bytes < measured.sent_bytes
        return (
            not lost
            and _p(measured.final_s, 95) <= LATEST_FINAL_S
            and (not measured.cue_s or _p(measured.cue_s, 95) <= LATEST_CUE_S)
        )


def _p(values: Sequence[float], percentile: float) -> float:
    return float(np.percentile(values, percentile)) if values else float("inf")


async def measure(
    calls: Sequence[LoadCall], settings: dict[str, str], warm_up_s: float
) -> Run:
    """Start a service, stream the calls into it, and measure."""
    async with running(settings) as service:
        # The first call of a service warms its models up, and is not counted.
        await Load(_target(service, 0.0), [_warm_up(calls[0])]).run()
        idle = service.usage()
        before, load_before = time.monotonic(), time.process_time()
        measured = await Load(_target(service, warm_up_s), calls).run()
        seconds = time.monotonic() - before
        load_cpu_s = time.process_time() - load_before
        metrics = await service.metrics()
        busy = service.usage()
    return Run(
        calls,
        seconds,
        measured,
        idle,
        busy,
        metrics,
        load_cpu_s,
        word_errors(calls, measured),
    )


def _target(service: Service, warm_up_s: float) -> Target:
    return Target(service.audio_url, service.http_url, warm_up_s)


def _warm_up(call: LoadCall) -> LoadCall:
    return LoadCall(call.pcm[: int(_WARM_UP_S * LINE_RATE)], ())


def word_errors(calls: Sequence[LoadCall], measured: Measured) -> float:
    """Errors over words: each turn against the finals whose middle lies in it."""
    edits = units = 0
    for index, call in enumerate(calls):
        for turn in call.turns:
            heard = [
                words
                for words in measured.finals
                if words.call == index
                and words.party == turn.party
                and turn.start_s <= (words.start_s + words.end_s) / 2 <= turn.end_s
            ]
            text = " ".join(one.text for one in sorted(heard, key=_start))
            errors = count_errors(turn.text, text, "en")
            edits, units = edits + errors.edits, units + errors.units
    return edits / units if units else float("nan")


def _start(words: object) -> float:
    return float(getattr(words, "start_s", 0.0))


def search(args: argparse.Namespace, settings: dict[str, str]) -> dict[int, Run]:
    """Grow the number of calls until they are late, then halve the distance."""
    runs: dict[int, Run] = {}
    spoken = read_spoken(args.data)

    def holds(n_calls: int) -> bool:
        calls = [_call(args, spoken, index) for index in range(n_calls)]
        runs[n_calls] = asyncio.run(measure(calls, settings, _WARM_UP_S))
        run = runs[n_calls]
        print(
            f"{n_calls} calls: final p95 {_p(run.measured.final_s, 95):.2f} s, "
            f"cue p95 {_p(run.measured.cue_s, 95):.2f} s, "
            f"{'in time' if run.in_time else 'late or lost'}",
            file=sys.stderr,
        )
        return run.in_time

    good, bad = 0, 1 if not args.search else _FIRST_GUESS
    if not args.search:
        holds(args.calls)
        return runs
    while bad <= _MOST_CALLS and holds(bad):
        good, bad = bad, bad * 2
    while bad - good > max(1, good // 8):
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return runs


def _call(args: argparse.Namespace, spoken: Sequence[Sentence], index: int) -> LoadCall:
    calm = index % args.one_angry_in != 0
    return build_call(spoken, index, args.seconds, calm=calm)


def memory_per_call(runs: Mapping[int, Run]) -> float:
    """Memory that one further call takes, among the runs that were in time; in MB.

    With one such run alone, what it grew by is all laid to its calls: threads and
    buffers that the first calls bring and all others share as well.
    """
    held = {n: run.busy.memory_mb for n, run in runs.items() if run.in_time}
    if len(held) > 1:
        return float(np.polyfit(list(held), list(held.values()), 1)[0])
    ((n_calls, memory_mb),) = held.items()
    return (memory_mb - runs[n_calls].idle.memory_mb) / n_calls


def figures_of(backend: str, n_calls: int, run: Run) -> list[Figure]:
    """The figures of one number of calls."""
    measured, metrics = run.measured, run.metrics
    name = f"capacity.{backend}.n{n_calls}"
    found = [Figure(f"{name}.in_time", float(run.in_time), "count")]
    for what, values in (
        ("final", measured.final_s),
        ("cue", measured.cue_s),
        ("alert", measured.alert_s),
    ):
        found.append(Figure(f"{name}.{what}s", len(values), "count"))
        if values:
            found += [
                Figure(f"{name}.p{p}_{what}_s", _p(values, p), "s")
                for p in (50, 95, 99)
            ]
    cpu_s = run.busy.cpu_s - run.idle.cpu_s
    if not np.isnan(run.word_errors):
        found.append(Figure(f"{name}.wer", 100 * run.word_errors, "%"))
    found += [
        Figure(f"{name}.cores_used", cpu_s / run.seconds, "cores"),
        Figure(f"{name}.load_cores_used", run.load_cpu_s / run.seconds, "cores"),
    ]
    prefix = 'calmline_stage_processor_seconds_total{stage="'
    shares = {
        key.removeprefix(prefix).partition('"')[0].replace(" ", "_"): value / cpu_s
        for key, value in sorted(metrics.items())
        if key.startswith(prefix)
    }
    shares["other"] = 1 - sum(shares.values())
    found += [
        Figure(f"{name}.share.{stage}", share, "ratio")
        for stage, share in shares.items()
    ]
    batches = 'calmline_batch_questions_{}{{stage="words"}}'
    n_batches = metrics.get(batches.format("count"), 0.0)
    per_batch = metrics.get(batches.format("sum"), 0.0) / max(1.0, n_batches)
    found.append(Figure(f"{name}.utterances_per_batch", per_batch, "count"))
    lag_s = metrics.get("calmline_event_loop_lag_seconds_sum", 0.0)
    n_lags = metrics.get("calmline_event_loop_lag_seconds_count", 0.0)
    grown_mb = run.busy.memory_mb - run.idle.memory_mb
    return [
        *found,
        Figure(f"{name}.memory_at_start_mb", run.idle.memory_mb, "MB"),
        Figure(f"{name}.memory_grown_mb", grown_mb, "MB"),
        Figure(f"{name}.partials_shown", measured.n_partials, "count"),
        Figure(
            f"{name}.partials_dropped",
            metrics.get("calmline_partials_dropped_total", 0.0),
            "count",
        ),
        Figure(f"{name}.sent_bytes", measured.sent_bytes, "count"),
        Figure(f"{name}.stored_bytes", measured.stored_bytes, "count"),
        Figure(f"{name}.calls_broken", measured.n_broken, "count"),
        Figure(f"{name}.loop_lag_mean_s", lag_s / max(1.0, n_lags), "s"),
    ]


def run(args: argparse.Namespace) -> Report:
    """Measure one number of calls, or search for the largest.

    Raises:
        DataError: the recordings are missing, the service did not start, or an
            argument is out of range.
    """
    if args.one_angry_in < 1:
        raise DataError(f"expected --one-angry-in 1 or more, got {args.one_angry_in}")
    given = dict(item.partition("=")[::2] for item in args.whisper)
    runs = search(args, {"backend": args.backend, **given})
    figures = [
        figure
        for n_calls in sorted(runs)
        for figure in figures_of(args.backend, n_calls, runs[n_calls])
    ]
    held = [n_calls for n_calls, run in runs.items() if run.in_time]
    best = max(held, default=0)
    if args.search:
        figures.append(Figure(f"capacity.{args.backend}.max_calls", best, "count"))
    if best:
        figures += [
            dataclasses.replace(figure, name=figure.name.replace(f".n{best}.", "."))
            for figure in figures
            if f".n{best}.p95_" in figure.name
        ]
        name = f"capacity.{args.backend}.memory_per_call_mb"
        figures.append(Figure(name, memory_per_call(runs), "MB"))
    if args.baseline:
        figures += _baseline(args, best)
    return Report(
        command=_command(args, given),
        data=args.data.resolve().name,
        figures=figures,
        notes=(
            "final: from the end of speech to its transcript at the board;",
            "cue: from the audio that crossed the threshold to the agent's socket;",
            "where the voice armed it, and not words, that is 0.25 s less;",
            "the load runs on the same processors (load_cores_used).",
        ),
    )


def _baseline(args: argparse.Namespace, best: int) -> list[Figure]:
    spoken = read_spoken(args.data)
    timed = time_naive(spoken, args.whisper)
    most = naive_calls(
        lambda index: _call(args, spoken, index),
        timed,
        LATEST_FINAL_S,
    )
    found = [
        Figure("capacity.naive.seconds_per_turn", float(np.mean(timed)), "s"),
        Figure("capacity.naive.max_calls", most, "count"),
    ]
    if args.search and best and most:
        found.append(Figure("capacity.ratio_to_naive", best / most, "ratio"))
    return found


def _command(args: argparse.Namespace, given: Mapping[str, str]) -> str:
    how = " --search" if args.search else f" --calls {args.calls}"
    baseline = " --baseline" if args.baseline else ""
    angry = "" if args.one_angry_in == 1 else f" --one-angry-in {args.one_angry_in}"
    extra = "".join(f" --whisper {name}={value}" for name, value in given.items())
    return (
        f"capacity --backend {args.backend}{how}{baseline}{angry} "
        f"--seconds {args.seconds:g}{extra}"
    )
