"""What is kept of a call, by kind, and how it is removed so that it is gone.

The one place that knows where the traces of a call lie. Any table with a column
``call_id`` belongs to its calls and is emptied with them, whoever made it; what
lies elsewhere is named here.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from server.audio_log import RAW
from server.desk.tables import files as import_files
from server.journal import SUFFIX as JOURNAL
from server.store import CALLS, ENTRIES
from server.trust.retention import DataKind

_READ_BYTES = 1 << 20
_KEPT_TABLES = ("audit", "holds")
"""What says that there was a call stays, and so does what forbids to remove it."""

_WORDS = ("TranscriptFinal", "WordsRead", "WordsSoFar", "Note")
_CURVE = (
    "HostilityPoint",
    "PhaseChanged",
    "Forecast",
    "VoiceReading",
    "WordsRead",
    "WordsSoFar",
    "CustomerKindChanged",
)
_WARNINGS = ("Alert", "Cue")
"""What the names of events begin with that follow from the score."""

_REVIEWS = ("desk_reviews", "desk_comments", "desk_corrections")
_INDEX = "desk_calls"
"""The search index; what is removed from it is made anew from what is left."""

_FACTS = "report_facts"
_FULL_TEXT = ("desk_words", "desk_pairs")


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed of one call.

    Attributes:
        rows: how many rows, by table.
        log_sha256: SHA-256 of its log as canonical JSON; empty: it had none.
        files: SHA-256 of each file, by what it was.
    """

    call_id: str
    rows: Mapping[str, int]
    log_sha256: str
    files: Mapping[str, str]


