"""Runs the models for all live calls: off the event loop, in batches, by urgency."""

import asyncio
import heapq
import itertools
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from audio.frame import CustomerWindow
from models.errors import InferenceError
from models.ports import (
    Diariser,
    SpeakerTracker,
    SpeechDetector,
    Spoken,
    Transcriber,
    Transcript,
    VoiceReader,
    VoiceReading,
    WordTimes,
    read_all,
)
from server.metrics import Metrics
from server.overload import Busy

logger = logging.getLogger(__name__)

_Q = TypeVar("_Q")
_A = TypeVar("_A")

_VOICE_BATCH = 8
"""Windows read in one go: some 0.2 s of work, so that none waits long."""

_SPARE_SHARE = 0.5
"""Of the time of all threads: above, nothing is begun that nobody has to have."""

_LATELY_S = 10.0


class DetectorFactory(Protocol):
    """Makes a speech detector: a new one for each party of each call."""

    def __call__(self) -> SpeechDetector:
        """Return a detector that has heard nothing yet."""
        ...


@dataclass(frozen=True, slots=True)
class Models:
    """The learned models the service runs on.

    Attributes:
        names: name and version of each, for the log of every call.
        words_workers: batches of utterances that are transcribed at once.
        words_batch: utterances in a batch at most.
        diariser: tells voices on one channel apart; without one, calls with one
            channel are transcribed but not scored.
        new_tracker: likewise for live calls, one for each.
        word_times: hears when a word was said; without it that is estimated.
    """

    new_detector: DetectorFactory
    transcriber: Transcriber
    voice_reader: VoiceReader
    names: tuple[str, ...]
    words_workers: int = 1
    words_batch: int = 8
    diariser: Diariser | None = None
    word_times: WordTimes | None = None
    new_tracker: Callable[[], SpeakerTracker] | None = None


class Urgency(IntEnum):
    """Who waits for it: lower goes first among what has waited as long."""

    CUSTOMER = 0
    AGENT = 1
    PARTIAL = 2
    CATCH_UP = 3


_MAY_WAIT_S = {
    Urgency.CUSTOMER: 0.0,
    Urgency.AGENT: 0.5,
    Urgency.PARTIAL: 30.0,
    Urgency.CATCH_UP: 60.0,
}
"""What is asked for counts as asked for that much later.

So the customer's words go before the agent's, and yet no agent waits for ever: a call
stands still until the agent's words are there too.
"""


@dataclass(order=True, slots=True)
class _Waiting(Generic[_Q, _A]):
    due_s: float
    number: int
    question: _Q = field(compare=False)
    answer: asyncio.Future[_A] = field(compare=False)


class _Lane(Generic[_Q, _A]):
    """Answers the questions of all calls, in batches, in threads of its own.

    Whenever a thread is free it takes what has waited longest, as much as a batch
    holds: one question when there is little to do, many when there is much. What
    waits has no bound of its own: a call asks for nothing further while what it
    asked for is overdue, so the number of calls bounds it. Event loop only.

    Args:
        name: of the threads.
        answer: answers a batch, in order; blocking.
        n_workers: batches that run at once.
        most: questions in a batch.
    """

    def __init__(
        self,
        name: str,
        answer: Callable[[Sequence[_Q]], Sequence[_A]],
        n_workers: int,
        most: int,
    ) -> None:
        self._executor = ThreadPoolExecutor(n_workers, thread_name_prefix=name)
        self._answer = answer
        self._n_workers = n_workers
        self._most = most
        self._waiting: list[_Waiting[_Q, _A]] = []
        self._numbers = itertools.count()
        self._busy = Busy(n_workers, _LATELY_S)

    @property
    def n_waiting(self) -> int:
        """How many questions no thread has begun with."""
        return len(self._waiting)

    @property
    def has_time(self) -> bool:
        """Whether something may be begun that nobody has to have.

        One thread stays free for whatever comes next, where there are several, and
        lately they have not been busy for most of the time.
        """
        spare = max(1, self._n_workers - 1)
        idle = not self._waiting and self._busy.n_running < spare
        now_s = asyncio.get_running_loop().time()
        return idle and self._busy.share(now_s) < _SPARE_SHARE

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def ask(self, question: _Q, urgency: Urgency) -> _A:
        return (await self.ask_all([question], urgency))[0]

    async def ask_all(self, questions: Sequence[_Q], urgency: Urgency) -> list[_A]:
        """Ask what is best answered together: no thread takes a part of it first."""
        loop = asyncio.get_running_loop()
        due_s = loop.time() + _MAY_WAIT_S[urgency]
        answers: list[asyncio.Future[_A]] = []
        for question in questions:
            answer: asyncio.Future[_A] = loop.create_future()
            answers.append(answer)
            waiting = _Waiting(due_s, next(self._numbers), question, answer)
            heapq.heappush(self._waiting, waiting)
        self._begin()
        return await asyncio.gather(*answers)

    def _begin(self) -> None:
        """Give every free thread a batch, as long as somebody waits."""
        while self._busy.n_running < self._n_workers and (batch := self._next_batch()):
            questions = [one.question for one in batch]
            loop = asyncio.get_running_loop()
            done = loop.run_in_executor(self._executor, self._answer, questions)
            self._change(+1)
            done.add_done_callback(partial(self._finish, batch))

    def _change(self, by: int) -> None:
        now_s = asyncio.get_running_loop().time()
        self._busy.change(now_s, self._busy.n_running + by)

    def _next_batch(self) -> list[_Waiting[_Q, _A]]:
        batch: list[_Waiting[_Q, _A]] = []
        while self._waiting and len(batch) < self._most:
            first = heapq.heappop(self._waiting)
            if not first.answer.done():  # Nobody waits for it any more.
                batch.append(first)
        return batch

    def _finish(
        self,
        batch: Sequence[_Waiting[_Q, _A]],
        done: asyncio.Future[Sequence[_A]],
    ) -> None:
        self._change(-1)
        if done.cancelled():
            for one in batch:
                one.answer.cancel()
            return
        error = done.exception()
        for index, one in enumerate(batch):
            if one.answer.done():
                continue
            if error is not None:
                one.answer.set_exception(error)
            else:
                one.answer.set_result(done.result()[index])
        self._begin()


