"""Listening to finished calls again: none holds up the others, none is forgotten."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from audio.frame import Party
from audio.speakers import Turn
from made_mono_call import ByLength
from models.fake import FakeDetector, FakeVoiceReader
from models.ports import Diarisation
from server.desk.again import Again
from server.desk.index import SearchIndex
from server.engine import Models
from server.events import (
    CallEnded,
    CallEndReason,
    CallStarted,
    Consent,
    LogEntry,
    StartedOver,
)
from server.factory import CallFactory
from server.store import NewCall, Store

pytestmark = pytest.mark.unit

RATE = 8000
LENGTH_S = 6.0


class Troubled:
    """A diariser that meets trouble, one each time it is asked, until there is none."""

    name = "troubled"

    def __init__(self, troubles: Sequence[Exception]) -> None:
        self._troubles = list(troubles)

    def diarise(self, pcm: NDArray[np.float32]) -> Diarisation:
        if self._troubles:
            raise self._troubles.pop(0)
        turns = (Turn(1.0, 3.0, "s0"), Turn(3.5, len(pcm) / 16000 - 0.5, "s1"))
        return Diarisation(turns, turns)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'calls.db'}")
    for call_id in ("c1", "c2"):
        began = datetime.now(UTC)
        started = CallStarted(
            call_id=call_id,
            agent_id="a1",
            customer_ref="",
            language="en",
            parties=(Party.UNKNOWN,),
            consent=Consent.GRANTED,
            started_at=began.isoformat(),
            models=("fake",),
        )
        ended = CallEnded(CallEndReason.COMPLETED, LENGTH_S)
        entries = [LogEntry(1, 0.0, started), LogEntry(2, LENGTH_S, ended)]
        store.add_finished(NewCall(started, began, "pcm_s16le", RATE), entries)
        pcm = np.random.default_rng(1).normal(0, 3000, round(LENGTH_S * RATE))
        soundfile.write(tmp_path / f"{call_id}.flac", pcm.astype(np.int16), RATE)
    yield store
    store.close()


def again_with(store: Store, folder: Path, troubles: Sequence[Exception]) -> Again:
    models = Models(
        FakeDetector,
        ByLength(),
        FakeVoiceReader([0.5] * 1000),
        ("fake",),
        diariser=Troubled(troubles),
    )
    factory = CallFactory.of(models)
    return Again(store, SearchIndex(store), folder, factory, lambda: False)


def heard_again(store: Store) -> list[str]:
    return [
        call_id
        for call_id in ("c1", "c2")
        if any(isinstance(e.event, StartedOver) for e in store.whole_log(call_id))
    ]


def test_a_recording_that_breaks_something_holds_up_no_other(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    again = again_with(store, tmp_path, [ZeroDivisionError()])

    again.work()
    again.work()

    assert heard_again(store) == ["c2"]
    broken = [it for it in caplog.records if it.levelname == "ERROR"]
    assert [vars(it)["call_id"] for it in broken] == ["c1"]


def test_while_there_is_no_room_a_call_waits(store: Store, tmp_path: Path) -> None:
    again = again_with(store, tmp_path, [OSError(28, "No space left on device")])

    again.work()
    waiting = heard_again(store)
    again.work()

    assert waiting == []
    assert heard_again(store) == ["c1", "c2"]