class Removal:
    """Removes calls, whole or by kind. Blocking; any thread, any process.

    Args:
        engine: the database.
        data_dir: the folder with the recordings.
    """

    def __init__(self, engine: sa.Engine, data_dir: Path) -> None:
        self._engine = engine
        self._recordings = data_dir / "audio"
        self._covered = data_dir / "redacted"

    def is_settled(self, call_id: str) -> bool:
        """Whether a call is over, and its recording finished."""
        query = sa.select(CALLS.c.end_reason).where(CALLS.c.call_id == call_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        busy = (self._recordings / f"{call_id}{end}" for end in (RAW, JOURNAL))
        return (
            row is not None
            and row.end_reason is not None
            and not any(path.exists() for path in busy)
        )

    def remove(self, call_id: str) -> Removed:
        """Remove everything of a call that `is_settled`; the files go first.

        If it is broken off, it can be done again.
        """
        files = {path.name: _sha256(path) for path in self._files(call_id)}
        with self._engine.connect() as connection:
            log_sha256 = _log_sha256(connection, call_id)
            uploaded = self._uploaded(connection, call_id)
        for path in (*self._files(call_id), *uploaded):
            path.unlink(missing_ok=True)
        rows: dict[str, int] = {}
        with self._cleaning() as connection:
            for table in self._tables(connection):
                gone = connection.execute(
                    sa.delete(table).where(table.c.call_id == call_id)
                )
                if gone.rowcount:
                    rows[table.name] = gone.rowcount
        return Removed(call_id, rows, log_sha256, files)

    def has(self, call_id: str, kind: DataKind) -> bool:
        """Whether anything of a kind is kept of a call."""
        if kind is DataKind.AUDIO:
            return any(self._files(call_id))
        with self._engine.connect() as connection:
            return any(
                connection.execute(
                    sa.select(sa.literal(1)).select_from(table).where(where).limit(1)
                ).first()
                for table, where in self._of_kind(connection, call_id, kind)
            )

    def remove_kind(self, call_id: str, kind: DataKind) -> None:
        """Remove one kind of what is kept of a call that `is_settled`."""
        if kind is DataKind.AUDIO:
            for path in self._files(call_id):
                path.unlink(missing_ok=True)
            return
        with self._cleaning() as connection:
            for table, where in self._of_kind(connection, call_id, kind):
                connection.execute(sa.delete(table).where(where))
            for name in (_INDEX, _FACTS):
                derived = _table(connection, name)
                if derived is not None:
                    own = derived.c.call_id == call_id
                    connection.execute(sa.delete(derived).where(own))
            if kind is DataKind.SCORES:
                connection.execute(
                    sa.update(CALLS)
                    .where(CALLS.c.call_id == call_id)
                    .values(peak_score=0, alerts=0, cues_followed=0, cues_ignored=0)
                )

    def wipe(self) -> None:
        """Leave no removed words in the database's own files either.

        Blocks every writer for the time that it takes; after a removal.
        """
        if self._engine.dialect.name != "sqlite":
            return  # PostgreSQL's own vacuum reclaims its pages.
        with self._engine.connect() as connection:
            known = sa.inspect(connection).get_table_names()
            for name in _FULL_TEXT:
                if name in known:
                    connection.exec_driver_sql(
                        f"INSERT INTO {name}({name}) VALUES('optimize')"
                    )
            connection.commit()
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _files(self, call_id: str) -> list[Path]:
        return [
            path
            for folder in (self._recordings, self._covered)
            for path in sorted(folder.glob(f"{call_id}.*"))
        ]

    def _uploaded(self, connection: sa.Connection, call_id: str) -> list[Path]:
        """Copies that the service made of a recording that was imported."""
        if not sa.inspect(connection).has_table(import_files.name):
            return []
        own = sa.and_(import_files.c.call_id == call_id, import_files.c.ours.is_(True))
        found = connection.scalars(sa.select(import_files.c.path).where(own))
        return [Path(path) for path in found]

    def _tables(self, connection: sa.Connection) -> Iterator[sa.TableClause]:
        """Every table with calls in it, the calls' own last."""
        for name in sa.inspect(connection).get_table_names():
            table = _table(connection, name)
            if table is not None and name not in (*_KEPT_TABLES, CALLS.name):
                yield table
        yield CALLS

    def _of_kind(
        self, connection: sa.Connection, call_id: str, kind: DataKind
    ) -> list[tuple[sa.TableClause, sa.ColumnElement[bool]]]:
        """Where a kind lies: tables, and which of their rows."""
        own = ENTRIES.c.call_id == call_id
        if kind is DataKind.TRANSCRIPT:
            return [(ENTRIES, sa.and_(own, ENTRIES.c.kind.in_(_WORDS)))]
        if kind is DataKind.SCORES:
            follows = [ENTRIES.c.kind.startswith(name) for name in _WARNINGS]
            scored = sa.or_(ENTRIES.c.kind.in_(_CURVE), *follows)
            return [(ENTRIES, sa.and_(own, scored))]
        tables = [_table(connection, name) for name in _REVIEWS]
        return [(it, it.c.call_id == call_id) for it in tables if it is not None]

    def _cleaning(self) -> "_Cleaning":
        return _Cleaning(self._engine)


class _Cleaning:
    """A transaction in which what is deleted is overwritten."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def __enter__(self) -> sa.Connection:
        self._connection = self._engine.connect()
        if self._engine.dialect.name == "sqlite":
            self._connection.exec_driver_sql("PRAGMA secure_delete=ON")
            self._connection.commit()
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._connection.commit()
            else:
                self._connection.rollback()
        finally:
            self._connection.close()


def _table(connection: sa.Connection, name: str) -> sa.TableClause | None:
    """A table that has calls in it, None when there is none of this name."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(name):
        return None
    names = [column["name"] for column in inspector.get_columns(name)]
    if "call_id" not in names:
        return None
    return sa.table(name, sa.column("call_id", sa.String))


def _log_sha256(connection: sa.Connection, call_id: str) -> str:
    query = (
        sa.select(ENTRIES.c.seq, ENTRIES.c.kind, ENTRIES.c.body)
        .where(ENTRIES.c.call_id == call_id)
        .order_by(ENTRIES.c.seq)
    )
    log = [[row.seq, row.kind, row.body] for row in connection.execute(query)]
    if not log:
        return ""
    text = json.dumps(log, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(_READ_BYTES):
            digest.update(data)
    return digest.hexdigest()
