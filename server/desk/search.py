"""Finds calls: a `SearchQuery` becomes one SQL query, in SQLite or PostgreSQL."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from server.desk.query import (
    Cursor,
    Pauses,
    Range,
    Reviewed,
    SaidBy,
    SearchQuery,
    SortBy,
)
from server.desk.tables import calls, facets
from server.desk.wording import TRIGRAM, Term, normal, parse_terms

_SORTS: dict[SortBy, sa.Column[object]] = {
    SortBy.DATE: calls.c.started_at,
    SortBy.LENGTH: calls.c.duration_s,
    SortBy.PEAK: calls.c.peak_score,
    SortBy.TIME_IN_PEAK: calls.c.hot_s,
    SortBy.SCORE: calls.c.review_score,
}
_PARTIES = ("customer", "agent", "unknown")
_SHOWN = [column for column in calls.c if column.name != "lines"]


@dataclass(frozen=True, slots=True)
class Spoken:
    """Words of a call in which something was found.

    Attributes:
        marks: ``[start, end]`` of each match in `text`, in characters.
    """

    party: str
    start_s: float
    text: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class FoundCall:
    """One call of a page of results."""

    call_id: str
    agent_id: str
    team: str
    subject: str
    customer_ref: str
    language: str
    source: str
    started_at: str
    duration_s: float
    end_reason: str
    peak_score: float
    peak_at_s: float
    hot_s: float
    alerts: int
    cues_followed: int
    cues_ignored: int
    review_score: float | None
    curve: tuple[float, ...]
    phases: tuple[str, ...]
    rules: tuple[str, ...]
    tiers: tuple[str, ...]
    said: tuple[Spoken, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of results.

    Attributes:
        total: calls that fit the search, on all pages.
        cursor: hand it back for the page after; empty on the last one.
    """

    total: int
    calls: tuple[FoundCall, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another call of the same customer."""

    call_id: str
    started_at: str
    peak_score: float


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The same customer's calls around one; None where there is none."""

    before: Neighbour | None
    after: Neighbour | None


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from in a search's lists."""

    agents: tuple[str, ...]
    teams: tuple[str, ...]
    languages: tuple[str, ...]
    alerts: tuple[str, ...]


class Search:
    """Asks the index. Blocking; any thread."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def find(self, query: SearchQuery) -> Page:
        """Return one page of the calls that fit.

        Raises:
            QueryError: the text has too many terms, or the cursor is not ours.
        """
        terms = parse_terms(query.text)
        with self._engine.connect() as connection:
            conditions = _conditions(query, terms, connection.dialect.name)
            number: sa.Select[tuple[int]] = sa.select(sa.func.count())
            shown: list[sa.ColumnElement[bool]]
            if terms:
                # Words take time to read: once, for the number and for the page.
                fit = sa.select(calls.c.id).where(*conditions).cte("fit")
                number = number.select_from(fit)
                shown = [calls.c.id.in_(sa.select(fit.c.id))]
            else:
                number = number.select_from(calls).where(*conditions)
                shown = list(conditions)
            column = _SORTS[query.sort]
            order = sa.asc if query.ascending else sa.desc
            if query.cursor:
                shown.append(_after(Cursor.decode(query.cursor, query), column))
            rows = connection.execute(
                sa.select(*_SHOWN)
                .add_columns(number.scalar_subquery().label("total"))
                .where(*shown)
                .order_by(order(column), order(calls.c.id))
                .limit(query.limit + 1)
            ).all()
            total: int = rows[0].total if rows else connection.scalar(number) or 0
            page = rows[: query.limit]
            cursor = ""
            if len(rows) > len(page):
                cursor = _cursor(query, page[-1]).encode()
            found = _with_details(connection, page, terms, query.said_by)
        return Page(total, found, cursor)

    def ids(self, query: SearchQuery) -> list[str]:
        """Return the ids of every call that fits, in the order of the search."""
        terms = parse_terms(query.text)
        order = sa.asc if query.ascending else sa.desc
        with self._engine.connect() as connection:
            conditions = _conditions(query, terms, connection.dialect.name)
            return list(
                connection.scalars(
                    sa.select(calls.c.call_id)
                    .where(*conditions)
                    .order_by(order(_SORTS[query.sort]), order(calls.c.id))
                )
            )

    def neighbours(self, call_id: str) -> Neighbours:
        """Return the calls of the same customer just before and after a call."""
        with self._engine.connect() as connection:
            here = connection.execute(
                sa.select(calls.c.customer_ref, calls.c.started_at).where(
                    calls.c.call_id == call_id
                )
            ).one_or_none()
            if here is None or not here.customer_ref:
                return Neighbours(None, None)

            def nearest(
                condition: sa.ColumnElement[bool], order: sa.ColumnElement[object]
            ) -> Neighbour | None:
                row = connection.execute(
                    sa.select(calls.c.call_id, calls.c.started_at, calls.c.peak_score)
                    .where(calls.c.customer_ref == here.customer_ref, condition)
                    .order_by(order)
                    .limit(1)
                ).one_or_none()
                if row is None:
                    return None
                began = row.started_at.replace(tzinfo=UTC).isoformat()
                return Neighbour(row.call_id, began, row.peak_score)

            began = calls.c.started_at
            return Neighbours(
                nearest(began < here.started_at, began.desc()),
                nearest(began > here.started_at, began.asc()),
            )

    def summaries(self, call_ids: Sequence[str]) -> dict[str, dict[str, object]]:
        """Return what a list of reviews shows of each call."""
        query = sa.select(
            calls.c.call_id,
            calls.c.agent_id,
            calls.c.started_at,
            calls.c.duration_s,
            calls.c.peak_score,
            calls.c.curve,
        ).where(calls.c.call_id.in_(call_ids))
        with self._engine.connect() as connection:
            return {
                row.call_id: {
                    "agent_id": row.agent_id,
                    "started_at": row.started_at.replace(tzinfo=UTC).isoformat(),
                    "duration_s": row.duration_s,
                    "peak_score": row.peak_score,
                    "curve": row.curve,
                }
                for row in connection.execute(query)
            }

    def choices(self) -> Choices:
        """Return every agent, team, language and rule that occurs."""
        with self._engine.connect() as connection:

            def distinct(column: sa.Column[str]) -> tuple[str, ...]:
                query = sa.select(column).where(column != "").distinct()
                return tuple(sorted(connection.scalars(query)))

            rules = connection.scalars(
                sa.select(facets.c.value).where(facets.c.kind == "alert").distinct()
            )
            return Choices(
                agents=distinct(calls.c.agent_id),
                teams=distinct(calls.c.team),
                languages=distinct(calls.c.language),
                alerts=tuple(sorted(rules)),
            )


def _conditions(
    query: SearchQuery, terms: Sequence[Term], dialect: str
) -> list[sa.ColumnElement[bool]]:
    found = [
        _any_of(calls.c.agent_id, query.agents),
        _any_of(calls.c.team, query.teams),
        _any_of(calls.c.language, query.languages),
        _any_of(calls.c.source, (query.source,) if query.source else ()),
        *_within(calls.c.duration_s, query.length_s),
        *_within(calls.c.peak_score, query.peak),
        *_within(calls.c.hot_s, query.time_in_peak_s),
        *_within(calls.c.review_score, query.score),
        _has("phase", query.phases),
        _has("alert", query.alerts),
        _has("tier", query.tiers),
        _PAUSES[query.pauses],
        _REVIEWED[query.reviewed],
    ]
    if query.score != Range():
        found.append(_REVIEWED[Reviewed.YES])
    if query.customer_ref:
        found.append(
            calls.c.customer_ref.startswith(query.customer_ref, autoescape=True)
        )
    if query.began_from is not None:
        found.append(calls.c.started_at >= query.began_from.astimezone(UTC))
    if query.began_before is not None:
        found.append(calls.c.started_at < query.began_before.astimezone(UTC))
    holds = _holds_sqlite if dialect == "sqlite" else _holds_postgres
    found += [holds(term, query.said_by) for term in terms]
    return [condition for condition in found if condition is not _ALL]


_ALL: sa.ColumnElement[bool] = sa.true()

_PAUSES: dict[Pauses, sa.ColumnElement[bool]] = {
    Pauses.ANY: _ALL,
    Pauses.FOLLOWED: calls.c.cues_followed > 0,
    Pauses.IGNORED: calls.c.cues_ignored > 0,
    Pauses.NONE: sa.and_(calls.c.cues_followed == 0, calls.c.cues_ignored == 0),
}
_REVIEWED: dict[Reviewed, sa.ColumnElement[bool]] = {
    Reviewed.ANY: _ALL,
    Reviewed.YES: calls.c.review_score >= 0,
    Reviewed.NO: calls.c.review_score < 0,
}


def _any_of(column: sa.Column[str], values: Sequence[str]) -> sa.ColumnElement[bool]:
    return column.in_(values) if values else _ALL


def _within(column: sa.Column[float], wanted: Range) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.least is not None:
        found.append(column >= wanted.least)
    if wanted.most is not None:
        found.append(column <= wanted.most)
    return found


def _has(kind: str, values: Sequence[str]) -> sa.ColumnElement[bool]:
    if not values:
        return _ALL
    return calls.c.id.in_(
        sa.select(facets.c.id).where(facets.c.kind == kind, facets.c.value.in_(values))
    )


_words = sa.table(
    "desk_words",
    sa.column("rowid", sa.Integer),
    sa.column("id", sa.Integer),
    *(sa.column(party, sa.Text) for party in _PARTIES),
)
_pairs = sa.table("desk_pairs", sa.column("rowid", sa.Integer))


def _holds_sqlite(term: Term, said_by: SaidBy) -> sa.ColumnElement[bool]:
    """Whether the words hold `term`: by trigrams, pairs, or by reading them all."""
    phrase = '"' + term.text.replace('"', '""') + '"'
    column = "" if said_by is SaidBy.ANYBODY else f"{said_by}: "
    if len(term.text) >= TRIGRAM:
        table, match = _words, f"{column}{phrase}"
    elif term.is_short:
        table, match = _pairs, f"{column}{phrase}{'*' if term.is_prefix else ''}"
    else:
        rows = sa.select(_words.c.rowid).where(_contains(term, said_by))
        return _in_or_not(rows, term)
    named: sa.ColumnElement[str] = sa.literal_column(table.name)
    rows = sa.select(table.c.rowid).where(named.op("MATCH")(match))
    return _in_or_not(rows, term)


def _holds_postgres(term: Term, said_by: SaidBy) -> sa.ColumnElement[bool]:
    """Whether the words hold `term`, by the indexes on trigrams and on pairs."""
    if len(term.text) >= TRIGRAM or not term.is_short:
        return _in_or_not(sa.select(_words.c.id).where(_contains(term, said_by)), term)
    lexeme = f"'{term.text}'" + (":*" if term.is_prefix else "")
    wanted = sa.cast(lexeme, TSQUERY)
    matches = [
        sa.column(f"{party}_pairs").op("@@")(wanted) for party in _columns(said_by)
    ]
    return _in_or_not(
        sa.select(_words.c.id).select_from(_words).where(sa.or_(*matches)), term
    )


def _columns(said_by: SaidBy) -> Sequence[str]:
    return _PARTIES if said_by is SaidBy.ANYBODY else (str(said_by),)


def _contains(term: Term, said_by: SaidBy) -> sa.ColumnElement[bool]:
    return sa.or_(
        *(
            _words.c[party].contains(term.text, autoescape=True)
            for party in _columns(said_by)
        )
    )


def _in_or_not(rows: sa.Select[tuple[int]], term: Term) -> sa.ColumnElement[bool]:
    return calls.c.id.not_in(rows) if term.excluded else calls.c.id.in_(rows)


def _after(cursor: Cursor, column: sa.Column[object]) -> sa.ColumnElement[bool]:
    value = cursor.moment if cursor.sort is SortBy.DATE else cursor.value
    here = sa.tuple_(column, calls.c.id)
    there = sa.tuple_(
        sa.literal(value, column.type), sa.literal(cursor.row_id, calls.c.id.type)
    )
    return here > there if cursor.ascending else here < there


def _cursor(query: SearchQuery, last: sa.Row[tuple[object, ...]]) -> Cursor:
    value = getattr(last, _SORTS[query.sort].name)
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None).isoformat()
    return Cursor(query.sort, query.ascending, value, last.id)


_WORKED_OUT = ("id", "started_at", "review_score", "curve", "total")


def _with_details(
    connection: sa.Connection,
    rows: Sequence[sa.Row[tuple[object, ...]]],
    terms: Sequence[Term],
    said_by: SaidBy,
) -> tuple[FoundCall, ...]:
    """Add to each call what it has had, and the first words that were found."""
    ids = [row.id for row in rows]
    had: dict[tuple[int, str], list[str]] = {}
    for row_id, kind, value in connection.execute(
        sa.select(facets).where(facets.c.id.in_(ids))
    ):
        had.setdefault((row_id, kind), []).append(value)
    wanted = [term.text for term in terms if not term.excluded]
    lines = _lines(connection, ids) if wanted else {}
    return tuple(
        FoundCall(
            **{
                name: value
                for name, value in row._mapping.items()  # noqa: SLF001 - SQLAlchemy's public name for it
                if name not in _WORKED_OUT
            },
            started_at=row.started_at.replace(tzinfo=UTC).isoformat(),
            review_score=row.review_score if row.review_score >= 0 else None,
            curve=tuple(row.curve),
            phases=tuple(had.get((row.id, "phase"), ())),
            rules=tuple(had.get((row.id, "alert"), ())),
            tiers=tuple(had.get((row.id, "tier"), ())),
            said=_said(lines.get(row.id, ()), wanted, said_by),
        )
        for row in rows
    )


_Line = tuple[str, float, str]


def _lines(connection: sa.Connection, ids: Sequence[int]) -> dict[int, Sequence[_Line]]:
    query = sa.select(calls.c.id, calls.c.lines).where(calls.c.id.in_(ids))
    return {row.id: row.lines for row in connection.execute(query)}


def _said(
    lines: Sequence[_Line], wanted: Sequence[str], said_by: SaidBy
) -> tuple[Spoken, ...]:
    """The first line that holds each term, in the order of the call."""
    found: dict[float, Spoken] = {}
    open_terms = set(wanted)
    for party, start_s, text in lines:
        if not open_terms:
            break
        if said_by is not SaidBy.ANYBODY and party != said_by:
            continue
        spelling = normal(text)
        if here := {term for term in open_terms if term in spelling}:
            open_terms -= here
            found[start_s] = Spoken(party, start_s, text, _marks(text, wanted))
    return tuple(found.values())


def _marks(text: str, wanted: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Where the terms stand in the text as it was written.

    Only where its normal spelling has the same length, which is nearly always;
    elsewhere the line is shown without marks.
    """
    spelling = unicodedata.normalize("NFKC", text).casefold()
    if len(spelling) != len(text):
        return ()
    marks = [
        (match.start(), match.end())
        for term in wanted
        for match in re.finditer(re.escape(term), spelling)
    ]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(marks):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
