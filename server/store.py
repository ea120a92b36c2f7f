"""The database: every call and every entry of its log.

SQLite in WAL mode by default; any SQLAlchemy URL works. Blocking: the service
calls it from one storage thread.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from alerts.events import AlertOpened, CueFollowed, CueIgnored
from emotion.events import HostilityPoint
from server.errors import StoreError, StoreUnavailableError
from server.events import (
    CallEnded,
    CallEndReason,
    CallStarted,
    Event,
    LogEntry,
    StartedOver,
    TurnsFound,
    current,
)
from server.wire import StoredEntry, entry_from_json, entry_to_json

_BUSY_TIMEOUT_S = 2
"""How long one write waits for a lock; whoever writes tries again by itself."""


class _Base(DeclarativeBase):
    pass


class _CallRow(_Base):
    __tablename__ = "calls"

    call_id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    agent_id: Mapped[str] = mapped_column(sa.String(64), index=True)
    team: Mapped[str] = mapped_column(sa.String(64), index=True, default="")
    customer_ref: Mapped[str] = mapped_column(sa.String(128), index=True)
    language: Mapped[str | None] = mapped_column(sa.String(8))
    parties: Mapped[list[str]] = mapped_column(sa.JSON)
    encoding: Mapped[str] = mapped_column(sa.String(16))
    rate: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), index=True)
    duration_s: Mapped[float | None]
    end_reason: Mapped[str | None] = mapped_column(sa.String(32), index=True)
    peak_score: Mapped[float] = mapped_column(default=0.0)
    alerts: Mapped[int] = mapped_column(default=0)
    cues_followed: Mapped[int] = mapped_column(default=0)
    cues_ignored: Mapped[int] = mapped_column(default=0)


class _EntryRow(_Base):
    __tablename__ = "entries"

    call_id: Mapped[str] = mapped_column(
        sa.ForeignKey("calls.call_id", ondelete="CASCADE"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(primary_key=True)
    at_s: Mapped[float]
    kind: Mapped[str] = mapped_column(sa.String(32), index=True)
    body: Mapped[dict[str, object]] = mapped_column(sa.JSON)


CALLS: sa.Table = _Base.metadata.tables["calls"]
ENTRIES: sa.Table = _Base.metadata.tables["entries"]
"""For those who ask the database themselves: reports, search, deletion."""


@dataclass(frozen=True, slots=True)
class NewCall:
    """What is known of a call when it begins."""

    started: CallStarted
    started_at: datetime
    encoding: str
    rate: int


@dataclass(frozen=True, slots=True)
class CallSummary:
    """One call in a list; the three end fields are None while it is live."""

    call_id: str
    agent_id: str
    team: str
    customer_ref: str
    language: str | None
    parties: tuple[str, ...]
    encoding: str
    rate: int
    started_at: str
    ended_at: str | None
    duration_s: float | None
    end_reason: CallEndReason | None
    peak_score: float
    alerts: int
    cues_followed: int
    cues_ignored: int


def _summary(row: _CallRow) -> CallSummary:
    # SQLite gives datetimes back without their zone; all of them are UTC.
    started = row.started_at.replace(tzinfo=UTC)
    ended_at = None
    if row.duration_s is not None:
        ended_at = datetime.fromtimestamp(started.timestamp() + row.duration_s, UTC)
    return CallSummary(
        call_id=row.call_id,
        agent_id=row.agent_id,
        team=row.team,
        customer_ref=row.customer_ref,
        language=row.language,
        parties=tuple(row.parties),
        encoding=row.encoding,
        rate=row.rate,
        started_at=started.isoformat(),
        ended_at=ended_at.isoformat() if ended_at else None,
        duration_s=row.duration_s,
        end_reason=CallEndReason(row.end_reason) if row.end_reason else None,
        peak_score=row.peak_score,
        alerts=row.alerts,
        cues_followed=row.cues_followed,
        cues_ignored=row.cues_ignored,
    )


class Store:
    """Calls and their logs, kept.

    Args:
        url: SQLAlchemy database URL, e.g. ``sqlite:///folder/calmline.db``.

    Raises:
        StoreError: the database cannot be opened or brought up to date.
    """

    def __init__(self, url: str) -> None:
        try:
            # An error message with a statement's values would hold what callers said.
            self._engine = sa.create_engine(url, hide_parameters=True)
        except (sa.exc.ArgumentError, ImportError) as error:
            # Without the URL: it may have a password in it.
            raise StoreError(
                f"service.database_url is of no database ({type(error).__name__}): "
                "expected such as sqlite:////folder/calmline.db, or "
                "postgresql+psycopg://user@host/name with calmline[postgresql] "
                "installed"
            ) from error
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _configure_sqlite)
        try:
            _migrate(self._engine)
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(
                f"the database {self._engine.url!r} cannot be used: "
                f"{type(error).__name__}. Expected a readable and writable database"
            ) from error

    @property
    def engine(self) -> sa.Engine:
        """The migrated database, for what keeps tables of its own in it."""
        return self._engine

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()

    def add_call(self, call: NewCall) -> None:
        """Remember that a call began; its entries come with `append`.

        Raises:
            StoreUnavailableError: the database cannot be used now.
            StoreError: there is a call of this id.
        """
        with self._writing(f"call {call.started.call_id} exists") as session:
            session.add(_new_row(call))

    def append(self, call_id: str, entries: Sequence[LogEntry]) -> None:
        """Write entries in one transaction, and the call's figures with them.

        Raises:
            StoreUnavailableError: the database cannot be used now.
            StoreError: the call is unknown, or an entry with this seq exists.
        """
        rows = [_EntryRow(call_id=call_id, **entry_to_json(e)) for e in entries]
        with self._writing(f"call {call_id}: an entry was written twice") as session:
            call = session.get(_CallRow, call_id)
            if call is None:
                raise StoreError(f"call {call_id} is not in the database")
            session.add_all(rows)
            for entry in entries:
                _count(call, entry)

    def probe(self) -> None:
        """See whether the database could be written now.

        Raises:
            StoreUnavailableError: it could not.
        """
        with self._reading() as session:
            if self._engine.dialect.name == "sqlite":
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            else:
                session.scalar(sa.select(1))
            session.rollback()

    def last_seq(self, call_id: str) -> int:
        """How many entries of a call are stored."""
        query = sa.select(sa.func.max(_EntryRow.seq)).where(
            _EntryRow.call_id == call_id
        )
        with self._reading() as session:
            return session.scalar(query) or 0

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        """A session to read in; what the database cannot do now is one error."""
        try:
            self._see_file()
            with Session(self._engine) as session:
                yield session
        except sa.exc.DatabaseError as error:
            raise _unavailable(error) from error

    @contextmanager
    def _writing(self, conflict: str) -> Iterator[Session]:
        """A transaction; what the database cannot do now is one error."""
        try:
            self._see_file()
            with Session(self._engine) as session, session.begin():
                yield session
        except sa.exc.IntegrityError as error:
            raise StoreError(conflict) from error
        except sa.exc.DatabaseError as error:
            raise _unavailable(error) from error

    def _see_file(self) -> None:
        """Make a database file again that somebody removed.

        SQLite would go on writing into the file that is gone. Live calls write
        their logs again; calls that were over are lost with the file.
        """
        file = self._engine.url.database
        if self._engine.dialect.name != "sqlite" or not file or file == ":memory:":
            return
        if Path(file).exists():
            return
        self._engine.dispose()
        try:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            _migrate(self._engine)
        except OSError as error:
            raise StoreUnavailableError(
                f"the folder of the database is gone: {error.strerror}"
            ) from error

    def add_finished(self, call: NewCall, entries: Sequence[LogEntry]) -> None:
        """Write a call that is over with its whole log, in one transaction.

        Raises:
            StoreError: there is a call of this id already.
        """
        started = call.started
        row = _new_row(call)
        row.peak_score = 0.0
        for entry in entries:
            _count(row, entry)
        rows = [{"call_id": started.call_id, **entry_to_json(e)} for e in entries]
        with self._writing(f"call {started.call_id} is there already") as session:
            session.add(row)
            session.flush()
            session.execute(sa.insert(_EntryRow), rows)

    def forget(self, call_id: str, entries: Sequence[LogEntry]) -> None:
        """Delete a call's log and keep `entries`, which say that it was deleted.

        Raises:
            StoreUnavailableError: the database cannot be used now.
        """
        with self._writing(f"call {call_id} is being written") as session:
            session.execute(sa.delete(_EntryRow).where(_EntryRow.call_id == call_id))
            call = session.get(_CallRow, call_id)
            if call is not None:
                call.customer_ref = ""
                call.peak_score = 0.0
                call.alerts = call.cues_followed = call.cues_ignored = 0
        self.append(call_id, entries)

    def call(self, call_id: str) -> CallSummary | None:
        """One call, or None when there is none of this id."""
        with self._reading() as session:
            row = session.get(_CallRow, call_id)
            return _summary(row) if row else None

    def calls(self, *, live: bool, limit: int) -> list[CallSummary]:
        """The newest calls, live ones or ended ones."""
        over = _CallRow.end_reason.is_not(None)
        query = (
            sa.select(_CallRow)
            .where(sa.not_(over) if live else over)
            .order_by(_CallRow.started_at.desc(), _CallRow.call_id)
            .limit(limit)
        )
        with self._reading() as session:
            return [_summary(row) for row in session.scalars(query)]

    def ended_calls(
        self,
        limit: int,
        team: str = "",
        after: datetime | None = None,
        before: datetime | None = None,
    ) -> list[CallSummary]:
        """The newest ended calls, of a team and of a time where these are given."""
        wanted: list[sa.ColumnElement[bool]] = [_CallRow.end_reason.is_not(None)]
        if team:
            wanted.append(_CallRow.team == team)
        if after is not None:
            wanted.append(_CallRow.started_at >= after)
        if before is not None:
            wanted.append(_CallRow.started_at < before)
        query = (
            sa.select(_CallRow)
            .where(*wanted)
            .order_by(_CallRow.started_at.desc(), _CallRow.call_id)
            .limit(limit)
        )
        with self._reading() as session:
            return [_summary(row) for row in session.scalars(query)]

    def mono_calls(self, since: datetime) -> list[str]:
        """Ids of finished calls on one channel that were not heard as a whole yet.

        Args:
            since: only calls that began then or later.
        """
        heard = sa.select(_EntryRow.call_id).where(
            _EntryRow.kind == TurnsFound.__name__
        )
        query = (
            sa.select(_CallRow.call_id)
            .where(
                _CallRow.started_at >= since,
                _CallRow.end_reason.is_not(None),
                _CallRow.end_reason != str(CallEndReason.CONSENT_REFUSED),
                sa.cast(_CallRow.parties, sa.String).contains("unknown"),
                _CallRow.call_id.not_in(heard),
            )
            .order_by(_CallRow.started_at)
        )
        with self._reading() as session:
            return list(session.scalars(query))

    def happened(
        self, since: datetime, kinds: Sequence[type[Event]]
    ) -> list[tuple[str, LogEntry]]:
        """Entries of these kinds in the calls begun since then, with their calls."""
        names = [kind.__name__ for kind in kinds]
        query = (
            sa.select(_EntryRow)
            .join(_CallRow, _CallRow.call_id == _EntryRow.call_id)
            .where(_CallRow.started_at >= since, _EntryRow.kind.in_(names))
            .order_by(_CallRow.started_at, _EntryRow.call_id, _EntryRow.seq)
        )
        with self._reading() as session:
            return [(row.call_id, _entry(row)) for row in session.scalars(query)]

    def entries(self, call_id: str) -> list[LogEntry]:
        """What holds of a call's log, in order; empty when there is none."""
        return current(self.whole_log(call_id))

    def whole_log(self, call_id: str) -> list[LogEntry]:
        """All that was ever written of a call, in order; empty for nothing."""
        return [stored.entry() for stored in self.stored_log(call_id)]

    def stored_log(self, call_id: str) -> list[StoredEntry]:
        """Likewise, as it is kept."""
        # Columns, not objects: of a call of hours there are tens of thousands.
        columns = (_EntryRow.seq, _EntryRow.at_s, _EntryRow.kind)
        body = sa.cast(_EntryRow.body, sa.Text)
        query = sa.select(*columns, body).where(_EntryRow.call_id == call_id)
        with self._reading() as session:
            rows = session.execute(query.order_by(_EntryRow.seq))
            return [StoredEntry(*row) for row in rows]


