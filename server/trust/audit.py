"""The audit log: who saw or changed what, in a chain that cannot be bent unseen.

Every entry carries the SHA-256 of itself and of the entry before it, so a changed,
removed, added or reordered line breaks the chain from there on. Triggers in the
database refuse UPDATE and DELETE; `verify` finds what was done past them. What no
chain can tell from the inside is that its end was cut off: for that the head is
written down elsewhere (`Anchor`) and compared.

Source: Schneier, Kelsey: Secure Audit Logs to Support Computer Forensics, 1999;
the idea of anchoring a head outside: Haber, Stornetta, 1991.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

import sqlalchemy as sa

from server.trust.errors import AuditError

Detail = Mapping[str, str | int | float | bool | None]
"""What else is worth knowing of an action: codes, counts, hashes. Never words."""

FIRST_PREVIOUS = "0" * 64
"""What stands in the place of a hash before the first entry."""

_CODE = re.compile(r"[A-Za-z0-9_.:/+=,@#-]{0,160}")
"""No blank and no letter but ASCII: nothing that somebody said fits in."""

_PAGE = 1000
_LOCK = 0x43414C4D
"""Number of the PostgreSQL advisory lock that writers of the log wait for."""


class Action(StrEnum):
    """What somebody did. New kinds are added here, and nowhere else."""

    WATCH = "watch"
    VIEW = "view"
    VIEW_UNREDACTED = "view_unredacted"
    LISTEN = "listen"
    LISTEN_UNREDACTED = "listen_unredacted"
    SEARCH = "search"
    EXPORT = "export"
    REPORT = "report"
    LISTEN_IN = "listen_in"
    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    CLOSE_ALERT = "close_alert"
    NOTE = "note"
    IMPORT = "import"
    SCORE = "score"
    CARD = "card"
    DISPUTE = "dispute"
    COMMENT = "comment"
    CORRECT = "correct"
    RULES = "rules"
    PEOPLE = "people"
    LOG_IN = "log_in"
    LOG_IN_FAILED = "log_in_failed"
    LOG_OUT = "log_out"
    HOLD = "hold"
    RELEASE = "release"
    RETENTION = "retention"
    DELETE = "delete"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something.

    Attributes:
        name: log-in name; of a command: the user of the operating system.
        role: what they act as, e.g. ``auditor``, ``shell`` or ``service``.
    """

    name: str
    role: str