class Engine:
    """Transcribes and reads voices for every live call. Event loop only.

    Words and voice have threads of their own, so that a long utterance of one call
    does not hold up the voice reading of another.
    """

    def __init__(self, models: Models, metrics: Metrics) -> None:
        self.models = models
        self._metrics = metrics
        self._words: _Lane[Spoken, Transcript | InferenceError] = _Lane(
            "words",
            self._transcribe_all,
            models.words_workers,
            models.words_batch,
        )
        self._voice: _Lane[CustomerWindow, VoiceReading | InferenceError] = _Lane(
            "voice", self._read_voices, 1, _VOICE_BATCH
        )

        for stage, n_waiting in (
            ("words", lambda: self._words.n_waiting),
            ("voice", lambda: self._voice.n_waiting),
        ):
            metrics.waiting.labels(stage).set_function(n_waiting)

    def close(self) -> None:
        """Take no further work; what runs now ends by itself."""
        self._words.close()
        self._voice.close()

    def listening(self) -> AbstractContextManager[None]:
        """Count what following a call costs: voice activity, the curve, the rules."""
        return self._metrics.processor("listening")

    async def transcribe(
        self, pcm: NDArray[np.float32], language: str | None, urgency: Urgency
    ) -> Transcript | None:
        """Transcribe one utterance; None when the model could not run on it."""
        return (await self.transcribe_all([Spoken(pcm, language)], urgency))[0]

    async def transcribe_all(
        self, utterances: Sequence[Spoken], urgency: Urgency
    ) -> list[Transcript | None]:
        """Transcribe utterances that are best transcribed together.

        Returns:
            For each its transcript, None when the model could not run on it; in order.
        """
        with self._metrics.stage("words"):
            answers = await self._words.ask_all(utterances, urgency)
        found: list[Transcript | None] = []
        for utterance, answer in zip(utterances, answers, strict=True):
            if isinstance(answer, InferenceError):
                samples = len(utterance.pcm)
                logger.error(
                    "transcription failed", exc_info=answer, extra={"samples": samples}
                )
                found.append(None)
            else:
                found.append(answer)
        return found

    async def transcribe_if_idle(
        self, pcm: NDArray[np.float32], language: str | None
    ) -> Transcript | None:
        """Transcribe an unfinished utterance, unless anything else is to be done."""
        if not self._words.has_time:
            self._metrics.partials_dropped.inc()
            return None
        return await self.transcribe(pcm, language, Urgency.PARTIAL)

    async def read_voice(
        self, window: CustomerWindow, urgency: Urgency = Urgency.CUSTOMER
    ) -> VoiceReading | None:
        """Read the customer's voice; None when the model could not run on it."""
        with self._metrics.stage("voice"):
            answer = await self._voice.ask(window, urgency)
        if isinstance(answer, InferenceError):
            logger.error("voice reading failed", exc_info=answer)
            return None
        return answer

    def _transcribe_all(
        self, utterances: Sequence[Spoken]
    ) -> list[Transcript | InferenceError]:
        self._metrics.batches.labels("words").observe(len(utterances))
        transcriber = self.models.transcriber
        with self._metrics.processor("words"):
            answers = transcriber.transcribe_batch(utterances)
        self._metrics.observe_processor("words", transcriber.take_processor_s())
        return answers

    def _read_voices(
        self, windows: Sequence[CustomerWindow]
    ) -> list[VoiceReading | InferenceError]:
        """Read windows one after the other; together they cost the processor as much.

        docs/evaluation.md has the measurement. What a batch saves is the way to
        another thread and back.
        """
        self._metrics.batches.labels("voice").observe(len(windows))
        with self._metrics.processor("voice"):
            return read_all(self.models.voice_reader, windows)
