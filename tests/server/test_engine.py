"""Who is answered first, what is answered together, and what is not begun at all."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps

import numpy as np
import pytest
from numpy.typing import NDArray

import server.engine as engine_module
from audio.frame import RATE, CustomerWindow, Frame, Party
from models.errors import InferenceError
from models.fake import FakeDetector, FakeTranscriber, FakeVoiceReader
from models.ports import BatchTranscriber, Spoken, Transcriber, Transcript
from server.engine import Engine, Models, Urgency
from server.metrics import Metrics

pytestmark = pytest.mark.unit

UNLUCKY = 13


class SlowTranscriber(BatchTranscriber):
    """Holds every batch until it is let go; what is said tells the length."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def transcribe_batch(
        self, utterances: Sequence[Spoken]
    ) -> list[Transcript | InferenceError]:
        self.batches.append([len(one.pcm) for one in utterances])
        self.begun.release()
        self.go_on.acquire()
        return [
            Transcript(str(len(one.pcm)), one.language or "en", 1, 0.9)
            if len(one.pcm) != UNLUCKY
            else InferenceError("unlucky")
            for one in utterances
        ]


def run(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Run a test in an event loop of its own."""

    @wraps(test)
    def wrapped() -> None:
        asyncio.run(asyncio.wait_for(test(), 60))

    return wrapped


def new_engine(transcriber: Transcriber, workers: int = 1, batch: int = 3) -> Engine:
    models = Models(
        FakeDetector, transcriber, FakeVoiceReader(), ("fake",), workers, batch
    )
    return Engine(models, Metrics())


def spoken(n_samples: int) -> NDArray[np.float32]:
    return np.zeros(n_samples, np.float32)


async def begun(transcriber: SlowTranscriber) -> None:
    await asyncio.to_thread(transcriber.begun.acquire)


@run
async def test_of_what_waits_the_customer_goes_first_and_partials_last() -> None:
    transcriber = SlowTranscriber()
    engine = new_engine(transcriber)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(engine.transcribe(spoken(1), None, Urgency.AGENT))
        await begun(transcriber)
        for n_samples, urgency in (
            (2, Urgency.PARTIAL),
            (3, Urgency.AGENT),
            (4, Urgency.CUSTOMER),
            (5, Urgency.CUSTOMER),
        ):
            tasks.create_task(engine.transcribe(spoken(n_samples), None, urgency))
        await asyncio.sleep(0)
        transcriber.go_on.release(3)
    engine.close()

    assert transcriber.batches == [[1], [4, 5, 3], [2]]


@run
async def test_each_gets_its_own_answer_and_one_failure_is_one_callers() -> None:
    transcriber = SlowTranscriber()
    transcriber.go_on.release(9)
    engine = new_engine(transcriber, workers=2)

    answers = await asyncio.gather(
        *(engine.transcribe(spoken(n), "zh", Urgency.AGENT) for n in (11, 12, 13, 14))
    )

    engine.close()
    texts = [answer and answer.text for answer in answers]
    assert texts == ["11", "12", None, "14"]


@run
async def test_whoever_gives_up_is_not_transcribed() -> None:
    transcriber = SlowTranscriber()
    engine = new_engine(transcriber)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(engine.transcribe(spoken(1), None, Urgency.AGENT))
        await begun(transcriber)
        gone = tasks.create_task(engine.transcribe(spoken(2), None, Urgency.AGENT))
        tasks.create_task(engine.transcribe(spoken(3), None, Urgency.AGENT))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        transcriber.go_on.release(2)
    engine.close()

    assert transcriber.batches == [[1], [3]]


@run
async def test_a_partial_is_begun_only_where_a_worker_stays_free() -> None:
    transcriber = SlowTranscriber()
    engine = new_engine(transcriber, workers=2)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(engine.transcribe_if_idle(spoken(1), None))
        await begun(transcriber)
        second = await engine.transcribe_if_idle(spoken(2), None)
        final = tasks.create_task(engine.transcribe(spoken(3), None, Urgency.AGENT))
        await begun(transcriber)
        transcriber.go_on.release(2)
    engine.close()

    assert second is None
    assert first.result() is not None
    assert final.result() is not None
    assert transcriber.batches == [[1], [3]]


@run
async def test_a_partial_is_not_begun_where_the_workers_were_busy_of_late() -> None:
    transcriber = SlowTranscriber()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            engine_module, "_LATELY_S", 1e-9
        )  # As if it had been so for long.
        engine = new_engine(transcriber, workers=4)
    async with asyncio.TaskGroup() as tasks:
        for n_running in (1, 2):
            partial = engine.transcribe_if_idle(spoken(n_running), None)
            tasks.create_task(partial)
            await begun(transcriber)
        refused = await engine.transcribe_if_idle(spoken(3), None)
        transcriber.go_on.release(2)
    engine.close()

    assert refused is None
    assert transcriber.batches == [[1], [2]]


@run
async def test_a_bug_reaches_whoever_asked() -> None:
    class Broken(FakeTranscriber):
        def transcribe_batch(
            self, utterances: Sequence[Spoken]
        ) -> list[Transcript | InferenceError]:
            raise RuntimeError(f"a bug on {len(utterances)}")

    engine = new_engine(Broken())

    with pytest.raises(RuntimeError, match="a bug on 1"):
        await engine.transcribe(spoken(1), None, Urgency.AGENT)

    engine.close()


@run
async def test_voices_are_read() -> None:
    engine = new_engine(FakeTranscriber())
    frame = Frame(np.full(512, 0.1, np.float32), 0, Party.CUSTOMER)

    reading = await engine.read_voice(CustomerWindow.of([frame]))

    engine.close()
    assert reading is not None
    assert reading.end_s == 512 / RATE


@run
async def test_a_transcriber_that_knows_no_batches_takes_one_after_the_other() -> None:
    engine = new_engine(FakeTranscriber(fails_on=[1]))

    answers = await asyncio.gather(
        *(engine.transcribe(spoken(RATE), None, Urgency.AGENT) for _ in range(3))
    )

    engine.close()
    assert sorted(str(answer and answer.text) for answer in answers) == [
        "1.0 seconds",
        "1.0 seconds",
        "None",
    ]
