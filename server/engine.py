"""Runs the models for all live calls, off the event loop, most urgent first."""

import asyncio
import heapq
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from audio.frame import CustomerWindow
from models.errors import InferenceError
from models.ports import (
    SpeechDetector,
    Transcriber,
    Transcript,
    VoiceReader,
    VoiceReading,
)
from server.metrics import Metrics

logger = logging.getLogger(__name__)

_T = TypeVar("_T")


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
    """

    new_detector: DetectorFactory
    transcriber: Transcriber
    voice_reader: VoiceReader
    names: tuple[str, ...]


class Urgency(IntEnum):
    """Who waits for it: lower goes first."""

    CUSTOMER = 0
    AGENT = 1
    PARTIAL = 2
    CATCH_UP = 3


class _Lane:
    """One worker thread, given to whoever waits with the most urgent work.

    The line of those who wait has no bound of its own: a call asks for nothing
    further while what it asked for is overdue, so the number of calls bounds it.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting: list[tuple[Urgency, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._busy = False

    @property
    def idle(self) -> bool:
        return not self._busy

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def run(self, urgency: Urgency, work: Callable[[], _T]) -> _T:
        async with self._turn(urgency):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, work)

    @asynccontextmanager
    async def _turn(self, urgency: Urgency) -> AsyncIterator[None]:
        if self._busy:
            turn = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (urgency, next(self._numbers), turn))
            try:
                await turn
            except asyncio.CancelledError:
                if not turn.cancelled():  # The turn had just been given to us.
                    self._pass_on()
                raise
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            *_, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._busy = False


class Engine:
    """Transcribes and reads voices for every live call. Event loop only.

    Words and voice have a thread each, so that a long utterance of one call does
    not hold up the voice reading of another.
    """

    def __init__(self, models: Models, metrics: Metrics) -> None:
        self.models = models
        self._metrics = metrics
        self._words = _Lane("words")
        self._voice = _Lane("voice")

    def close(self) -> None:
        """Take no further work; what runs now ends by itself."""
        self._words.close()
        self._voice.close()

    async def transcribe(
        self, pcm: NDArray[np.float32], language: str | None, urgency: Urgency
    ) -> Transcript | None:
        """Transcribe one utterance; None when the model could not run on it."""
        with self._metrics.stage("words"):
            try:
                return await self._words.run(
                    urgency, lambda: self.models.transcriber.transcribe(pcm, language)
                )
            except InferenceError:
                logger.exception("transcription failed", extra={"samples": len(pcm)})
                return None

    async def transcribe_if_idle(
        self, pcm: NDArray[np.float32], language: str | None
    ) -> Transcript | None:
        """Transcribe an unfinished utterance, unless anything else is to be done."""
        if not self._words.idle:
            self._metrics.partials_dropped.inc()
            return None
        return await self.transcribe(pcm, language, Urgency.PARTIAL)

    async def read_voice(
        self, window: CustomerWindow, urgency: Urgency = Urgency.CUSTOMER
    ) -> VoiceReading | None:
        """Read the customer's voice; None when the model could not run on it."""
        with self._metrics.stage("voice"):
            try:
                return await self._voice.run(
                    urgency, lambda: self.models.voice_reader.read(window)
                )
            except InferenceError:
                logger.exception("voice reading failed")
                return None
