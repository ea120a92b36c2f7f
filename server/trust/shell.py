"""What the commands of this package share: who runs them, on which database."""

import argparse
import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from server.config import environment, load_settings
from server.store import Store
from server.trust.audit import Actor

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse has no public name for it


def shell_actor() -> Actor:
    """Who runs a command, for the audit log."""
    return Actor(getpass.getuser(), "shell")


@contextmanager
def opened_store(args: argparse.Namespace) -> Iterator[Store]:
    """The database that the settings name, made and migrated if need be."""
    settings = load_settings(args.config, environment()).service
    if not settings.database_url:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    store = Store(settings.url)
    try:
        yield store
    finally:
        store.close()


def with_store(
    command: Callable[[argparse.Namespace, Store], int],
) -> Callable[[argparse.Namespace], int]:
    """A command as the parser runs it, of one that works on the database."""

    def run(args: argparse.Namespace) -> int:
        with opened_store(args) as store:
            return command(args, store)

    return run
