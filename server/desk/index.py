"""The search index: a row for each finished call, made from its log.

It holds nothing that the log does not say, or what people added beside it, so it
can be thrown away and made again.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from audio.frame import Party
from server.desk import tables
from server.desk.digest import Digest, digest
from server.desk.reviews import call_score
from server.desk.wording import normal, pieces
from server.store import CALLS, Store
from server.trust.redacted_log import redacted_entries

_PARTIES = (Party.CUSTOMER, Party.AGENT, Party.UNKNOWN)


class SearchIndex:
    """Keeps the index in step with the logs. Blocking; any thread.

    Args:
        store: has the logs, and the database that the index lies in too.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._engine = store.engine

    def missing(self, passing_over: Collection[str] = ()) -> list[str]:
        """Ids of the finished calls that are not in the index yet.

        Args:
            passing_over: calls of which more may still be written or removed.
        """
        known = sa.select(tables.calls.c.call_id)
        query = sa.select(CALLS.c.call_id).where(
            CALLS.c.end_reason.is_not(None), CALLS.c.call_id.not_in(known)
        )
        with self._engine.connect() as connection:
            found = connection.scalars(query).all()
        return [call_id for call_id in found if call_id not in passing_over]

    def catch_up(
        self,
        passing_over: Collection[str] = (),
        on_indexed: Callable[[int], None] = lambda _: None,
    ) -> int:
        """Index every finished call that is missing; return how many were."""
        missing = self.missing(passing_over)
        for number, call_id in enumerate(missing, 1):
            self.add(call_id)
            on_indexed(number)
        return len(missing)

    def clear(self) -> None:
        """Throw the whole index away; `catch_up` makes it again."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(tables.facets))
            connection.execute(sa.delete(tables.calls))

    def add(self, call_id: str) -> None:
        """Index one call as its log stands now, in place of what was there."""
        with self._engine.begin() as connection:
            row = connection.execute(
                sa.select(CALLS).where(CALLS.c.call_id == call_id)
            ).one_or_none()
        if row is None:
            return
        # Numbers that must not be shown must not be found either.
        found = digest(redacted_entries(self._store.entries(call_id)))
        # A call that had to be forgotten keeps no reference, whatever its log says.
        found.customer_ref = row.customer_ref
        self.put(call_id, row.started_at, found)

    def put(self, call_id: str, started_at: datetime, found: Digest) -> None:
        """Write a call's row, its facets and its words, all at once."""
        with self._engine.begin() as connection:
            review_score = call_score(connection, call_id)
            connection.execute(
                sa.delete(tables.calls).where(tables.calls.c.call_id == call_id)
            )
            values = _values(found) | _facts(connection, call_id)
            inserted = connection.execute(
                sa.insert(tables.calls).values(
                    call_id=call_id,
                    started_at=started_at,
                    review_score=review_score,
                    **values,
                )
            )
            assert inserted.inserted_primary_key is not None  # noqa: S101 - every dialect we take returns it
            (row_id,) = inserted.inserted_primary_key
            if found.facets:
                connection.execute(
                    sa.insert(tables.facets),
                    [
                        {"id": row_id, "kind": kind, "value": value}
                        for kind, value in sorted(found.facets)
                    ],
                )
            _put_words(connection, row_id, found)


def _values(found: Digest) -> dict[str, object]:
    return {
        "agent_id": found.agent_id,
        "team": found.team,
        "customer_ref": found.customer_ref,
        "language": found.language,
        "duration_s": found.duration_s,
        "end_reason": found.end_reason,
        "peak_score": found.peak_score,
        "peak_at_s": found.peak_at_s,
        "hot_s": found.hot_s,
        "alerts": found.alerts,
        "cues_followed": found.cues_followed,
        "cues_ignored": found.cues_ignored,
        "curve": found.curve,
        "lines": [[line.party, line.start_s, line.text] for line in found.lines],
    }


def _facts(connection: sa.Connection, call_id: str) -> dict[str, object]:
    facts = connection.execute(
        sa.select(tables.facts).where(tables.facts.c.call_id == call_id)
    ).one_or_none()
    return {
        "subject": facts.subject if facts else "",
        "source": facts.source if facts else "live",
    }


def _put_words(connection: sa.Connection, row_id: int, found: Digest) -> None:
    spoken = {
        party: [normal(line.text) for line in found.lines if line.party is party]
        for party in _PARTIES
    }
    if connection.dialect.name == "sqlite":
        _put_words_sqlite(connection, row_id, spoken)
    else:
        _put_words_postgres(connection, row_id, spoken)


def _short(lines: Sequence[str]) -> list[str]:
    return sorted({piece for line in lines for piece in pieces(line)})


def _put_words_sqlite(
    connection: sa.Connection, row_id: int, spoken: dict[Party, list[str]]
) -> None:
    for table, text in (("desk_words", "\n".join), ("desk_pairs", None)):
        connection.execute(
            sa.text(
                f"INSERT INTO {table} (rowid, customer, agent, unknown) "  # noqa: S608 - one of the two constants above
                "VALUES (:id, :customer, :agent, :unknown)"
            ),
            {"id": row_id}
            | {
                str(party): text(lines) if text else " ".join(_short(lines))
                for party, lines in spoken.items()
            },
        )


def _put_words_postgres(
    connection: sa.Connection, row_id: int, spoken: dict[Party, list[str]]
) -> None:
    values: dict[str, object] = {"id": row_id}
    for party, lines in spoken.items():
        values[str(party)] = "\n".join(lines)
        values[f"{party}_pairs"] = _short(lines)
    connection.execute(
        sa.text(
            "INSERT INTO desk_words (id, customer, customer_pairs, agent, agent_pairs,"
            " unknown, unknown_pairs) VALUES (:id, :customer,"
            " array_to_tsvector(:customer_pairs), :agent,"
            " array_to_tsvector(:agent_pairs), :unknown,"
            " array_to_tsvector(:unknown_pairs))"
        ),
        values,
    )
