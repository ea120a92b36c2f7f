"""The desk's commands, beside the others of `calmline`."""

import argparse
from collections.abc import Callable
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from server.config import Settings
from server.desk.index import SearchIndex
from server.store import Store


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
        console.print(f"[green]✓[/green] {total} calls indexed", highlight=False)
    finally:
        store.close()
    return 0
