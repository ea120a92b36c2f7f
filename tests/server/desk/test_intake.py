"""Recordings become calls: whole or not at all, once, and after any interruption."""

import errno
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
import sqlalchemy as sa
from numpy.typing import NDArray

from audio.frame import CustomerWindow, Party
from models.fake import FakeDetector, FakeTranscriber, FakeVoiceReader
from models.ports import Transcriber, Transcript, VoiceReading
from server.cli import main
from server.config import Settings
from server.desk.call_table import FileFacts, read_call_table
from server.desk.errors import IntakeError, StateError, UnknownError
from server.desk.folders import find_recordings
from server.desk.imports import (
    STALE_S,
    FileState,
    ImportOptions,
    Imports,
    JobState,
)
from server.desk.index import SearchIndex
from server.desk.intake import AT_ONCE, Intake, Office
from server.desk.query import SearchQuery
from server.desk.search import Search
from server.desk.tables import jobs
from server.engine import Models
from server.events import CallStarted
from server.factory import CallFactory
from server.offline import analyse
from server.recording import open_recording
from server.refusals import Refusal
from server.store import Store

pytestmark = pytest.mark.unit


def factory() -> CallFactory:
    words = FakeTranscriber(["我要退款"] * 99, language="zh")
    models = Models(FakeDetector, words, FakeVoiceReader(), ("fake",))
    return CallFactory.of(models)


def recording(path: Path, *, seconds: float = 4.0, seed: int = 1, n: int = 2) -> Path:
    rng = np.random.default_rng(seed)
    pcm = np.zeros((round(seconds * 8000), n), np.float32)
    pcm[4000:-8000, 0] = 0.2 * rng.standard_normal(len(pcm) - 12000)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, pcm, 8000)
    return path


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    store = Store(f"sqlite:///{tmp_path / 'desk.db'}")
    engine = store.engine
    yield Office(store, SearchIndex(store), Imports(engine), tmp_path / "audio")
    store.close()


def begin(office: Office, *paths: Path, options: ImportOptions | None = None) -> str:
    job_id = office.imports.create("test", "Ann", options or ImportOptions())
    office.imports.add(job_id, find_recordings(paths, {}))
    return job_id


class Counting(Transcriber):
    """Words and voice that follow from the audio, counted."""

    def __init__(self) -> None:
        self.n_asked = 0

    def transcribe(self, pcm: NDArray[np.float32], language: str | None) -> Transcript:
        self.n_asked += 1
        return Transcript(f"{len(pcm)} samples", language or "en", 0.9, 0.9)

    def read(self, window: CustomerWindow) -> VoiceReading:
        self.n_asked += 1
        return VoiceReading(window.end_s, 0.3, -20.0, "fake voice")


def intake(
    office: Office,
    worker: str = "w1",
    calls: int = 10**9,
    models: Counting | None = None,
    stop_after: int = 10**9,
) -> Intake:
    """A worker that is told to stop after it has asked `calls` times.

    With `models` it is told so after they have answered `stop_after` times.
    """
    if models is None:
        asked = iter(range(calls))
        return Intake(office, factory(), worker, lambda: next(asked, None) is None)
    made = CallFactory.of(Models(FakeDetector, models, models, ("fake",)))
    return Intake(office, made, worker, lambda: models.n_asked >= stop_after)


def reasons(office: Office, job_id: str) -> dict[str, str]:
    files = office.imports.files(job_id)
    return {one.name: one.reason.sentence() if one.reason else "" for one in files}


def states(office: Office, job_id: str) -> dict[str, str]:
    return {file.name: file.state for file in office.imports.files(job_id)}


def test_a_folder_becomes_calls_with_what_its_table_says(
    office: Office, tmp_path: Path
) -> None:
    recording(tmp_path / "in" / "a.wav")
    recording(tmp_path / "in" / "deep" / "b.flac", seed=2)
    (tmp_path / "in" / "notes.txt").write_text("not a recording")
    (tmp_path / "in" / "calls.csv").write_text(
        "file,agent_id,customer_ref,started_at,language,team,customer\n"
        "a.wav,a7,K-1,2026-03-04T10:00:00+08:00,zh,华东组,right\n",
        encoding="utf-8",
    )

    n_files = intake(office).work([begin(office, tmp_path / "in")])

    assert n_files == 2
    (call,) = Search(office.store.engine).find(SearchQuery(agents=("a7",))).calls
    assert (call.team, call.customer_ref, call.source) == ("华东组", "K-1", "import")
    assert call.started_at == "2026-03-04T02:00:00+00:00"
    assert (office.recordings / f"{call.call_id}.flac").is_file()
    started = office.store.entries(call.call_id)[0].event
    assert isinstance(started, CallStarted)
    assert started.parties == (Party.AGENT, Party.CUSTOMER)