def _entry(row: _EntryRow) -> LogEntry:
    return entry_from_json(
        {"seq": row.seq, "at_s": row.at_s, "kind": row.kind, "body": row.body}
    )


def _new_row(call: NewCall) -> _CallRow:
    started = call.started
    return _CallRow(
        call_id=started.call_id,
        agent_id=started.agent_id,
        team=started.team,
        customer_ref=started.customer_ref,
        language=started.language,
        parties=[str(party) for party in started.parties],
        encoding=call.encoding,
        rate=call.rate,
        started_at=call.started_at,
    )


def _count(call: _CallRow, entry: LogEntry) -> None:
    match entry.event:
        case HostilityPoint(score=score):
            call.peak_score = max(call.peak_score or 0.0, score)
        case AlertOpened():
            call.alerts = (call.alerts or 0) + 1
        case CueFollowed():
            call.cues_followed = (call.cues_followed or 0) + 1
        case CueIgnored():
            call.cues_ignored = (call.cues_ignored or 0) + 1
        case StartedOver():
            call.peak_score = 0.0
            call.alerts = call.cues_followed = call.cues_ignored = 0
        case CallEnded(reason=reason, duration_s=duration_s):
            call.end_reason = str(reason)
            call.duration_s = duration_s
        case _:
            pass


def _unavailable(error: sa.exc.DatabaseError) -> StoreUnavailableError:
    # Not the message: it has the statement and its values, which are a call's words.
    reason = getattr(error.orig, "sqlite_errorname", type(error.orig).__name__)
    return StoreUnavailableError(f"the database cannot be used now: {reason}")


def _configure_sqlite(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # DBAPI is untyped
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_S * 1000}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _migrate(engine: sa.Engine) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
