"""A transcriber in processes of its own, beside the one that serves.

Python runs the steps of one thread at a time, and a model is hundreds of short steps.
Beside a busy event loop a thread waits for its turn before each of them: with 16 calls
an utterance was encoded in several times its processor time (docs/evaluation.md). In a
process of its own a model waits for nobody.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from models.errors import InferenceError
from models.memory import return_memory
from models.ports import BatchTranscriber, Spoken, Transcriber, Transcript

_ATTEMPTS = 2
"""A process that was killed is replaced, and its batch done again, once."""

_NICE = 5
"""Below the process that takes audio in and shows cues: that one has less to do."""


_CLEAR_EVERY = 4
"""Batches after which freed memory is given back."""


class ProcessTranscriber(BatchTranscriber):
    """A transcriber whose model runs in other processes.

    Each process holds a model, and answers one batch at a time. They end with this
    process, however it ends, and when nobody holds this any more.

    Args:
        load: makes the transcriber; called once in each process, so it and what it is
            bound to must be picklable.
        n_processes: batches that are answered at once.

    Attributes:
        name: of the weights, for the log of a call.

    Raises:
        ModelError: or whatever else `load` raises.
    """

    def __init__(self, load: Callable[[], Transcriber], n_processes: int) -> None:
        self._load = load
        self._n_processes = n_processes
        self._lock = threading.Lock()
        self._processor_s = 0.0
        self._pool, ready = self._begin()
        self.name = "".join({one.result() for one in ready})

    def transcribe_batch(
        self, utterances: Sequence[Spoken]
    ) -> list[Transcript | InferenceError]:
        """Transcribe several utterances in one of the processes; blocking."""
        for _ in range(_ATTEMPTS):
            pool = self._pool
            try:
                answered = pool.submit(_answer, utterances).result()
            except BrokenProcessPool:
                self._replace(pool)
                continue
            with self._lock:
                self._processor_s += answered.processor_s
            return answered.transcripts
        gone = InferenceError("the process that transcribes was killed twice")
        return [gone for _ in utterances]

    def take_processor_s(self) -> float:
        """See `models.ports.Transcriber`."""
        with self._lock:
            taken, self._processor_s = self._processor_s, 0.0
        return taken

    def _begin(self) -> tuple[ProcessPoolExecutor, list[Future[str]]]:
        """Start the processes; each says the name of its model when it is there."""
        pool = ProcessPoolExecutor(
            self._n_processes,
            # A fork would copy locks that threads of this process hold.
            multiprocessing.get_context("spawn"),
            _prepare,
            (self._load,),
        )
        return pool, [pool.submit(_name) for _ in range(self._n_processes)]

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is broken:  # Else another thread has done it already.
                self._pool, _ = self._begin()


@dataclass(frozen=True, slots=True)
class _Answered:
    transcripts: list[Transcript | InferenceError]
    processor_s: float


class _Here:
    """What one of the processes holds; there is one of these in each."""

    transcriber: Transcriber | None = None
    error: Exception | None = None
    n_answered = 0


def _prepare(load: Callable[[], Transcriber]) -> None:
    """Make this process ready; an error is kept for whoever asks first."""
    # Ctrl+C goes to all processes of a terminal: the first one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.nice(_NICE)
    try:
        _Here.transcriber = load()
    except Exception as error:  # noqa: BLE001 - raised by `_transcriber`, to the caller
        _Here.error = error


def _end_with_parent() -> None:
    """End when the process that serves is gone: nobody else ends this one then."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _transcriber() -> Transcriber:
    if _Here.transcriber is None:
        raise _Here.error or RuntimeError("expected a process that was prepared")
    return _Here.transcriber


def _name() -> str:
    return str(getattr(_transcriber(), "name", ""))


def _answer(utterances: Sequence[Spoken]) -> _Answered:
    start = time.process_time()
    transcripts = _transcriber().transcribe_batch(utterances)
    _Here.n_answered += 1
    if _Here.n_answered % _CLEAR_EVERY == 0:
        return_memory()
    return _Answered(transcripts, time.process_time() - start)