def test_the_audio_is_kept_sample_by_sample(office: Office, tmp_path: Path) -> None:
    path = recording(tmp_path / "a.wav")

    intake(office).work([begin(office, path)])

    (kept,) = office.recordings.glob("*.flac")
    np.testing.assert_array_equal(
        soundfile.read(kept, dtype="int16")[0], soundfile.read(path, dtype="int16")[0]
    )


def test_the_same_content_is_taken_in_once(office: Office, tmp_path: Path) -> None:
    recording(tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "b.wav").write_bytes((tmp_path / "in" / "a.wav").read_bytes())

    first = begin(office, tmp_path / "in")
    intake(office).work([first])
    second = begin(office, tmp_path / "in")
    intake(office).work([second])

    assert sorted(states(office, first).values()) == ["done", "duplicate"]
    assert set(states(office, second).values()) == {"duplicate"}
    same = {file.call_id for file in office.imports.files(first)}
    assert len(same) == 1
    assert len(office.store.calls(live=False, limit=9)) == 1


def test_two_files_are_worked_on_at_once_by_as_many_threads_as_the_models_have(
    office: Office, tmp_path: Path
) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        recording(tmp_path / "in" / name, seconds=20, seed=ord(name[0]))
    job_id = begin(office, tmp_path / "in")
    together = threading.Barrier(AT_ONCE, timeout=30)

    class Meeting(Counting):
        n_heard = n_now = most = 0

        def transcribe(
            self, pcm: NDArray[np.float32], language: str | None
        ) -> Transcript:
            self.n_now += 1
            self.most = max(self.most, self.n_now)
            self.n_heard += 1
            if self.n_heard <= AT_ONCE:
                together.wait()  # Breaks where nobody else works meanwhile.
            said = super().transcribe(pcm, language)
            self.n_now -= 1
            return said

    words = Meeting()
    models = Models(FakeDetector, words, words, ("fake",), words_workers=AT_ONCE)
    began = time.perf_counter()
    worker = Intake(office, CallFactory.of(models), "w1", lambda: False)
    n_files = worker.work([job_id])

    assert n_files == 3
    # What they took in all is what somebody waited, though two shared it.
    assert 0 < office.imports.all()[0].work_s <= time.perf_counter() - began
    assert set(states(office, job_id).values()) == {"done"}
    assert words.most == AT_ONCE


def test_what_keeps_one_file_from_being_taken_in_lets_the_other_wait_too(
    office: Office, tmp_path: Path
) -> None:
    recording(tmp_path / "in" / "a.wav")
    recording(tmp_path / "in" / "b.wav", seconds=60, seed=2)
    job_id = begin(office, tmp_path / "in")

    class Full(Counting):
        def transcribe(
            self, pcm: NDArray[np.float32], language: str | None
        ) -> Transcript:
            del pcm, language
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        intake(office, models=Full()).work([job_id])
    assert set(states(office, job_id).values()) == {"waiting"}

    intake(office, "w2").work([job_id])
    assert set(states(office, job_id).values()) == {"done"}


def test_a_broken_file_says_why_and_holds_up_nothing(
    office: Office, tmp_path: Path
) -> None:
    recording(tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "broken.mp3").write_text("no audio at all")
    whole = recording(tmp_path / "in" / "cut.wav", seed=3).read_bytes()
    (tmp_path / "in" / "cut.wav").write_bytes(whole[:9000])
    (tmp_path / "in" / "empty.wav").touch()

    job_id = begin(office, tmp_path / "in")
    intake(office).work([job_id])

    files = {file.name: file for file in office.imports.files(job_id)}
    assert files["a.wav"].state == "done"
    for name in ("broken.mp3", "cut.wav", "empty.wav"):
        assert files[name].state == "failed"
        assert name in reasons(office, job_id)[name]
    assert len({path.name.split(".")[0] for path in office.recordings.iterdir()}) == 1
    assert office.imports.all()[0].counts["failed"] == 3


def test_a_file_waits_with_the_reason_while_nothing_can_be_written(
    office: Office, tmp_path: Path
) -> None:
    job_id = begin(office, recording(tmp_path / "in" / "a.wav"))
    office.recordings.write_text("in the way")

    with pytest.raises(OSError, match="exists"):
        intake(office).work([job_id])
    (waiting,) = office.imports.files(job_id)
    office.recordings.unlink()
    intake(office).work([job_id])

    assert (waiting.state, waiting.reason) == ("waiting", Refusal("path_in_the_way"))
    (done,) = office.imports.files(job_id)
    assert (done.state, done.reason) == ("done", None)


