"""Imports and their files: what waits, what is worked on, what came of it.

The table is the truth: whoever works on an import can stop at any moment, and
another process goes on from what stands there. A file is either taken in whole or
waits to be begun again.
"""

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Literal

import sqlalchemy as sa
from pydantic import ConfigDict, TypeAdapter

from server.desk.call_table import FACTS, FileFacts
from server.desk.errors import StateError, UnknownError
from server.desk.tables import files, jobs
from server.refusals import Refusal

NOBODY = ""
"""Who began the import of the watched folder."""

STALE_S = 60.0
"""Without a heartbeat for so long, a worker counts as gone."""


class JobState(StrEnum):
    """Whether an import goes on."""

    RUNNING = "running"
    PAUSED = "paused"


class FileState(StrEnum):
    """What came of a file."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    DUPLICATE = "duplicate"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How every file of an import is read, where its own facts do not say.

    Attributes:
        customer: which channel of a stereo recording is the customer's.
        language: ISO 639-1 code; empty: detected for each call.
        text_only: no voice model may hear the customer.
        facts: by file name, for files that come later.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    customer: Literal["left", "right"] = "left"
    language: Literal["", "en", "zh"] = ""
    text_only: bool = False
    facts: dict[str, FileFacts] = field(default_factory=dict)


OPTIONS = TypeAdapter(ImportOptions)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is to be taken in.

    Attributes:
        ours: a copy of our own, which goes away afterwards.
        modified_ns: when it was last changed, nanoseconds since 1970.
    """

    path: Path
    name: str
    facts: FileFacts
    size: int
    modified_ns: int
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One import, summed up.

    Attributes:
        state: ``running``, ``paused`` or, when nothing waits, ``done``.
        counts: files in each state.
        size: bytes of all files.
        done_size: bytes of the files that are worked through, and of the share of
            the one in work.
        audio_s: seconds of audio taken in so far.
        work_s: seconds of work that took.
    """

    job_id: str
    name: str
    by: str
    state: str
    created_at: str
    counts: dict[str, int]
    size: int
    done_size: float
    audio_s: float
    work_s: float


@dataclass(frozen=True, slots=True)
class JobFile:
    """One file of an import."""

    file_id: int
    name: str
    state: str
    reason: Refusal | None
    size: int
    duration_s: float
    done_s: float
    call_id: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A file that a worker has taken to work on."""

    file_id: int
    job_id: str
    path: Path
    name: str
    facts: FileFacts
    options: ImportOptions
    ours: bool
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a file."""

    state: FileState
    reason: Refusal | None = None
    call_id: str = ""
    duration_s: float = 0.0
    work_s: float = 0.0


class Imports:
    """The imports of this service. Blocking; any thread, any process."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def create(self, name: str, by: str, options: ImportOptions) -> str:
        """Begin an import without files; return its id."""
        job_id = secrets.token_hex(8)
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            connection.execute(
                sa.insert(jobs).values(
                    job_id=job_id,
                    name=name,
                    by=by,
                    state=JobState.RUNNING,
                    options=asdict(options),
                    worker="",
                    heartbeat_at=now,
                    created_at=now,
                )
            )
        return job_id

    def add(self, job_id: str, new: Iterable[NewFile]) -> None:
        """Add files to an import."""
        self._insert(job_id, new)

    def _insert(
        self, job_id: str, new: Iterable[NewFile], refused: Refusal | None = None
    ) -> None:
        rows = [
            {
                "job_id": job_id,
                "path": str(file.path),
                "name": file.name,
                "facts": asdict(file.facts),
                "ours": file.ours,
                "state": FileState.FAILED if refused else FileState.WAITING,
                "reason": refused.dump() if refused else "",
                "size": file.size,
                "modified_ns": file.modified_ns,
                "duration_s": 0.0,
                "done_s": 0.0,
                "work_s": 0.0,
                "call_id": "",
            }
            for file in new
        ]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(files), rows)

    def refuse(self, job_id: str, name: str, reason: Refusal) -> None:
        """Say of something that was to be imported why it cannot be."""
        self._insert(job_id, [NewFile(Path(), name, FileFacts(), 0, 0)], reason)

    def options(self, job_id: str) -> ImportOptions:
        """Return how an import reads its files.

        Raises:
            UnknownError: there is no import of this id.
        """
        with self._engine.connect() as connection:
            row = connection.execute(
                sa.select(jobs.c.options).where(jobs.c.job_id == job_id)
            ).one_or_none()
        if row is None:
            raise UnknownError("no_import")
        return OPTIONS.validate_python(row.options)

    def set_options(self, job_id: str, options: ImportOptions) -> None:
        """Read the files that come from now on in this way."""
        self._change(job_id, options=asdict(options))

    def pause(self, job_id: str) -> None:
        """Stop working on an import, until `resume`."""
        self._change(job_id, state=JobState.PAUSED)

    def resume(self, job_id: str) -> None:
        """Go on with an import."""
        self._change(job_id, state=JobState.RUNNING)

    def _change(self, job_id: str, **values: object) -> None:
        with self._engine.begin() as connection:
            changed = connection.execute(
                sa.update(jobs).where(jobs.c.job_id == job_id).values(**values)
            )
            if changed.rowcount == 0:
                raise UnknownError("no_import")

    def remove(self, job_id: str) -> list[Path]:
        """Forget an import; the calls that it brought stay.

        Returns:
            Copies of our own that are no longer needed.

        Raises:
            UnknownError: there is no import of this id.
            StateError: it is being worked on; it has to be paused first.
        """
        with self._engine.begin() as connection:
            row = connection.execute(
                sa.select(jobs.c.state).where(jobs.c.job_id == job_id)
            ).one_or_none()
            if row is None:
                raise UnknownError("no_import")
            rows = connection.execute(
                sa.select(files.c.path, files.c.ours, files.c.state).where(
                    files.c.job_id == job_id
                )
            ).all()
            if any(file.state == FileState.WORKING for file in rows):
                raise StateError("import_in_work")
            connection.execute(sa.delete(files).where(files.c.job_id == job_id))
            connection.execute(sa.delete(jobs).where(jobs.c.job_id == job_id))
        return [Path(file.path) for file in rows if file.ours]

    def all(self) -> list[Job]:
        """Return every import, newest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(jobs).order_by(jobs.c.created_at.desc())
            ).all()
            sums = _sums(connection)
        return [_job(row, sums.get(row.job_id, [])) for row in rows]

    def files(self, job_id: str) -> list[JobFile]:
        """Return an import's files, in the order they were added."""
        columns = [files.c[name] for name in JobFile.__dataclass_fields__]
        query = sa.select(*columns).where(files.c.job_id == job_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(files.c.file_id)).all()
        return [
            JobFile(**dict(row._mapping) | {"reason": Refusal.load(row.reason)})  # noqa: SLF001 - SQLAlchemy's public name for it
            for row in rows
        ]

    def knows(self, path: Path, size: int, modified_ns: int) -> bool:
        """Whether a file, as it stands now, has been in an import."""
        query = sa.select(files.c.file_id).where(
            files.c.path == str(path),
            files.c.size == size,
            files.c.modified_ns == modified_ns,
        )
        with self._engine.connect() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def claim(
        self,
        worker: str,
        only: Sequence[str] = (),
        in_hand: Collection[int] = (),
    ) -> Claim | None:
        """Take the next file that waits; None when there is nothing to do.

        An import whose worker has gone is taken over, and the files that it was at
        are begun again.

        Args:
            worker: who takes it.
            only: ids of imports; empty: every one.
            in_hand: ids of the files that this worker is at already.
        """
        now = datetime.now(UTC)
        stale = now - timedelta(seconds=STALE_S)
        free = sa.or_(jobs.c.worker.in_((worker, "")), jobs.c.heartbeat_at < stale)
        others = files.c.file_id.not_in(tuple(in_hand))
        waiting = sa.select(files.c.job_id).where(
            files.c.state.in_((FileState.WAITING, FileState.WORKING)), others
        )
        query = sa.select(jobs.c.job_id).where(
            jobs.c.state == JobState.RUNNING, free, jobs.c.job_id.in_(waiting)
        )
        if only:
            query = query.where(jobs.c.job_id.in_(only))
        with self._engine.begin() as connection:
            job_id = connection.scalar(query.order_by(jobs.c.created_at).limit(1))
            if job_id is None:
                return None
            taken = connection.execute(
                sa.update(jobs)
                .where(jobs.c.job_id == job_id, free)
                .values(worker=worker, heartbeat_at=now)
            )
            if taken.rowcount == 0:
                return None
            connection.execute(
                sa.update(files)
                .where(
                    files.c.job_id == job_id,
                    files.c.state == FileState.WORKING,
                    others,
                )
                .values(state=FileState.WAITING, done_s=0.0)
            )
            row = connection.execute(
                sa.select(files, jobs.c.options)
                .join(jobs, jobs.c.job_id == files.c.job_id)
                .where(files.c.job_id == job_id, files.c.state == FileState.WAITING)
                .order_by(files.c.file_id)
                .limit(1)
            ).one()
            connection.execute(
                sa.update(files)
                .where(files.c.file_id == row.file_id)
                .values(state=FileState.WORKING, done_s=0.0)
            )
        return Claim(
            file_id=row.file_id,
            job_id=job_id,
            path=Path(row.path),
            name=row.name,
            facts=FACTS.validate_python(row.facts),
            options=OPTIONS.validate_python(row.options),
            ours=row.ours,
            size=row.size,
            modified=datetime.fromtimestamp(row.modified_ns / 1e9, UTC),
        )

    def progress(self, claim: Claim, done_s: float, duration_s: float) -> JobState:
        """Say how far a file is; return whether its import still goes on.

        An import that was removed counts as paused.
        """
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(files)
                .where(files.c.file_id == claim.file_id)
                .values(done_s=done_s, duration_s=duration_s)
            )
            connection.execute(
                sa.update(jobs)
                .where(jobs.c.job_id == claim.job_id)
                .values(heartbeat_at=datetime.now(UTC))
            )
            state = connection.scalar(
                sa.select(jobs.c.state).where(jobs.c.job_id == claim.job_id)
            )
        return JobState(state) if state else JobState.PAUSED

    def finish(self, claim: Claim, outcome: Outcome) -> None:
        """Say what came of a file."""
        self._put(
            claim,
            state=outcome.state,
            reason=outcome.reason.dump() if outcome.reason else "",
            call_id=outcome.call_id,
            duration_s=outcome.duration_s,
            done_s=outcome.duration_s,
            work_s=outcome.work_s,
        )

    def give_back(self, claim: Claim, trouble: Refusal | None = None) -> None:
        """Leave a file for whoever goes on.

        Args:
            claim: the file.
            trouble: what keeps it from being taken in now, for people to read.
        """
        self._put(
            claim,
            state=FileState.WAITING,
            done_s=0.0,
            reason=trouble.dump() if trouble else "",
        )

    def leave(self, worker: str) -> None:
        """Let others go on with what this worker had."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(jobs).where(jobs.c.worker == worker).values(worker="")
            )

    def _put(self, claim: Claim, **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(files)
                .where(files.c.file_id == claim.file_id)
                .values(**values)
            )


@dataclass(frozen=True, slots=True)
class _Sum:
    state: str
    count: int
    size: int
    done_s: float
    duration_s: float
    work_s: float


def _sums(connection: sa.Connection) -> dict[str, list[_Sum]]:
    query = sa.select(
        files.c.job_id,
        files.c.state,
        sa.func.count(),
        sa.func.sum(files.c.size),
        sa.func.sum(files.c.done_s),
        sa.func.sum(files.c.duration_s),
        sa.func.sum(files.c.work_s),
    ).group_by(files.c.job_id, files.c.state)
    found: dict[str, list[_Sum]] = {}
    for job_id, state, count, size, *rest in connection.execute(query):
        found.setdefault(job_id, []).append(_Sum(state, count, int(size), *rest))
    return found


def _job(row: sa.Row[Any], sums: Sequence[_Sum]) -> Job:
    counts = {str(state): 0 for state in FileState} | {s.state: s.count for s in sums}
    open_states = (FileState.WAITING, FileState.WORKING)
    is_over = sums and not any(counts[state] for state in open_states)
    done_size = sum(s.size for s in sums if s.state not in open_states) + sum(
        s.size * s.done_s / s.duration_s
        for s in sums
        if s.state == FileState.WORKING and s.duration_s
    )
    taken = [s for s in sums if s.state == FileState.DONE]
    return Job(
        job_id=row.job_id,
        name=row.name,
        by=row.by,
        state="done" if is_over else row.state,
        created_at=row.created_at.replace(tzinfo=UTC).isoformat(),
        counts=counts,
        size=sum(s.size for s in sums),
        done_size=done_size,
        audio_s=sum(s.duration_s for s in taken),
        work_s=sum(s.work_s for s in taken),
    )
