"""Facts of finished calls, worked out once and kept beside them.

A table that can be thrown away: what is missing is worked out from the logs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from pydantic import TypeAdapter

from server.desk.tables import facts as desk_facts
from server.events import StartedOver
from server.reports.facts import CallFacts, facts_of
from server.reports.report import ReportedCall
from server.store import CALLS, ENTRIES
from server.trust.people import PEOPLE
from server.wire import EVENT_TYPES

_VERSION = 1
"""Of what `facts_of` takes; another one is worked out anew."""

_KINDS = ("HostilityPoint", "PhaseChanged", "CueCounting", "CueFollowed", "CueIgnored")
_AT_ONCE = 50
_FACTS: TypeAdapter[CallFacts] = TypeAdapter(CallFacts)
_facts = sa.table(
    "report_facts",
    sa.column("call_id", sa.String),
    sa.column("version", sa.Integer),
    sa.column("document", sa.JSON),
)


@dataclass(frozen=True, slots=True)
class Period:
    """Which calls a report is over: those that began in it.

    Attributes:
        after: at this time or later; None: from the first.
        before: earlier than this; None: to the last.
        language: of the call; empty: any.
    """

    after: datetime | None = None
    before: datetime | None = None
    language: str = ""


class FactTable:
    """Facts of finished calls. Blocking; any thread.

    Args:
        engine: the database, migrated.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def catch_up(self) -> int:
        """Work out what is missing; return for how many calls."""
        known = sa.select(_facts.c.call_id).where(_facts.c.version == _VERSION)
        query = sa.select(CALLS.c.call_id).where(
            CALLS.c.end_reason.is_not(None), CALLS.c.call_id.not_in(known)
        )
        with self._engine.connect() as connection:
            missing = connection.scalars(query).all()
        for at in range(0, len(missing), _AT_ONCE):
            self._add(missing[at : at + _AT_ONCE])
        return len(missing)

    def forget(self, call_id: str) -> None:
        """Work the facts of a call out again: its log has started over."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_facts).where(_facts.c.call_id == call_id))

    def calls(self, period: Period) -> list[ReportedCall]:
        """The finished calls of a period with their facts, oldest first."""
        self.catch_up()
        query = (
            sa.select(CALLS, _facts.c.document, desk_facts.c.subject)
            .join(_facts, _facts.c.call_id == CALLS.c.call_id)
            .outerjoin(desk_facts, desk_facts.c.call_id == CALLS.c.call_id)
            .order_by(CALLS.c.started_at, CALLS.c.call_id)
        )
        if period.after is not None:
            query = query.where(CALLS.c.started_at >= period.after.astimezone(UTC))
        if period.before is not None:
            query = query.where(CALLS.c.started_at < period.before.astimezone(UTC))
        if period.language:
            query = query.where(CALLS.c.language == period.language)
        with self._engine.connect() as connection:
            teams, groups = _teams(connection)
            return [
                ReportedCall(
                    call_id=row.call_id,
                    agent_id=row.agent_id,
                    team=row.team or teams.get(row.agent_id, ""),
                    group=groups.get(row.agent_id, ""),
                    subject=row.subject or "",
                    # The hour is that of the clock on the wall where this runs.
                    started_at=row.started_at.replace(tzinfo=UTC).astimezone(),
                    facts=_FACTS.validate_python(row.document),
                )
                for row in connection.execute(query)
            ]

    def _add(self, call_ids: Sequence[str]) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_facts).where(_facts.c.call_id.in_(call_ids)))
            found = dict(self._worked_out(connection, call_ids))
            connection.execute(
                sa.insert(_facts),
                [
                    {
                        "call_id": call_id,
                        "version": _VERSION,
                        "document": asdict(found.get(call_id, CallFacts())),
                    }
                    for call_id in call_ids
                ],
            )

    def _worked_out(
        self, connection: sa.Connection, call_ids: Sequence[str]
    ) -> Iterator[tuple[str, CallFacts]]:
        query = (
            sa.select(ENTRIES)
            .where(
                ENTRIES.c.call_id.in_(call_ids),
                ENTRIES.c.kind.in_((*_KINDS, StartedOver.__name__)),
            )
            .order_by(ENTRIES.c.call_id, ENTRIES.c.seq)
        )
        logs: dict[str, list[sa.Row[tuple[object, ...]]]] = {}
        for row in connection.execute(query):
            if row.kind == StartedOver.__name__:
                logs.pop(row.call_id, None)
            else:
                logs.setdefault(row.call_id, []).append(row)
        for call_id, rows in logs.items():
            events = [
                _ADAPTERS[row.kind].validate_python(
                    row.body | _LEFT_OUT.get(row.kind, {})
                )
                for row in rows
            ]
            yield call_id, facts_of(events)


_ADAPTERS = {kind: TypeAdapter(EVENT_TYPES[kind]) for kind in _KINDS}
_LEFT_OUT: Mapping[str, Mapping[str, object]] = {"HostilityPoint": {"evidence": ()}}
"""What reports do not need and what takes long to read."""


def _teams(connection: sa.Connection) -> tuple[dict[str, str], dict[str, str]]:
    """Team and group of each agent, as far as people say."""
    teams: dict[str, str] = {}
    groups: dict[str, str] = {}
    for row in connection.execute(sa.select(PEOPLE).where(PEOPLE.c.agent_id != "")):
        teams[row.agent_id] = row.team
        groups[row.agent_id] = row.agent_group
    return teams, groups
