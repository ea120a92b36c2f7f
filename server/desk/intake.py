"""Takes recordings in: each becomes a finished call, whole or not at all."""

import errno
import hashlib
import logging
import math
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from audio.frame import Party
from server.desk.answer_book import AnswerBook
from server.desk.errors import IntakeError, Stopped
from server.desk.imports import (
    Claim,
    FileState,
    Imports,
    JobState,
    Outcome,
)
from server.desk.index import SearchIndex
from server.desk.peaks import peaks_of
from server.desk.tables import facts as facts_table
from server.errors import RecordingError, StoreError, StoreUnavailableError
from server.events import CallStarted, Consent
from server.factory import CallFactory
from server.flac import write_flac
from server.mono import analyse_recording
from server.recording import Recording, open_recording
from server.refusals import Refusal
from server.store import NewCall, Store

logger = logging.getLogger(__name__)

LONGEST_S = 4 * 3600.0
"""A longer recording is not one call."""

AT_ONCE = 2
"""Files worked on at once. Each is heard up to five minutes ahead, in memory."""

_TELL_EVERY_S = 1.0
_SAMPLE_BYTES = 2
_SPARE_BYTES = 16 << 20
"""Room for the log of a call, its place in the index and what models answered."""


@dataclass(frozen=True, slots=True)
class Office:
    """What taking in a file needs of the house around it."""

    store: Store
    index: SearchIndex
    imports: Imports
    recordings: Path

    def books(self, file_id: int) -> list[Path]:
        """What the models have answered so far about a file that is being taken in."""
        return sorted(self._books.glob(f"{file_id}-*.jsonl"))

    def book(self, file_id: int, content_hash: str) -> Path:
        """Where that is kept: for this file, and this content only."""
        return self._books / f"{file_id}-{content_hash[:16]}.jsonl"

    @property
    def _books(self) -> Path:
        return self.recordings.parent / "imports"


