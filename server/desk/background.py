"""Takes recordings in beside live calls, which always go first."""

import asyncio
import logging
import math
import os
import secrets
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from audio.frame import CustomerWindow
from models.errors import InferenceError
from models.ports import BatchTranscriber, Spoken, Transcript, VoiceReading
from server.desk.again import Again
from server.desk.errors import IntakeError, Stopped
from server.desk.folders import find_recordings
from server.desk.imports import NOBODY, ImportOptions, Imports, NewFile
from server.desk.intake import Intake, Office
from server.engine import Engine, Urgency
from server.errors import StoreError
from server.factory import CallFactory
from server.refusals import Refusal

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_LOOK_ANYWAY_S = 30.0
"""How often it looks for what nobody told of: what another process left undone."""

_RETRY_S = 2.0
_NICE = 15
_FAILED = "the model could not run on this input"


class Patient(BatchTranscriber):
    """The engine's models for somebody who waits until no live call needs them.

    Args:
        engine: shared with the live calls.
        live: the calls that are not over. While there are any, one thing is asked at
            a time, so that nobody waits behind a batch, or for every core.
        loop: the engine's.
        stop: leave off.
    """

    def __init__(
        self,
        engine: Engine,
        live: Mapping[str, object],
        loop: asyncio.AbstractEventLoop,
        stop: threading.Event,
    ) -> None:
        self._engine = engine
        self._live = live
        self._loop = loop
        self._stop = stop
        self._turn = threading.Lock()

    def transcribe_batch(
        self, utterances: Sequence[Spoken]
    ) -> list[Transcript | InferenceError]:
        """See `models.ports.Transcriber`."""
        found: list[Transcript | InferenceError] = []
        while len(found) < len(utterances):
            n_asked = 1 if self._live else len(utterances)
            together = utterances[len(found) : len(found) + n_asked]
            answers = self._ask(
                partial(self._engine.transcribe_all, together, Urgency.CATCH_UP)
            )
            found += [InferenceError(_FAILED) if a is None else a for a in answers]
        return found

    def read(self, window: CustomerWindow) -> VoiceReading:
        """See `models.ports.VoiceReader`."""
        answer = self._ask(partial(self._engine.read_voice, window, Urgency.CATCH_UP))
        if answer is None:
            raise InferenceError(_FAILED)
        return answer

    def _ask(self, question: Callable[[], Coroutine[object, object, _T]]) -> _T:
        with self._turn if self._live else nullcontext():
            return self._wait(question())

    def _wait(self, question: Coroutine[object, object, _T]) -> _T:
        asked = asyncio.run_coroutine_threadsafe(question, self._loop)
        while not self._stop.is_set():
            try:
                return asked.result(timeout=0.2)
            except TimeoutError:
                continue
        asked.cancel()
        raise Stopped


class BackgroundIntake:
    """A thread of low priority that works through imports while the service runs.

    Args:
        office: where calls go.
        factory: makes calls; its models run through `engine`.
        engine: shared with the live calls.
        live: the calls that are not over.
        watched: a folder whose new recordings are taken in by themselves, or None.
        watch_every_s: how often it is looked at.
    """

    def __init__(
        self,
        office: Office,
        factory: CallFactory,
        engine: Engine,
        live: Mapping[str, object],
        watched: Path | None,
        watch_every_s: float,
    ) -> None:
        self._stop = threading.Event()
        self._news = threading.Event()
        self._office = office
        loop = asyncio.get_running_loop()
        patient = Patient(engine, live, loop, self._stop)
        models = replace(factory.models, transcriber=patient, voice_reader=patient)
        worker = f"service-{secrets.token_hex(4)}"
        self._intake = Intake(
            office, replace(factory, models=models), worker, self._stop.is_set
        )
        self.again = Again(
            office.store,
            office.index,
            office.recordings,
            replace(factory, models=models),
            self._stop.is_set,
        )
        self._hearing_again = threading.Lock()
        self._watch = _Watch(office.imports, watched) if watched else None
        self._watch_every_s = watch_every_s
        self._thread = threading.Thread(target=self._run, name="imports", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is something new to do."""
        self._news.set()

    async def close(self) -> None:
        """Leave off; the file in work is begun again next time."""
        self._stop.set()
        self._news.set()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        # On Linux this is the thread's own niceness.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        looked_s = -math.inf
        while not self._stop.is_set():
            wait_s = _LOOK_ANYWAY_S
            try:
                if self._watch:
                    if time.monotonic() >= looked_s + self._watch_every_s:
                        looked_s = time.monotonic()
                        self._watch.look()
                    wait_s = min(wait_s, self._watch_every_s)
                self._hear_again()
                self._intake.work(on_file=lambda _claim, _outcome: self._hear_again())
            except (sa.exc.SQLAlchemyError, StoreError, OSError):
                logger.exception("imports cannot go on; they will be tried again")
                wait_s = _RETRY_S
            self._news.wait(wait_s)
            self._news.clear()

    def _hear_again(self) -> None:
        """Do what somebody waits for, before and between the files of an import."""
        if self._hearing_again.acquire(blocking=False):
            try:
                self.again.work()
            finally:
                self._hearing_again.release()


class _Watch:
    """A folder whose new recordings become calls by themselves.

    A file counts as whole when it has not changed from one look to the next.
    """

    def __init__(self, imports: Imports, folder: Path) -> None:
        self._imports = imports
        self._folder = folder
        self._seen: dict[Path, tuple[int, int]] = {}
        self._known: set[tuple[Path, int, int]] = set()
        self._job_id = ""
        self._refused: Refusal | None = None

    def look(self) -> None:
        """Add to the import what is new and whole.

        A folder that is not there, or whose table of calls is wrong, is told of in
        the import, once; it holds up no other import.
        """
        try:
            found = list(find_recordings([self._folder], {}))
        except IntakeError as error:
            if error.refusal != self._refused:
                self._imports.refuse(self._job(), self._folder.name, error.refusal)
                self._refused = error.refusal
            return
        self._refused = None
        whole = [file for file in found if self._stood_still(file)]
        self._seen = {file.path: (file.size, file.modified_ns) for file in found}
        fresh = [file for file in whole if _state(file) not in self._known]
        new = [file for file in fresh if not self._imports.knows(*_state(file))]
        if new:
            self._imports.add(self._job(), new)
        # Not before they are written down: what a full disk refuses is not forgotten.
        self._known.update(_state(file) for file in fresh)

    def _job(self) -> str:
        if not self._job_id:
            self._job_id = self._imports.create(
                self._folder.name, NOBODY, ImportOptions()
            )
        return self._job_id

    def _stood_still(self, file: NewFile) -> bool:
        return self._seen.get(file.path) == (file.size, file.modified_ns)


def _state(file: NewFile) -> tuple[Path, int, int]:
    return file.path, file.size, file.modified_ns