SERVICE = Actor("calmline", "service")
"""The service itself, on its own account."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the log.

    Attributes:
        seq: 1, 2, 3, ... without a gap.
        at: when, ISO 8601 in UTC.
        call_id: the call that it was about; empty for none.
        detail: canonical JSON of what else is known.
        previous: hash of the entry before, or `FIRST_PREVIOUS`.
        hash: SHA-256 in hex of everything above.
    """

    seq: int
    at: str
    who: str
    role: str
    action: str
    call_id: str
    detail: str
    previous: str
    hash: str

    def expected_hash(self) -> str:
        """The hash that an untouched entry has."""
        content = asdict(self)
        del content["hash"]
        return hashlib.sha256(_canonical(content).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Anchor:
    """How far the log was at some time, to be kept where its editor cannot reach."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote.

        Raises:
            AuditError: it is not an anchor.
        """
        found = re.fullmatch(r"(\d+):([0-9a-f]{64})", text.strip())
        if found is None:
            raise AuditError(
                "an anchor is a number, a colon and 64 hex digits, as "
                "`calmline audit anchor` prints it"
            )
        return cls(int(found[1]), found[2])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the log found.

    Attributes:
        checked: entries that were looked at.
        broken_seq: the first entry that is not what was written; None: none is.
        problem: what is wrong there; empty: nothing.
    """

    checked: int
    broken_seq: int | None = None
    problem: str = ""

    @property
    def whole(self) -> bool:
        """Whether the log is what was written."""
        return self.broken_seq is None


_METADATA = sa.MetaData()
_TABLE = sa.Table(
    "audit",
    _METADATA,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("who", sa.String(64), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("call_id", sa.String(64), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def _check_detail(detail: Detail) -> None:
    for key, value in detail.items():
        texts = (key, value) if isinstance(value, str) else (key,)
        if not all(_CODE.fullmatch(text) for text in texts):
            # The value is left out: it may be what must not be written down.
            raise AuditError(
                "a detail of the audit log is a code, a number or a hash: up to 160 "
                "ASCII letters, digits and signs without a blank; another one came "
                f"under a key of {len(key)} characters"
            )


class AuditLog:
    """Writes and checks the audit log. Blocking; any thread, any process.

    Args:
        engine: the database, migrated.
        now: the clock.
    """

    def __init__(
        self,
        engine: sa.Engine,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._now = now

    def record(
        self,
        who: Actor,
        action: Action,
        call_id: str = "",
        detail: Detail | None = None,
    ) -> AuditEntry:
        """Write one entry, in a transaction of its own; it is there on return.

        Args:
            who: the person or command that acts.
            action: what they do.
            call_id: the call that it is about, if it is about one.
            detail: codes, counts and hashes, never words, names or references.

        Raises:
            AuditError: the detail could hold words that somebody spoke.
        """
        _check_detail(detail or {})
        with self._engine.connect() as connection:
            _wait_for_turn(connection)
            last = connection.execute(
                sa.select(_TABLE.c.seq, _TABLE.c.hash)
                .order_by(_TABLE.c.seq.desc())
                .limit(1)
            ).first()
            entry = AuditEntry(
                seq=last.seq + 1 if last else 1,
                at=self._now().astimezone(UTC).isoformat(timespec="milliseconds"),
                who=who.name,
                role=who.role,
                action=str(action),
                call_id=call_id,
                detail=_canonical(detail or {}),
                previous=last.hash if last else FIRST_PREVIOUS,
                hash="",
            )
            entry = replace(entry, hash=entry.expected_hash())
            connection.execute(_TABLE.insert().values(asdict(entry)))
            connection.commit()
        return entry

    def head(self) -> Anchor:
        """The last entry's number and hash; number 0 when there is none."""
        with self._engine.connect() as connection:
            last = connection.execute(
                sa.select(_TABLE.c.seq, _TABLE.c.hash)
                .order_by(_TABLE.c.seq.desc())
                .limit(1)
            ).first()
        return Anchor(last.seq, last.hash) if last else Anchor(0, FIRST_PREVIOUS)

    def entries(self) -> Iterator[AuditEntry]:
        """Every entry, oldest first; a page of them stands in memory at a time."""
        last_seq: int | None = None
        while True:
            query = sa.select(_TABLE).order_by(_TABLE.c.seq).limit(_PAGE)
            if last_seq is not None:
                query = query.where(_TABLE.c.seq > last_seq)
            with self._engine.connect() as connection:
                rows = connection.execute(query).all()
            for row in rows:
                yield AuditEntry(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
            if len(rows) < _PAGE:
                return
            last_seq = rows[-1].seq

    def newest(
        self, limit: int, before_seq: int | None = None, call_id: str | None = None
    ) -> list[AuditEntry]:
        """The newest entries, of all calls or of one."""
        query = sa.select(_TABLE).order_by(_TABLE.c.seq.desc()).limit(limit)
        if before_seq is not None:
            query = query.where(_TABLE.c.seq < before_seq)
        if call_id is not None:
            query = query.where(_TABLE.c.call_id == call_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [AuditEntry(**row._mapping) for row in rows]  # noqa: SLF001 - as above

    def verify(self, anchors: Sequence[Anchor] = ()) -> Verdict:
        """Check the whole chain, and that it still holds every anchor."""
        return verify(self.entries(), anchors)


def verify(entries: Iterable[AuditEntry], anchors: Sequence[Anchor] = ()) -> Verdict:
    """Check a chain from its first entry on.

    Args:
        entries: oldest first; from the database, or from an export.
        anchors: heads that were written down before.
    """
    previous = FIRST_PREVIOUS
    waiting: dict[int, set[str]] = {}
    for anchor in anchors:
        if anchor.seq:
            waiting.setdefault(anchor.seq, set()).add(anchor.hash)
    checked = 0
    for expected_seq, entry in enumerate(entries, 1):
        problem = _problem(entry, expected_seq, previous)
        if not problem and waiting.pop(entry.seq, {entry.hash}) != {entry.hash}:
            problem = "it is not the entry that was anchored"
        if problem:
            return Verdict(checked, expected_seq, problem)
        previous = entry.hash
        checked += 1
    if waiting:
        return Verdict(
            checked,
            checked + 1,
            f"the log was cut off: it was anchored at entry {max(waiting)}",
        )
    return Verdict(checked)


def _problem(entry: AuditEntry, expected_seq: int, previous: str) -> str:
    if entry.seq != expected_seq:
        return f"it is missing: entry {entry.seq} stands in its place"
    if entry.previous != previous:
        return "it does not follow from the entry before it"
    if entry.hash != entry.expected_hash():
        return "it was changed: its content does not have its hash"
    return ""


def _wait_for_turn(connection: sa.Connection) -> None:
    """One writer at a time, over all threads and processes."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