class Intake:
    """Works through imports. Blocking; whoever calls `work` waits for it.

    Several files are worked on at once: while one is listened to, or is written down,
    the models answer what is asked about another.

    Args:
        office: where calls go.
        factory: makes the calls that listen.
        worker: a name that no other worker has.
        stopping: tells whether to leave off now; asked in any thread.
    """

    def __init__(
        self,
        office: Office,
        factory: CallFactory,
        worker: str,
        stopping: Callable[[], bool],
    ) -> None:
        self._office = office
        self._factory = factory
        self._worker = worker
        self._asked_to_stop = stopping
        # Two files keep as many threads busy as one did, not twice as many.
        self._turns = threading.Semaphore(factory.models.words_workers)
        self._failed = threading.Event()
        self._claiming = threading.Lock()
        self._done_s = -math.inf
        self._in_hand: set[int] = set()
        self._contents: set[str] = set()
        self._content_done = threading.Condition()

    def work(
        self,
        only: Sequence[str] = (),
        on_file: Callable[[Claim, Outcome], None] = lambda _claim, _outcome: None,
    ) -> int:
        """Take in files until none waits; return how many were worked through.

        Args:
            only: ids of imports; empty: every one.
            on_file: told what came of each, in any thread.

        Raises:
            OSError: there is no room for a call, or its folder cannot be written; its
                file waits.
            StoreUnavailableError: the database cannot be used now; likewise.
            sqlalchemy.exc.SQLAlchemyError: the same, noticed elsewhere.
        """
        self._failed.clear()
        try:
            with ThreadPoolExecutor(AT_ONCE, "intake") as threads:
                running = [
                    threads.submit(self._take_all, only, on_file)
                    for _ in range(AT_ONCE)
                ]
                try:
                    done, _ = wait(running, return_when=FIRST_EXCEPTION)
                    n_files = sum(one.result() for one in done)
                except BaseException:
                    self._failed.set()
                    raise
        finally:
            self._office.imports.leave(self._worker)
        return n_files

    def _take_all(
        self, only: Sequence[str], on_file: Callable[[Claim, Outcome], None]
    ) -> int:
        n_files = 0
        while not self._stopping() and (claim := self._next(only)) is not None:
            try:
                n_files += self._take(claim, on_file)
            finally:
                self._in_hand.discard(claim.file_id)
        return n_files

    def _next(self, only: Sequence[str]) -> Claim | None:
        with self._claiming:
            claim = self._office.imports.claim(self._worker, only, self._in_hand)
            if claim is not None:
                self._in_hand.add(claim.file_id)
        return claim

    def _take(self, claim: Claim, on_file: Callable[[Claim, Outcome], None]) -> int:
        """Take a file in; return 0 where it was left for later."""
        imports = self._office.imports
        try:
            outcome = self._take_in(claim)
        except Stopped:
            imports.give_back(claim)
            return 0
        except OSError as error:
            imports.give_back(claim, Refusal.of_system(error))
            raise
        except BaseException:
            imports.give_back(claim)
            raise
        imports.finish(claim, outcome)
        for book in self._office.books(claim.file_id):
            book.unlink(missing_ok=True)
        if claim.ours:
            claim.path.unlink(missing_ok=True)
        on_file(claim, outcome)
        return 1

    def _stopping(self) -> bool:
        return self._failed.is_set() or self._asked_to_stop()

    def _take_in(self, claim: Claim) -> Outcome:
        try:
            recording = open_recording(claim.path)
            _check_length(recording.duration_s or 0.0, claim.name)
            self._check_room(recording)
            content_hash = _hash(claim.path)
            with self._alone_with(content_hash):
                return self._analyse(claim, recording, content_hash)
        except (RecordingError, IntakeError) as error:
            # The message names the copy that was made of an upload; people know the
            # file by its own name.
            return Outcome(FileState.FAILED, error.refusal.named(claim.name))
        except (Stopped, OSError, StoreUnavailableError, sa.exc.SQLAlchemyError):
            raise  # Nothing that the file could be blamed for.
        except Exception as error:
            # One file never holds up the others, whatever it does to a decoder.
            logger.exception("a file broke the import", extra={"file": claim.file_id})
            kind = type(error).__name__
            params = {"name": claim.name, "kind": kind}
            return Outcome(FileState.FAILED, Refusal("recording_work", params))

    def _check_room(self, recording: Recording) -> None:
        """See that there is room for a recording before anybody listens to it.

        Raises:
            OSError: there is not.
        """
        folder = self._office.recordings
        folder.mkdir(parents=True, exist_ok=True)
        n_samples = (recording.duration_s or 0.0) * recording.rate
        n_bytes = n_samples * recording.n_channels * _SAMPLE_BYTES + _SPARE_BYTES
        if shutil.disk_usage(folder).free < n_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    @contextmanager
    def _alone_with(self, content_hash: str) -> Iterator[None]:
        """Wait until the same content is in no other thread's hands."""
        with self._content_done:
            self._content_done.wait_for(lambda: content_hash not in self._contents)
            self._contents.add(content_hash)
        try:
            yield
        finally:
            with self._content_done:
                self._contents.discard(content_hash)
                self._content_done.notify_all()

    def _analyse(
        self, claim: Claim, recording: Recording, content_hash: str
    ) -> Outcome:
        if known := self._known(content_hash):
            return Outcome(FileState.DUPLICATE, call_id=known)
        call_id = f"i{content_hash[:19]}"
        began = time.perf_counter()
        started = _started(call_id, claim, recording, self._factory.models.names)
        tell = _Progress(self._office.imports, claim, recording, self._stopping)
        tell(0.0)
        book = AnswerBook(
            self._office.book(claim.file_id, content_hash),
            self._factory.models,
            self._turns,
        )
        factory = replace(self._factory, models=book.models)
        entries = list(analyse_recording(recording, started, factory, tell))
        first = entries[0].event
        if isinstance(first, CallStarted):  # With the parties that were found.
            started = first
        duration_s = entries[-1].at_s
        audio = self._office.recordings / f"{call_id}.flac"
        rate, n_channels = recording.rate, recording.n_channels
        write_flac(audio, rate, n_channels, recording.blocks())
        peaks_of(audio)  # Hours of audio open at once then.
        call = NewCall(
            started,
            datetime.fromisoformat(started.started_at),
            "pcm_s16le",
            recording.rate,
        )
        try:
            self._office.store.add_finished(call, entries)
        except StoreUnavailableError:
            raise
        except StoreError:
            pass  # An earlier run got as far as this, no further.
        self._put_facts(call_id, claim, content_hash)
        self._office.index.add(call_id)
        work_s = self._worked_s(began)
        return Outcome(FileState.DONE, None, call_id, duration_s, work_s)

    def _worked_s(self, began_s: float) -> float:
        """Time that a file took since the one before it was done.

        Files that are worked on at once share their time: what it sums to is what
        somebody waits for all of them.
        """
        now_s = time.perf_counter()
        with self._claiming:
            since_s = max(began_s, self._done_s)
            self._done_s = now_s
        return now_s - since_s

    def _known(self, content_hash: str) -> str:
        """The call that has this content already; empty for none."""
        query = sa.select(facts_table.c.call_id).where(
            facts_table.c.content_hash == content_hash
        )
        with self._office.store.engine.connect() as connection:
            return connection.scalar(query.limit(1)) or ""

    def _put_facts(self, call_id: str, claim: Claim, content_hash: str) -> None:
        with self._office.store.engine.begin() as connection:
            connection.execute(
                sa.delete(facts_table).where(facts_table.c.call_id == call_id)
            )
            connection.execute(
                sa.insert(facts_table).values(
                    call_id=call_id,
                    subject=claim.facts.subject,
                    source="import",
                    content_hash=content_hash,
                    file_name=claim.name[-256:],
                )
            )


