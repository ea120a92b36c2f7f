"""The desk's commands, beside the others of `calmline`."""

import argparse
import getpass
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from server.config import Settings
from server.desk.corrections import Corrections
from server.desk.errors import IntakeError
from server.desk.folders import find_recordings, read_table_file
from server.desk.imports import Claim, ImportOptions, Imports, Outcome
from server.desk.index import SearchIndex
from server.desk.intake import Intake, Office
from server.desk.training_data import export_corrections
from server.factory import CallFactory
from server.store import Store
from server.terminal import Mark, tell
from server.trust.audit import Action, Actor, AuditLog

_TYPICAL_CALL_S = 300.0


class Subcommands(Protocol):
    """What `argparse` gives for adding commands."""

    def add_parser(self, name: str, *, help: str) -> argparse.ArgumentParser:  # noqa: A002 - argparse's name
        """Add one command."""


def add_commands(
    commands: Subcommands, settings: Callable[[argparse.Namespace], Settings]
) -> None:
    """Add the desk's commands to the command line.

    Args:
        commands: of the `calmline` parser.
        settings: reads the settings that the command line names.
    """
    taking = commands.add_parser(
        "import", help="take recordings in as finished calls, to be found and judged"
    )
    taking.set_defaults(command=lambda args: _import(args, settings(args)))
    taking.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="files and folders"
    )
    taking.add_argument(
        "--metadata",
        type=Path,
        metavar="FILE",
        help="what is known of the calls: CSV with the column file and any of "
        "agent_id, customer_ref, started_at, language, team, subject, customer, "
        "first_speaker; a folder's own calls.csv is read by itself",
    )
    taking.add_argument(
        "--customer",
        choices=["left", "right"],
        default="left",
        help="which channel of a stereo recording is the customer (default: left)",
    )
    taking.add_argument(
        "--language",
        choices=["en", "zh"],
        default="",
        help="default: detected for each call",
    )
    taking.add_argument(
        "--text-only", action="store_true", help="no voice model hears the customer"
    )
    taking.add_argument(
        "--resume", action="store_true", help="go on with every unfinished import"
    )

    corrections = commands.add_parser(
        "corrections", help="write what people corrected as training data"
    )
    corrections.set_defaults(command=lambda args: _corrections(args, settings(args)))
    corrections.add_argument(
        "folder", type=Path, metavar="DIR", help="gets words.jsonl, voice/ and asr/"
    )

    index = commands.add_parser("index", help="bring the search index up to date")
    index.set_defaults(command=lambda args: _index(args, settings(args)))
    index.add_argument(
        "--rebuild", action="store_true", help="throw it away and make it again"
    )


def _index(args: argparse.Namespace, settings: Settings) -> int:
    store = Store(settings.service.url)
    try:
        index = SearchIndex(store)
        if args.rebuild:
            index.clear()
        total = len(index.missing())
        console = Console(stderr=True)
        columns = (TextColumn("calls"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            bar = progress.add_task("", total=total)
            index.catch_up(on_indexed=lambda n: progress.update(bar, completed=n))
        tell(console, f"{total} calls indexed", Mark.DONE)
    finally:
        store.close()
    return 0


def _import(args: argparse.Namespace, settings: Settings) -> int:
    console = Console(stderr=True)
    service = settings.service
    service.data_dir.mkdir(parents=True, exist_ok=True)
    store = Store(service.url)
    try:
        imports = Imports(store.engine)
        only = _chosen(args, imports)
        if not only:
            tell(console, "Nothing to import.")
            return 0
        office = Office(store, SearchIndex(store), imports, service.data_dir / "audio")
        factory: CallFactory = args.load(settings)
        worker = f"cli-{secrets.token_hex(4)}"
        intake = Intake(office, factory, worker, lambda: False)
        began = time.perf_counter()
        try:
            _work(intake, imports, only, console)
        except KeyboardInterrupt:
            for job_id in only:
                imports.pause(job_id)
            tell(console, "Paused. To go on: calmline import --resume")
            raise
        return _tell_import(imports, only, time.perf_counter() - began, console)
    finally:
        store.close()


def _chosen(args: argparse.Namespace, imports: Imports) -> list[str]:
    """Begin the import that was asked for; or find those that are not finished."""
    if args.resume:
        unfinished = [job.job_id for job in imports.all() if job.state != "done"]
        for job_id in unfinished:
            imports.resume(job_id)
        return unfinished
    table = read_table_file(args.metadata) if args.metadata else {}
    if args.metadata and not args.metadata.is_file():
        raise IntakeError("no_such_path", path=str(args.metadata))
    new = list(find_recordings(args.paths, table))
    if not new:
        return []
    options = ImportOptions(args.customer, args.language, args.text_only)
    name = ", ".join(path.name or str(path) for path in args.paths)[:256]
    job_id = imports.create(name, getpass.getuser(), options)
    imports.add(job_id, new)
    return [job_id]


def _work(
    intake: Intake, imports: Imports, only: Sequence[str], console: Console
) -> None:
    size = sum(job.size for job in imports.all() if job.job_id in only)
    done = sum(job.done_size for job in imports.all() if job.job_id in only)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=size, completed=int(done))

        def on_file(claim: Claim, outcome: Outcome) -> None:
            progress.update(bar, advance=claim.size, description=claim.name[-32:])
            if outcome.reason is not None:
                tell(progress.console, outcome.reason.sentence(), Mark.FAILED)

        intake.work(only, on_file)


def _tell_import(
    imports: Imports, only: Sequence[str], elapsed_s: float, console: Console
) -> int:
    """Say what came of it; the exit status is 1 when a file could not be read."""
    mine = [job for job in imports.all() if job.job_id in only]
    counts = Counter[str]()
    for job in mine:
        counts.update(job.counts)
    audio_s = sum(job.audio_s for job in mine)
    work_s = sum(job.work_s for job in mine)
    tell(
        console,
        f"{counts['done']} calls, {audio_s / 60:.1f} min of audio; "
        f"{counts['duplicate']} known already, {counts['failed']} could not be read",
        Mark.DONE,
    )
    if counts["done"] and work_s:
        per_call_s = _TYPICAL_CALL_S * work_s / audio_s
        tell(
            console,
            f"{elapsed_s:.0f} s, {audio_s / work_s:.1f} times as fast as it was "
            "spoken. At this rate 1,000 calls of five minutes take "
            f"{1000 * per_call_s / 3600:.1f} hours.",
        )
    return 1 if counts["failed"] else 0


def _corrections(args: argparse.Namespace, settings: Settings) -> int:
    console = Console(stderr=True)
    store = Store(settings.service.url)
    try:
        found = Corrections(store.engine).standing()
        done = export_corrections(
            found, store.entries, settings.service.data_dir / "audio", args.folder
        )
        detail = {"corrections": len(found), "words": done.words, "voice": done.voice}
        actor = Actor(getpass.getuser(), "shell")
        AuditLog(store.engine).record(actor, Action.EXPORT, "", detail)
    finally:
        store.close()
    tell(
        console,
        f"{done.words} lines of words, {done.voice} spans of voice, "
        f"{done.asr} spans with their words → {args.folder}",
        Mark.DONE,
    )
    for why, n_corrections in sorted(done.skipped.items()):
        tell(console, f"{n_corrections} left out: {why}")
    return 0
