import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alerts.events import AlertEnd
from audio.codec import Encoding
from audio.frame import Party
from server.audio_log import AudioLog
from server.controls import AcknowledgeAlert, CloseAlert, Control, SnoozeAlert
from server.errors import JournalError
from server.events import (
    CallEndReason,
    CallStarted,
    Consent,
    ConsentChanged,
    Degradation,
    Degraded,
    ModelsChanged,
    Note,
    Paused,
    Resumed,
)
from server.health import Health
from server.intake import Intake
from server.journal import Ending, Header, Journal, Record
from server.recorder import MAX_HELD_BYTES, Recorder

pytestmark = pytest.mark.unit

TWO = (Party.CUSTOMER, Party.AGENT)
STARTED = CallStarted(
    "c1", "a7", "K-77", None, TWO, Consent.GRANTED, "2026-01-02T03:04:05+00:00", ("m",)
)
HEADER = Header(STARTED, Encoding.MULAW, 8000, "secret")
CONTROLS: tuple[Control | Ending, ...] = (
    Note("请慢一点\nthen breathe", "Mia"),
    Paused(),
    Resumed(),
    ConsentChanged(Consent.TEXT_ONLY),
    AcknowledgeAlert("a1", "Mia"),
    SnoozeAlert("a2", "Mia", 1 / 3),
    CloseAlert("a2", "Mia", AlertEnd.CALMED, "done"),
    Degraded(Degradation.VOICE_SPARSE),
    ModelsChanged(("n", "o")),
    Ending(CallEndReason.COMPLETED),
)
RECORDS = [Record(100 * n, control) for n, control in enumerate(CONTROLS)]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.create(tmp_path, HEADER)
    yield journal
    journal.close()


def again(path: Path) -> Journal:
    journal = Journal.open(path)
    journal.close()
    return journal


def test_every_control_reads_back_as_it_was_written(journal: Journal) -> None:
    for record in RECORDS:
        journal.append(record)

    found = again(journal.path)

    assert found.header == HEADER
    assert found.records == RECORDS


@pytest.mark.parametrize("n_lost", [1, 5, 30])
def test_a_last_line_that_is_not_whole_is_left_out(
    journal: Journal, n_lost: int
) -> None:
    for record in RECORDS:
        journal.append(record)
    journal.path.write_bytes(journal.path.read_bytes()[:-n_lost])

    found = again(journal.path)

    assert found.records == RECORDS[:-1]
    assert journal.path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize(
    "damage", [b"", b"not json\n", b'{"started":{}}\n', b"\xff\xfe\n"]
)
def test_a_damaged_journal_is_one_clear_error(journal: Journal, damage: bytes) -> None:
    journal.path.write_bytes(damage)

    with pytest.raises(JournalError, match=r"c1\.journal is damaged"):
        Journal.open(journal.path)


def test_a_second_call_of_the_same_id_gets_no_journal(journal: Journal) -> None:
    with pytest.raises(FileExistsError):
        Journal.create(journal.path.parent, HEADER)


def recorder(journal: Journal) -> Recorder:
    audio = AudioLog(journal.path.parent, "c1", HEADER.format)
    return Recorder(audio, journal)


def test_controls_stand_at_the_byte_at_which_they_came(journal: Journal) -> None:
    first = recorder(journal)
    first.take_audio(b"\x01" * 100)
    first.take_control(Paused())
    first.take_audio(b"\x02" * 50)
    first.take_control(Resumed())
    first.take_audio(b"\x03" * 10)
    first.store()
    first.audio.close()

    found = again(journal.path)

    assert found.records == [Record(100, Paused()), Record(150, Resumed())]
    silence = HEADER.format.silence(50)
    assert first.audio.path.read_bytes() == b"\x01" * 100 + silence + b"\x03" * 10


