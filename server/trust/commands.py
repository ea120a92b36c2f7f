"""`calmline people` and `calmline audit`."""

import argparse
import getpass
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from server.store import Store
from server.trust.audit import Action, Anchor, AuditEntry, AuditLog, verify
from server.trust.errors import AuditError, PeopleError
from server.trust.keeping_commands import add_keeping_commands
from server.trust.people import People, Person, Role
from server.trust.shell import opened_store, shell_actor, with_store

_FAILED = 1

if TYPE_CHECKING:
    from server.trust.shell import Commands


def add_commands(commands: "Commands") -> None:
    """Add what this package offers to the `calmline` command."""
    _add_people(commands)
    _add_audit(commands)
    add_keeping_commands(commands)


def _add_people(
    commands: "Commands",
) -> None:
    people = commands.add_parser("people", help="who may log in, and as what")
    actions = people.add_subparsers(required=True, metavar="ACTION")
    adding = actions.add_parser("add", help="let somebody in; asks for a password")
    adding.set_defaults(command=with_store(_add_person))
    adding.add_argument("name", metavar="NAME")
    adding.add_argument(
        "role", type=Role, choices=list(Role), metavar="ROLE", help=", ".join(Role)
    )
    adding.add_argument("--agent-id", default="", help="the id of their own calls")
    adding.add_argument("--team", default="")
    adding.add_argument("--group", default="", help="another grouping for reports")
    adding.add_argument(
        "--no-password",
        action="store_true",
        help="they do not log in here: a proxy names them, or they are only in reports",
    )
    listing = actions.add_parser("list", help="everybody")
    listing.set_defaults(command=with_store(_list_people))
    removing = actions.add_parser("remove", help="let somebody in no longer")
    removing.set_defaults(command=with_store(_remove_person))
    removing.add_argument("name", metavar="NAME")
    removing.add_argument(
        "--open",
        action="store_true",
        help="with the last one: the service then has no log-in",
    )
    password = actions.add_parser("password", help="give somebody a new password")
    password.set_defaults(command=with_store(_set_password))
    password.add_argument("name", metavar="NAME")


def _new_password() -> str:
    """Ask twice at a terminal; else the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise PeopleError("the two passwords differ")
    return password


def _add_person(args: argparse.Namespace, store: Store) -> int:
    person = Person(args.name, args.role, args.agent_id, args.team, args.group)
    people = People(store.engine)
    first = not people.anybody()
    people.add(person, None if args.no_password else _new_password())
    _record(store, {"what": "add", "role": str(person.role)})
    print(f"{person.name} is in, as {person.role}.")
    if first:
        print("From now on the service asks everybody to log in.")
    return 0


def _list_people(_: argparse.Namespace, store: Store) -> int:
    table = Table("name", "role", "agent id", "team", "group")
    everybody = People(store.engine).all()
    for person in everybody:
        table.add_row(
            person.name, person.role, person.agent_id, person.team, person.agent_group
        )
    if everybody:
        Console().print(table)
    else:
        print("Nobody: the service has no log-in. Add somebody: calmline people add")
    return 0


def _remove_person(args: argparse.Namespace, store: Store) -> int:
    people = People(store.engine)
    if [person.name for person in people.all()] == [args.name] and not args.open:
        raise PeopleError(
            f"{args.name} is the last one: without anybody the service asks nobody to "
            "log in. If that is what you want, add --open"
        )
    people.remove(args.name)
    _record(store, {"what": "remove"})
    print(f"{args.name} is out.")
    return 0


def _set_password(args: argparse.Namespace, store: Store) -> int:
    People(store.engine).set_password(args.name, _new_password())
    _record(store, {"what": "password"})
    print(f"{args.name} has a new password, and is logged out everywhere.")
    return 0


def _record(store: Store, detail: dict[str, str]) -> None:
    AuditLog(store.engine).record(shell_actor(), Action.PEOPLE, detail=detail)


def _add_audit(
    commands: "Commands",
) -> None:
    audit = commands.add_parser("audit", help="the log of who saw or changed what")
    actions = audit.add_subparsers(required=True, metavar="ACTION")
    checking = actions.add_parser(
        "verify",
        help="check that the log is what was written; exit status 1: it is not",
    )
    checking.set_defaults(command=_verify)
    checking.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="N:HASH",
        help="a head that was written down before; may be given more than once",
    )
    checking.add_argument(
        "--anchors", type=Path, metavar="FILE", help="a file of such heads, one a line"
    )
    checking.add_argument(
        "--export", type=Path, metavar="FILE", help="check this export instead"
    )
    exporting = actions.add_parser(
        "export", help="the whole log, one JSON object a line"
    )
    exporting.set_defaults(command=with_store(_export))
    exporting.add_argument("--out", type=Path, metavar="FILE", help="default: print it")
    anchoring = actions.add_parser(
        "anchor", help="print the head, to be kept where nobody here can change it"
    )
    anchoring.set_defaults(command=with_store(_anchor))
    anchoring.add_argument(
        "--append-to", type=Path, metavar="FILE", help="add it to this file as well"
    )


def _anchors(args: argparse.Namespace) -> list[Anchor]:
    texts = list(args.anchor)
    if args.anchors is not None:
        lines = args.anchors.read_text(encoding="utf-8").splitlines()
        texts += [line for line in lines if line.strip()]
    return [Anchor.parse(text) for text in texts]


def _verify(args: argparse.Namespace) -> int:
    anchors = _anchors(args)
    if args.export is not None:
        verdict = verify(_read_export(args.export), anchors)
    else:
        with opened_store(args) as store:
            verdict = AuditLog(store.engine).verify(anchors)
    if verdict.whole:
        held = f", {len(anchors)} anchors held" if anchors else ""
        print(f"The audit log is whole: {verdict.checked} entries{held}.")
        if not anchors:
            print("Without an anchor a log that was cut off at its end looks whole.")
        return 0
    print(f"The audit log is broken at entry {verdict.broken_seq}: {verdict.problem}.")
    print(f"The {verdict.checked} entries before it are whole.")
    return _FAILED


def _read_export(path: Path) -> Iterator[AuditEntry]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield AuditEntry(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise AuditError(
                    f"{path.name}, line {number}: not an entry of an audit log"
                ) from error


def _export(args: argparse.Namespace, store: Store) -> int:
    log = AuditLog(store.engine)
    log.record(shell_actor(), Action.AUDIT, detail={"what": "export"})
    lines = (json.dumps(asdict(e), ensure_ascii=False) + "\n" for e in log.entries())
    if args.out is None:
        sys.stdout.writelines(lines)
    else:
        with args.out.open("w", encoding="utf-8") as file:
            file.writelines(lines)
        print(f"{args.out}: up to {log.head()}")
    return 0


def _anchor(args: argparse.Namespace, store: Store) -> int:
    head = AuditLog(store.engine).head()
    print(head)
    if args.append_to is not None:
        with args.append_to.open("a", encoding="utf-8") as file:
            file.write(f"{head}\n")
    return 0
