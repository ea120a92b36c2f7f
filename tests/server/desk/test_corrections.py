"""What people correct: kept beside the log, and written as training data."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio.frame import Party
from emotion.events import Tier
from evaluation.desk import fill
from evaluation.desk_calls import made_calls
from evaluation.words import read_lines
from models.manifest import read_manifest
from models.voice_corpus import COLUMNS
from server.desk.comments import Comments
from server.desk.corrections import CorrectionKind, Corrections, NewCorrection
from server.desk.errors import QueryError, UnknownError
from server.desk.peaks import read_peaks
from server.desk.training_data import Exported, export_corrections
from server.events import TranscriptFinal
from server.store import Store

pytestmark = pytest.mark.unit

CALL = "made-00000"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'desk.db'}")
    fill(store, made_calls(2, seed=3))
    (tmp_path / "audio").mkdir()
    for number in range(2):
        pcm = np.zeros((8000 * 400, 2), np.int16)
        pcm[:, 0], pcm[:, 1] = 1000, 2000
        soundfile.write(tmp_path / "audio" / f"made-0000{number}.flac", pcm, 8000)
    yield store
    store.close()


def utterance(store: Store, party: Party, call_id: str = CALL) -> TranscriptFinal:
    return next(
        entry.event
        for entry in store.entries(call_id)
        if isinstance(entry.event, TranscriptFinal) and entry.event.party is party
    )


def export(store: Store, folder: Path) -> Exported:
    found = Corrections(store.engine).standing()
    return export_corrections(found, store.entries, folder / "audio", folder / "out")


def about(said: TranscriptFinal, kind: CorrectionKind, **more: object) -> NewCorrection:
    return NewCorrection(
        kind,
        said.start_s,
        said.end_s,
        said.utterance_id,
        **more,  # type: ignore[arg-type]  # the fields of a correction
    )


def test_judged_words_are_lines_that_the_word_training_reads(
    store: Store, tmp_path: Path
) -> None:
    corrections = Corrections(store.engine)
    said = utterance(store, Party.CUSTOMER)
    other = utterance(store, Party.CUSTOMER, "made-00001")
    corrections.add(CALL, "Ann", about(said, CorrectionKind.NOT_HOSTILE))
    missed = about(
        other, CorrectionKind.MISSED_HOSTILITY, level=2, tier=Tier.THIRD_PARTY
    )
    corrections.add("made-00001", "Ann", missed)

    done = export(store, tmp_path)

    lines = read_lines(tmp_path / "out" / "words.jsonl")
    assert done.words == len(lines) == 2
    assert (lines[0].text, lines[0].level) == (said.text, 0)
    assert (lines[1].level, lines[1].tier) == (2, Tier.THIRD_PARTY)


def test_judged_voices_are_a_folder_that_the_voice_training_reads(
    store: Store, tmp_path: Path
) -> None:
    said = utterance(store, Party.CUSTOMER)
    missed = about(said, CorrectionKind.MISSED_HOSTILITY, level=3)
    Corrections(store.engine).add(CALL, "Ann", missed)

    export(store, tmp_path)

    (row,) = read_manifest(tmp_path / "out" / "voice", COLUMNS)
    assert (row["emotion"], row["corpus"]) == ("anger", "corrections")
    assert "K-" not in row["speaker"]
    pcm, rate = soundfile.read(tmp_path / "out" / "voice" / row["path"], dtype="int16")
    assert pcm.ndim == 1
    assert set(pcm) == {1000}, "only the customer's channel"
    assert len(pcm) / rate == pytest.approx(said.end_s - said.start_s, abs=0.01)


def test_an_agent_is_never_learned_from(store: Store, tmp_path: Path) -> None:
    said = utterance(store, Party.AGENT)
    Corrections(store.engine).add(CALL, "Ann", about(said, CorrectionKind.NOT_HOSTILE))

    done = export(store, tmp_path)

    assert (done.words, done.voice) == (0, 0)
    assert done.skipped == {"not_the_customer": 1}


def test_other_corrections_of_an_utterance_change_what_is_learned(
    store: Store, tmp_path: Path
) -> None:
    corrections = Corrections(store.engine)
    wrong, right = utterance(store, Party.AGENT), utterance(store, Party.CUSTOMER)
    speaker = about(wrong, CorrectionKind.WRONG_SPEAKER, party=Party.CUSTOMER)
    corrections.add(CALL, "Ann", speaker)
    corrections.add(CALL, "Ann", about(wrong, CorrectionKind.NOT_HOSTILE))
    words = about(right, CorrectionKind.WRONG_WORDS, text="what was really said")
    corrections.add(CALL, "Ann", words)
    corrections.add(CALL, "Ann", about(right, CorrectionKind.NOT_HOSTILE))

    done = export(store, tmp_path)

    texts = [line.text for line in read_lines(tmp_path / "out" / "words.jsonl")]
    assert texts == [wrong.text, "what was really said"]
    assert done.asr == 1
    manifest = tmp_path / "out" / "asr" / "manifest.csv"
    with manifest.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["text"] == "what was really said"


def test_a_withdrawn_correction_is_remembered_but_not_learned_from(
    store: Store, tmp_path: Path
) -> None:
    corrections = Corrections(store.engine)
    said = utterance(store, Party.CUSTOMER)
    made = corrections.add(CALL, "Ann", about(said, CorrectionKind.NOT_HOSTILE))
    export(store, tmp_path)

    corrections.withdraw(CALL, made)
    done = export(store, tmp_path)

    (kept,) = corrections.of(CALL)
    assert kept.withdrawn_at is not None
    assert done == Exported()
    assert list((tmp_path / "out" / "voice").glob("*.wav")) == []
    with pytest.raises(UnknownError):
        corrections.withdraw(CALL, made)


def test_the_log_is_never_changed(store: Store) -> None:
    before = store.entries(CALL)
    said = utterance(store, Party.CUSTOMER)

    words = about(said, CorrectionKind.WRONG_WORDS, text="other words")
    Corrections(store.engine).add(CALL, "Ann", words)

    assert store.entries(CALL) == before


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        (CorrectionKind.WRONG_WORDS, "text"),
        (CorrectionKind.WRONG_SPEAKER, "party"),
        (CorrectionKind.MISSED_HOSTILITY, "level"),
    ],
)
def test_a_correction_without_what_is_right_is_refused(
    kind: CorrectionKind, complaint: str
) -> None:
    with pytest.raises(QueryError, match=complaint):
        NewCorrection(kind, 1.0, 2.0)


def test_a_correction_needs_a_span() -> None:
    with pytest.raises(QueryError, match="span"):
        NewCorrection(CorrectionKind.NOT_HOSTILE, 2.0, 2.0)


def test_comments_stand_in_the_order_of_their_moments(store: Store) -> None:
    comments = Comments(store.engine)
    comments.add(CALL, 20.0, "Ann", "later")
    comments.add(CALL, 3.0, "Bob", "earlier")

    found = comments.of(CALL)
    comments.remove(CALL, found[0].comment_id)

    assert [comment.text for comment in found] == ["earlier", "later"]
    assert [comment.text for comment in comments.of(CALL)] == ["later"]
    with pytest.raises(UnknownError):
        comments.remove("made-00001", found[1].comment_id)


@pytest.mark.parametrize("n_samples", [1, 999, 100_000])
def test_peaks_are_the_loudest_of_each_step(tmp_path: Path, n_samples: int) -> None:
    pcm = np.zeros((n_samples, 2), np.int16)
    pcm[n_samples // 2, 0] = 16384
    soundfile.write(tmp_path / "a.flac", pcm, 8000)

    peaks = read_peaks(tmp_path / "a.flac", n_peaks=100)

    left, right = peaks.channels
    assert len(left) == len(right) <= 100
    assert max(left) == 0.5
    assert max(right) == 0.0
    if n_samples > 100:
        assert left.index(0.5) == pytest.approx(len(left) / 2, abs=1.1)


def test_a_stretch_of_a_recording_has_a_finer_picture(tmp_path: Path) -> None:
    pcm = np.zeros((8000 * 100, 1), np.int16)
    pcm[8000 * 60] = 16384
    soundfile.write(tmp_path / "a.flac", pcm, 8000)

    near = read_peaks(tmp_path / "a.flac", 100, from_s=59.5, to_s=61.5)
    cut_off = read_peaks(tmp_path / "a.flac", 100, from_s=99.0, to_s=200.0)
    behind = read_peaks(tmp_path / "a.flac", 100, from_s=200.0, to_s=300.0)

    assert near.duration_s == 2.0
    assert near.channels[0].index(0.5) == 25
    assert (cut_off.duration_s, len(cut_off.channels[0])) == (1.0, 100)
    assert behind.channels == [[0.0]]


def test_exported_lines_are_plain_json(store: Store, tmp_path: Path) -> None:
    said = utterance(store, Party.CUSTOMER)
    Corrections(store.engine).add(CALL, "Ann", about(said, CorrectionKind.NOT_HOSTILE))

    export(store, tmp_path)

    text = (tmp_path / "out" / "words.jsonl").read_text(encoding="utf-8")
    row = json.loads(text)
    assert {"text", "lang", "level", "tier"} <= row.keys()
    assert row["kind"] == "corrected_not_hostile"