@pytest.mark.parametrize("power_safe", [True, False])
def test_controls_survive_a_loss_of_power_where_audio_does(
    journal: Journal, *, power_safe: bool
) -> None:
    folder = journal.path.parent
    audio = AudioLog(folder, "c1", HEADER.format, power_safe=power_safe)
    line = Recorder(audio, journal)
    line.take_control(Paused())
    line.store()
    audio.close()

    assert journal.is_safe is power_safe


def test_what_may_be_heard_is_known_again_after_a_crash(journal: Journal) -> None:
    journal.append(Record(5, Paused()))
    journal.append(Record(9, ConsentChanged(Consent.TEXT_ONLY)))

    taken_up = recorder(again(journal.path))
    taken_up.audio.close()

    assert taken_up.gate.paused
    assert taken_up.gate.consent is Consent.TEXT_ONLY


class FullDisk(AudioLog):
    """Takes `room` bytes and no more."""

    room = 0

    def store(self, until: int | None = None) -> None:
        end = self.n_received if until is None else until
        super().store(min(end, self.room))
        if end > self.room:
            raise OSError(28, "No space left on device")


def test_what_the_disk_does_not_take_is_held_read_and_written_later(
    journal: Journal,
) -> None:
    audio = FullDisk(journal.path.parent, "c1", HEADER.format)
    audio.room = 130
    full = Recorder(audio, journal)
    full.take_audio(bytes(range(100)))
    full.take_control(Note("one", "Mia"))
    full.take_audio(bytes(range(100)))
    full.take_control(Note("two", "Mia"))

    with pytest.raises(OSError, match="No space"):
        full.store()
    held = (audio.n_bytes, audio.n_received, audio.n_held)
    notes = len(again(journal.path).records)
    read = audio.read(90, 60)
    audio.room = MAX_HELD_BYTES
    full.store()
    audio.close()

    assert held == (130, 200, 70)
    assert notes == 1
    assert read == bytes(range(90, 100)) + bytes(range(30))
    assert audio.path.read_bytes() == bytes(range(100)) * 2
    assert len(again(journal.path).records) == 2


def test_no_more_than_its_bound_is_held(journal: Journal) -> None:
    audio = FullDisk(journal.path.parent, "c1", HEADER.format)
    full = Recorder(audio, journal)

    before = full.full
    full.take_audio(b"\x00" * MAX_HELD_BYTES)

    assert (before, full.full) == (False, True)
    audio.close()


@pytest.mark.parametrize("over", [Recorder.finish, Recorder.delete, Recorder.close])
def test_who_is_late_brings_no_file_of_a_call_back_that_is_over(
    tmp_path: Path, over: Callable[[Recorder], None]
) -> None:
    late = recorder(Journal.create(tmp_path, HEADER))
    late.take_audio(b"\x01" * 100)
    late.store()
    over(late)
    left = sorted(tmp_path.iterdir())

    late.take_audio(b"\x01" * 100)
    late.take_control(Paused())
    late.keep_place()
    late.store()

    assert sorted(tmp_path.iterdir()) == left


class SlowDisk(Recorder):
    """Says when it is written to, and waits."""

    def __init__(self, audio: AudioLog, journal: Journal) -> None:
        super().__init__(audio, journal)
        self.begun, self.go_on = threading.Event(), threading.Event()

    def store(self) -> None:
        self.begun.set()
        assert self.go_on.wait(30)
        super().store()


def test_nobody_waits_for_the_disk_when_the_call_is_over_before_it(
    journal: Journal,
) -> None:
    audio = AudioLog(journal.path.parent, "c1", HEADER.format)
    slow = SlowDisk(audio, journal)

    async def end() -> None:
        intake = Intake(slow, Health(), lambda: None)
        running = asyncio.ensure_future(intake.run())
        ending = asyncio.ensure_future(intake.take(Ending(CallEndReason.COMPLETED)))
        await asyncio.to_thread(slow.begun.wait)
        running.cancel()  # As a call does that has heard its end.
        slow.go_on.set()
        await asyncio.wait_for(ending, 10)

    asyncio.run(end())
    audio.close()

    assert slow.ended