def test_a_file_that_breaks_what_listens_holds_up_no_other(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recording(tmp_path / "in" / "a.wav", seconds=20)
    recording(tmp_path / "in" / "b.wav", seed=2)
    job_id = begin(office, tmp_path / "in")

    class Brittle(Counting):
        def transcribe(
            self, pcm: NDArray[np.float32], language: str | None
        ) -> Transcript:
            if len(pcm) > 16000 * 4:
                raise ZeroDivisionError
            return super().transcribe(pcm, language)

    intake(office, models=Brittle()).work([job_id])

    assert states(office, job_id) == {"a.wav": "failed", "b.wav": "done"}
    reason = reasons(office, job_id)["a.wav"]
    assert reason.startswith("a.wav: could not be worked through (ZeroDivisionError)")
    assert "broke the import" in caplog.text


def test_names_in_any_script_and_with_spaces_are_taken_in(
    office: Office, tmp_path: Path
) -> None:
    folder = tmp_path / "录音 二〇二六" / "华东 组"
    recording(folder / "客户 投诉 1.wav")
    (folder / "calls.csv").write_text("file,team\n客户 投诉 1.wav,华东组\n", "utf-8")

    job_id = begin(office, tmp_path / "录音 二〇二六")
    intake(office).work([job_id])

    assert states(office, job_id) == {"客户 投诉 1.wav": "done"}
    (call,) = Search(office.store.engine).find(SearchQuery(teams=("华东组",))).calls
    assert call.source == "import"


def test_a_recording_of_more_than_four_hours_is_refused(
    office: Office, tmp_path: Path
) -> None:
    path = tmp_path / "long.ulaw"
    with path.open("wb") as file:
        file.truncate(8000 * 4 * 3600 + 8000)

    job_id = begin(office, path)
    intake(office).work([job_id])

    assert "longer than 4 hours" in reasons(office, job_id)["long.ulaw"]


def test_a_worker_that_is_stopped_leaves_nothing_half_done(
    office: Office, tmp_path: Path
) -> None:
    recording(tmp_path / "in" / "a.wav", seconds=30)
    job_id = begin(office, tmp_path / "in")

    assert intake(office, calls=3).work([job_id]) == 0

    assert states(office, job_id) == {"a.wav": "waiting"}
    assert office.store.calls(live=False, limit=9) == []
    assert list(office.recordings.iterdir()) == []
    assert intake(office, "w2").work([job_id]) == 1
    assert states(office, job_id) == {"a.wav": "done"}


def test_what_was_answered_before_the_end_of_a_worker_is_not_asked_again(
    office: Office, tmp_path: Path
) -> None:
    path = recording(tmp_path / "in" / "a.wav", seconds=60)
    job_id = begin(office, tmp_path / "in")
    first, second, whole = Counting(), Counting(), Counting()

    assert intake(office, "w1", models=first, stop_after=5).work([job_id]) == 0
    (book,) = office.books(1)
    with book.open("a") as file:
        file.write('{"key": "broken o')
    assert intake(office, "w2", models=second).work([job_id]) == 1

    (call,) = office.store.calls(live=False, limit=9)
    started = office.store.entries(call.call_id)[0].event
    assert isinstance(started, CallStarted)
    models = Models(FakeDetector, whole, whole, ("fake",))
    log = analyse(open_recording(path), started, CallFactory.of(models), print)
    assert list(log) == office.store.entries(call.call_id)
    assert 0 < first.n_asked < whole.n_asked
    assert first.n_asked + second.n_asked == whole.n_asked
    assert office.books(1) == []


def test_a_paused_import_rests_until_it_is_resumed(
    office: Office, tmp_path: Path
) -> None:
    recording(tmp_path / "in" / "a.wav")
    job_id = begin(office, tmp_path / "in")

    office.imports.pause(job_id)
    assert intake(office).work() == 0
    assert office.imports.all()[0].state == "paused"
    office.imports.resume(job_id)
    assert intake(office).work() == 1

    assert office.imports.all()[0].state == "done"


def test_an_import_that_is_paused_in_the_middle_of_a_file_gives_it_back(
    office: Office, tmp_path: Path
) -> None:
    recording(tmp_path / "a.wav", seconds=20)
    job_id = begin(office, tmp_path / "a.wav")
    claim = office.imports.claim("w1")
    assert claim is not None
    office.imports.pause(job_id)

    assert office.imports.progress(claim, 1.0, 20.0) is JobState.PAUSED


def test_another_worker_goes_on_where_one_has_gone(
    office: Office, tmp_path: Path
) -> None:
    recording(tmp_path / "a.wav")
    begin(office, tmp_path / "a.wav")
    lost = office.imports.claim("gone")
    assert lost is not None
    assert office.imports.claim("w2") is None

    old = datetime.now(UTC) - timedelta(seconds=STALE_S + 1)
    with office.store.engine.begin() as connection:
        connection.execute(sa.update(jobs).values(heartbeat_at=old))

    taken = office.imports.claim("w2")
    assert taken is not None
    assert taken.file_id == lost.file_id


def test_an_import_is_forgotten_but_its_calls_stay(
    office: Office, tmp_path: Path
) -> None:
    job_id = begin(office, recording(tmp_path / "a.wav"))
    intake(office).work([job_id])

    office.imports.remove(job_id)

    assert office.imports.all() == []
    assert len(office.store.calls(live=False, limit=9)) == 1
    with pytest.raises(UnknownError):
        office.imports.remove(job_id)


def test_an_import_in_work_is_not_forgotten(office: Office, tmp_path: Path) -> None:
    job_id = begin(office, recording(tmp_path / "a.wav"))
    office.imports.claim("w1")

    with pytest.raises(StateError, match="pause"):
        office.imports.remove(job_id)


def test_progress_is_counted_in_files_and_in_bytes(
    office: Office, tmp_path: Path
) -> None:
    recording(tmp_path / "in" / "a.wav")
    recording(tmp_path / "in" / "b.wav", seed=2)
    begin(office, tmp_path / "in")
    claim = office.imports.claim("w1")
    assert claim is not None

    office.imports.progress(claim, 1.0, 4.0)

    (job,) = office.imports.all()
    assert (job.counts["waiting"], job.counts["working"]) == (1, 1)
    assert job.done_size == pytest.approx(job.size / 8)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name\na.wav\n", "no column name"),
        ("agent_id\na7\n", "column file"),
        ("file,agent_id\na.wav,Ann Lee\n", "line 2: agent_id"),
        ("file,language\na.wav,fr\n", "en, zh, or empty"),
        ("file,started_at\na.wav,yesterday\n", "started_at"),
        ("file,customer\na.wav,top\n", "left, right, or empty"),
        ("file,team,team\na.wav,North,South\n", "column team is there twice"),
        ("file\nmon/a.wav\n\ntue/a.wav\n", "line 4: a.wav has a line already"),
        ("file,team\na.wav,North,South\n", "line 2: 3 cells for 2 columns"),
        ("file,team\n,North\n", "line 2: the name of the file is missing"),
        ('file,team\na.wav,"' + "x" * 200_000, "line 2: field larger"),
    ],
)
def test_a_wrong_table_says_where(text: str, complaint: str) -> None:
    with pytest.raises(IntakeError, match=complaint):
        read_call_table(text.encode())


