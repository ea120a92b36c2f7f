"""`calmline report` and `calmline export`."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from server.errors import StoreError
from server.exports import write_all
from server.reports.fact_table import FactTable, Period
from server.reports.figures import Estimate
from server.reports.files import to_csv, to_parquet
from server.reports.report import Dimension, Report, report
from server.store import Store
from server.trust.audit import Action, AuditLog
from server.trust.redacted_log import redacted_entries
from server.trust.shell import shell_actor, with_store

if TYPE_CHECKING:
    from server.trust.shell import Commands

_CAUSE = (
    "Followed cues are not a random sample of cues: agents pause when it is easier to. "
    "Scores that are high when a cue counts fall by themselves (regression to the "
    "mean), after followed and after ignored cues. The adjusted difference compares at "
    "equal score, slope and time; it is no proof of a cause either."
)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            "expected a time, such as 2026-01-31 or 2026-01-31T14:05:00+08:00"
        ) from None


def add_commands(commands: "Commands") -> None:
    """Add what this package offers to the `calmline` command."""
    reporting = commands.add_parser("report", help="figures over many calls")
    reporting.set_defaults(command=with_store(_report))
    reporting.add_argument(
        "--by",
        choices=[str(one) for one in Dimension],
        default=str(Dimension.TEAM),
        metavar="DIMENSION",
        help=f"{', '.join(Dimension)} (default: %(default)s)",
    )
    for name, what in (("after", "began at this time or later"), ("before", "earlier")):
        reporting.add_argument(f"--{name}", type=_time, metavar="TIME", help=what)
    reporting.add_argument(
        "--language", default="", choices=["en", "zh"], help="only calls in it"
    )
    reporting.add_argument(
        "--out", type=Path, metavar="FILE", help="a .csv, .json or .parquet file"
    )
    exporting = commands.add_parser(
        "export", help="a finished call as files: events, curve, transcript, turns"
    )
    exporting.set_defaults(command=with_store(_export))
    exporting.add_argument("call_id", metavar="CALL", help="its id")
    exporting.add_argument(
        "--out",
        type=Path,
        default=Path("calmline-out"),
        metavar="DIR",
        help="gets a folder of the call's (default: %(default)s)",
    )
    exporting.add_argument(
        "--unredacted", action="store_true", help="with numbers and addresses in it"
    )


def _report(args: argparse.Namespace, store: Store) -> int:
    as_file = _FILES.get(args.out.suffix) if args.out is not None else None
    if args.out is not None and as_file is None:
        kinds = " or ".join(_FILES)
        print(f"calmline: --out is a {kinds} file", file=sys.stderr)
        return 2
    after, before = (t and t.astimezone() for t in (args.after, args.before))
    calls = FactTable(store.engine).calls(Period(after, before, args.language))
    found = report(calls, Dimension(args.by))
    action = Action.REPORT if as_file is None else Action.EXPORT
    AuditLog(store.engine).record(shell_actor(), action, detail={"by": args.by})
    if as_file is None:
        _print(found)
    else:
        args.out.write_bytes(as_file(found))
    return 0


def _to_json(found: Report) -> bytes:
    return json.dumps(asdict(found), ensure_ascii=False, indent=1).encode() + b"\n"


_FILES: Mapping[str, Callable[[Report], bytes]] = {
    ".csv": lambda found: to_csv(found).encode(),
    ".json": _to_json,
    ".parquet": to_parquet,
}


def _print(found: Report) -> None:
    table = Table(
        found.by,
        "calls",
        "took off",
        "cooled",
        "cool, s",
        "pause kept",
        "followed",
        "ignored",
        "adjusted",
    )
    sets = [(cell.key or "-", cell.figures) for cell in found.cells]
    if found.all is not None:
        sets.append(("*", found.all))
    for key, it in sets:
        effect = it.effect
        table.add_row(
            key,
            str(it.n_calls),
            _share(it.took_off),
            _share(it.cooled),
            _number(it.cool_s),
            _share(it.adherence),
            _number(effect.followed if effect else None),
            _number(effect.ignored if effect else None),
            _number(effect.adjusted if effect else None),
        )
    Console().print(table)
    if found.n_hidden:
        print(f"{found.n_hidden} sets are over too few calls to be shown.")
    print(_CAUSE)


def _share(it: Estimate | None) -> str:
    if it is None:
        return "-"
    return f"{it.value:.0%} ({it.low:.0%} to {it.high:.0%})"


def _number(it: Estimate | None) -> str:
    return "-" if it is None else f"{it.value:.0f} ({it.low:.0f} to {it.high:.0f})"


def _export(args: argparse.Namespace, store: Store) -> int:
    entries = store.entries(args.call_id)
    if not entries:
        raise StoreError("there is no call of this id")
    if not args.unredacted:
        entries = redacted_entries(entries)
    detail = {"file": "all", "unredacted": args.unredacted}
    log = AuditLog(store.engine)
    log.record(shell_actor(), Action.EXPORT, args.call_id, detail)
    write_all(entries, args.out / args.call_id, args.call_id)
    print(args.out / args.call_id)
    return 0
