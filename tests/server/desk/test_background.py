"""Imports beside live calls: together while nobody is on the line, else in turn."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.errors import InferenceError
from models.fake import FakeDetector, FakeVoiceReader
from models.ports import BatchTranscriber, Spoken, Transcript
from server.desk.background import BackgroundIntake, Patient
from server.desk.desk import Desk
from server.desk.errors import Stopped
from server.desk.folders import find_recordings
from server.desk.imports import FileState, ImportOptions, Imports
from server.desk.index import SearchIndex
from server.desk.intake import Office
from server.engine import Engine, Models
from server.factory import CallFactory
from server.metrics import Metrics
from server.store import Store
from service_under_test import in_loop, quick_models

pytestmark = pytest.mark.unit

UNLUCKY = 13
LENGTHS = (1, UNLUCKY, 3, 4)


class Noting(BatchTranscriber):
    """Notes which utterances came together."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, ...]] = []

    def transcribe_batch(
        self, utterances: Sequence[Spoken]
    ) -> list[Transcript | InferenceError]:
        self.batches.append(tuple(len(one.pcm) for one in utterances))
        return [
            InferenceError("unlucky")
            if len(one.pcm) == UNLUCKY
            else Transcript(str(len(one.pcm)), "en", 1.0, 0.9)
            for one in utterances
        ]


async def ask(
    live: dict[str, object], stop: threading.Event
) -> tuple[Noting, list[str]]:
    words = Noting()
    models = Models(FakeDetector, words, FakeVoiceReader(), ("fake",), 2, 8)
    engine = Engine(models, Metrics())
    patient = Patient(engine, live, asyncio.get_running_loop(), stop)
    asked = [Spoken(np.zeros(n, np.float32), "en") for n in LENGTHS]
    try:
        answers = await asyncio.to_thread(patient.transcribe_batch, asked)
    finally:
        engine.close()
    return words, [one.text if isinstance(one, Transcript) else "-" for one in answers]


@in_loop
async def test_an_import_asks_for_all_at_once_while_nobody_is_on_the_line() -> None:
    words, texts = await ask({}, threading.Event())

    assert words.batches == [LENGTHS]
    assert texts == ["1", "-", "3", "4"]


@in_loop
async def test_with_a_live_call_it_asks_for_one_after_the_other() -> None:
    words, texts = await ask({"c1": object()}, threading.Event())

    assert words.batches == [(n,) for n in LENGTHS]
    assert texts == ["1", "-", "3", "4"]


@in_loop
async def test_with_a_live_call_two_files_ask_for_one_thing_at_a_time() -> None:
    class Counting(Noting):
        n_now = most = 0

        def transcribe_batch(
            self, utterances: Sequence[Spoken]
        ) -> list[Transcript | InferenceError]:
            self.n_now += 1
            self.most = max(self.most, self.n_now)
            time.sleep(0.01)
            self.n_now -= 1
            return super().transcribe_batch(utterances)

    words = Counting()
    models = Models(FakeDetector, words, FakeVoiceReader(), ("fake",), 2, 8)
    engine = Engine(models, Metrics())
    loop = asyncio.get_running_loop()
    patient = Patient(engine, {"c1": object()}, loop, threading.Event())
    asked = [Spoken(np.zeros(n, np.float32), "en") for n in LENGTHS]
    try:
        await asyncio.gather(
            *(asyncio.to_thread(patient.transcribe_batch, asked) for _ in range(2))
        )
    finally:
        engine.close()

    assert words.most == 1
    assert len(words.batches) == 2 * len(LENGTHS)


class Hearer:
    """Stands in for what listens to calls again; notes how many files were done."""

    def __init__(self, imports: Imports) -> None:
        self.seen: list[int] = []
        self._imports = imports

    def work(self) -> None:
        jobs = self._imports.all()
        self.seen.append(jobs[0].counts[FileState.DONE] if jobs else 0)


@in_loop
async def test_what_somebody_asked_for_is_done_between_the_files_of_an_import(
    tmp_path: Path,
) -> None:
    pcm = np.zeros((16_000, 2), np.float32)
    for name in ("a", "b", "c"):
        pcm[4000:9000, 0] = 0.1 * ord(name) / 100
        soundfile.write(tmp_path / f"{name}.wav", pcm, 8000)
    store = Store(f"sqlite:///{tmp_path / 'desk.db'}")
    imports = Imports(store.engine)
    office = Office(store, SearchIndex(store), imports, tmp_path / "audio")
    job_id = imports.create("test", "Ann", ImportOptions())
    imports.add(job_id, find_recordings([tmp_path], {}))
    engine = Engine(quick_models(), Metrics())
    factory = CallFactory.of(quick_models())
    background = BackgroundIntake(office, factory, engine, {}, None, 30.0)
    hearer = Hearer(imports)
    background.again = hearer  # type: ignore[assignment]  # it has all that is asked of one
    background.start()

    try:
        while imports.all()[0].state != "done":  # noqa: ASYNC110 - it has no other way to tell
            await asyncio.sleep(0.05)
    finally:
        await background.close()
        engine.close()
        store.close()

    assert len(set(hearer.seen)) > 2


class Live(dict[str, object]):
    """Live calls; counts how often somebody went through them."""

    n_read = 0

    def __iter__(self) -> Iterator[str]:
        self.n_read += 1
        return super().__iter__()


@in_loop
async def test_a_call_that_ends_wakes_what_hears_it_as_a_whole(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'desk.db'}")
    desk = Desk(store, tmp_path)
    woken = asyncio.Event()
    desk.wake = woken.set
    live = Live(c1=object())
    keeping = asyncio.create_task(desk.keep_index(live))

    while live.n_read < 2:  # noqa: ASYNC110 - once to index others, once to remember
        await asyncio.sleep(0.01)
    woken_while_live = woken.is_set()
    live.clear()
    async with asyncio.timeout(30):
        await woken.wait()

    keeping.cancel()
    await asyncio.wait([keeping])
    store.close()
    assert not woken_while_live


@in_loop
async def test_an_import_that_is_to_stop_waits_for_no_answer() -> None:
    stop = threading.Event()
    stop.set()

    with pytest.raises(Stopped):
        await ask({}, stop)