def test_a_table_is_matched_by_file_name_alone() -> None:
    table = read_call_table("\ufefffile,team\nC:\\calls\\a.wav,North\n".encode())

    assert table == {"a.wav": FileFacts(team="North")}


def load(_: Settings) -> CallFactory:
    return factory()


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as exited:
        main([str(argument) for argument in arguments], load)
    assert isinstance(exited.value.code, int)
    return exited.value.code


def test_the_command_imports_and_says_what_was_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALMLINE_SERVICE_DATA_DIR", str(tmp_path / "data"))
    recording(tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "bad.wav").write_text("x")
    (tmp_path / "table.csv").write_text("file,team\na.wav,North\n")

    status = run("import", tmp_path / "in", "--metadata", tmp_path / "table.csv")
    again = run("import", tmp_path / "in")
    nothing = run("import", "--resume")
    missing = run("import", tmp_path / "nowhere")

    told = capsys.readouterr().err
    assert (status, again, nothing, missing) == (1, 1, 0, 1)
    assert "1 calls" in told
    assert "bad.wav" in told
    assert "1 known already" in told
    assert "no such file or folder" in told
    store = Store(f"sqlite:///{tmp_path / 'data' / 'calmline.db'}")
    (call,) = Search(store.engine).find(SearchQuery(text="退款")).calls
    assert call.team == "North"
    store.close()


def test_a_file_state_is_one_of_those_that_the_page_knows() -> None:
    assert set(FileState) == {"waiting", "working", "done", "duplicate", "failed"}
