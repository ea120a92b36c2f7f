"""What each team has made of the rules and the playbook, every version of it kept.

A call's first entry says which versions it was listened to with, so that it can be
gone through again exactly; a change holds for the calls that begin after it.
Version 0 is what is shipped.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from alerts.errors import AlertError
from alerts.playbook import Playbook, load_playbook, read_playbook_json
from alerts.ruleset import RuleSet, load_rules, read_rules

logger = logging.getLogger(__name__)

SHIPPED = 0

_TABLE = sa.Table(
    "team_books",
    sa.MetaData(),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("team", sa.String(64), nullable=False),
    sa.Column("body", sa.JSON(none_as_null=True)),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)


class Kind(StrEnum):
    """What a book holds."""

    RULES = "rules"
    PLAYBOOK = "playbook"


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of a team's book.

    Attributes:
        team: whose; empty: of every team that has none of its own.
        by: who made it.
        at: when, ISO 8601 in UTC; empty for what is shipped.
    """

    version: int
    team: str
    by: str = ""
    at: str = ""


class TeamBooks:
    """Rules and playbooks by version. `save` blocks; the others only look.

    Args:
        engine: the migrated database.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._rules: dict[int, RuleSet] = {SHIPPED: load_rules()}
        self._playbooks: dict[int, Playbook] = {SHIPPED: load_playbook()}
        self._current: dict[tuple[Kind, str], Edition] = {}
        with engine.connect() as connection:
            for row in connection.execute(sa.select(_TABLE).order_by("version")):
                try:
                    self._take(row)
                except AlertError:
                    # Another release wrote it; the team has what is shipped until
                    # somebody saves it anew.
                    extra = {"version": row.version, "kind": row.kind}
                    logger.warning("stored book cannot be read", extra=extra)

    def edition(self, kind: Kind, team: str) -> Edition:
        """The version that a team's next call is listened to with."""
        return (
            self._current.get((kind, team))
            or self._current.get((kind, ""))
            or Edition(SHIPPED, "")
        )

    def teams(self, kind: Kind) -> list[str]:
        """Teams with a book of their own."""
        return sorted(
            team
            for (of, team), edition in self._current.items()
            if of is kind and team and edition.version
        )

    def rules(self, version: int) -> RuleSet:
        """The rules of a version; the shipped ones where it is not known."""
        return self._rules.get(version) or self._rules[SHIPPED]

    def playbook(self, version: int) -> Playbook:
        """The playbook of a version; the shipped one where it is not known."""
        return self._playbooks.get(version) or self._playbooks[SHIPPED]

    def save(
        self, kind: Kind, team: str, body: Mapping[str, Any] | None, by: str
    ) -> Edition:
        """Make a new version of a team's book; None: what is shipped.

        Raises:
            RulesError: these are no rules.
            PlaybookError: this is no playbook.
        """
        _read(kind, body)
        insert = _TABLE.insert().returning(*_TABLE.c)
        values = {"kind": str(kind), "team": team, "body": body, "by": by}
        with self._engine.begin() as connection:
            row = connection.execute(insert, values | {"at": datetime.now(UTC)}).one()
        self._take(row)
        return self.edition(kind, team)

    def _take(self, row: sa.Row[Any]) -> None:
        kind = Kind(row.kind)
        book = _read(kind, row.body)
        if book is None:
            self._current.pop((kind, row.team), None)
            return
        at = row.at.replace(tzinfo=UTC).isoformat(timespec="seconds")
        self._current[kind, row.team] = Edition(row.version, row.team, row.by, at)
        if isinstance(book, RuleSet):
            self._rules[row.version] = book
        else:
            self._playbooks[row.version] = book


def _read(kind: Kind, body: Mapping[str, Any] | None) -> RuleSet | Playbook | None:
    if body is None:
        return None
    return read_rules(body) if kind is Kind.RULES else read_playbook_json(body)
