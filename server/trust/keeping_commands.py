"""`calmline retention` and `calmline erase`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from server.config import environment, load_settings
from server.store import Store
from server.trust.keeping import Due, Keeping, Why
from server.trust.shell import shell_actor, with_store

if TYPE_CHECKING:
    from server.trust.shell import Commands

_SOME_LEFT = 1


def add_keeping_commands(commands: "Commands") -> None:
    """Add them to the `calmline` command."""
    retention = commands.add_parser(
        "retention", help="how long what is kept, and what may not be removed"
    )
    actions = retention.add_subparsers(required=True, metavar="ACTION")
    running = actions.add_parser(
        "run", help="remove what is due; the service does daily"
    )
    running.set_defaults(command=with_store(_run))
    running.add_argument(
        "--dry-run", action="store_true", help="only say what would be removed"
    )
    holding = actions.add_parser("hold", help="forbid to remove")
    holding.set_defaults(command=with_store(_hold))
    which = holding.add_mutually_exclusive_group(required=True)
    which.add_argument("--call", default="", metavar="ID")
    which.add_argument("--customer", default="", metavar="REF")
    holding.add_argument("--reason", required=True)
    holds = actions.add_parser("holds", help="what is held")
    holds.set_defaults(command=with_store(_holds))
    releasing = actions.add_parser("release", help="take a hold back")
    releasing.set_defaults(command=with_store(_release))
    releasing.add_argument("hold_id", metavar="HOLD")

    erasing = commands.add_parser(
        "erase", help="delete every call of a customer, with a receipt"
    )
    erasing.set_defaults(command=with_store(_erase))
    erasing.add_argument("customer_ref", metavar="CUSTOMER_REF")
    erasing.add_argument(
        "--receipt", type=Path, metavar="FILE", help="default: print the receipt"
    )


def _keeping(args: argparse.Namespace, store: Store) -> Keeping:
    settings = load_settings(args.config, environment())
    return Keeping(store.engine, settings.service.data_dir, settings.retention)


def _run(args: argparse.Namespace, store: Store) -> int:
    keeping = _keeping(args, store)
    due = keeping.due() if args.dry_run else keeping.run(shell_actor())
    _print(due)
    what = "are due" if args.dry_run else "were removed"
    print(f"{len(due)} {what}.")
    return 0


def _print(due: list[Due]) -> None:
    if due:
        table = Table("call", "what")
        for one in due:
            table.add_row(one.call_id, one.kind or "all")
        Console().print(table)


def _hold(args: argparse.Namespace, store: Store) -> int:
    hold = _keeping(args, store).hold(
        shell_actor(), args.reason, call_id=args.call, customer_ref=args.customer
    )
    print(f"Held as {hold.hold_id}.")
    return 0


def _holds(args: argparse.Namespace, store: Store) -> int:
    table = Table("hold", "call", "customer", "reason", "by", "since")
    for hold in _keeping(args, store).holds():
        table.add_row(
            hold.hold_id,
            hold.call_id,
            hold.customer_ref,
            hold.reason,
            hold.placed_by,
            hold.placed_at,
        )
    Console().print(table)
    return 0


def _release(args: argparse.Namespace, store: Store) -> int:
    _keeping(args, store).release(shell_actor(), args.hold_id)
    print("Released.")
    return 0


def _erase(args: argparse.Namespace, store: Store) -> int:
    receipt = _keeping(args, store).delete_customer(args.customer_ref, shell_actor())
    if args.receipt is None:
        print(receipt.to_json(), end="")
    else:
        args.receipt.write_text(receipt.to_json(), encoding="utf-8")
        print(f"{len(receipt.deleted)} calls deleted; receipt: {args.receipt}")
    for skipped in receipt.skipped:
        why = "is live" if skipped.why is Why.LIVE else "is held"
        print(f"Call {skipped.call_id} {why} and was not deleted.")
    return 0 if receipt.complete else _SOME_LEFT