class _Progress:
    """Writes down how far a file is, now and then; leaves off when it is time to."""

    def __init__(
        self,
        imports: Imports,
        claim: Claim,
        recording: Recording,
        stopping: Callable[[], bool],
    ) -> None:
        self._imports = imports
        self._claim = claim
        self._recording = recording
        self._stopping = stopping
        self._told_s = -math.inf

    def __call__(self, done_s: float) -> None:
        """Say that so many seconds have been worked through.

        Raises:
            Stopped: the worker stops, or the import is paused.
            RecordingError: the recording is longer than a call may be.
        """
        _check_length(done_s, self._claim.name)
        if self._stopping():
            raise Stopped
        now_s = time.monotonic()
        if now_s - self._told_s < _TELL_EVERY_S:
            return
        self._told_s = now_s
        duration_s = self._recording.duration_s or done_s
        state = self._imports.progress(self._claim, done_s, duration_s)
        if state is not JobState.RUNNING:
            raise Stopped


def _check_length(duration_s: float, name: str) -> None:
    if duration_s > LONGEST_S:
        raise RecordingError("recording_too_long", name=name, hours=LONGEST_S / 3600)


def _started(
    call_id: str, claim: Claim, recording: Recording, models: tuple[str, ...]
) -> CallStarted:
    facts, options = claim.facts, claim.options
    parties: tuple[Party, ...] = (Party.UNKNOWN,)
    if recording.n_channels > 1:
        parties = (Party.CUSTOMER, Party.AGENT)
        if (facts.customer or options.customer) == "right":
            parties = parties[::-1]
    began = facts.began(claim.modified.astimezone(UTC))
    return CallStarted(
        call_id=call_id,
        agent_id=facts.agent_id,
        customer_ref=facts.customer_ref,
        language=facts.language or options.language or None,
        parties=parties,
        consent=Consent.TEXT_ONLY if options.text_only else Consent.GRANTED,
        started_at=began.isoformat(timespec="milliseconds"),
        models=models,
        team=facts.team,
        first_speaker=Party(facts.first_speaker or Party.UNKNOWN),
    )


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RecordingError(Refusal.of_file(path.name, error)) from error
