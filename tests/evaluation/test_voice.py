import argparse
import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from audio.frame import RATE, CustomerWindow
from evaluation import train_voice, voice
from evaluation.report import Report
from evaluation.voice import Scored, measure
from models.errors import DataError
from models.voice_audio import (
    Troubles,
    read_mono,
    telephone,
    trimmed,
    troubled,
)
from models.voice_corpus import windows
from models.voice_features import NOMINAL_DBFS, find_speech

pytestmark = pytest.mark.unit


def tone(duration_s: float, rate: int = RATE, hz: float = 300.0) -> NDArray[np.float32]:
    time_s = np.arange(round(duration_s * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def scored(
    score: float, *, angry: bool = False, neutral: bool = False, speaker: str = "a"
) -> Scored:
    return Scored(speaker, angry, neutral, "", (score,))


@pytest.mark.parametrize(
    ("duration_s", "expected_s"),
    [
        (0.4, [(0.0, 1.0)]),
        (2.2, [(0.0, 2.2)]),
        (3.0, [(0.0, 3.0)]),
        (4.5, [(0.0, 3.0), (1.0, 3.0), (1.5, 3.0)]),
    ],
)
def test_windows_are_as_long_and_as_far_apart_as_live(
    duration_s: float, expected_s: list[tuple[float, float]]
) -> None:
    found = list(windows(tone(duration_s)))

    assert [(w.start / RATE, len(w.pcm) / RATE) for w in found] == expected_s
    assert all(isinstance(w, CustomerWindow) for w in found)


def test_figures_have_the_names_that_are_documented() -> None:
    recordings = [
        scored(0.9, angry=True),
        scored(0.1, neutral=True),
        scored(0.2, speaker="b"),
        scored(0.8, angry=True, speaker="b"),
    ]

    figures, notes = measure("Emo-DB", recordings)

    values = {figure.name: figure.value for figure in figures}
    assert values["voice.emo_db.auc_vs_all"] == 1.0
    assert values["voice.emo_db.auc_vs_neutral"] == 1.0
    assert values["voice.emo_db.caught"] == 1.0
    assert values["voice.emo_db.flagged_neutral"] == 0.0
    assert values["voice.emo_db.ece"] == pytest.approx(0.15)
    assert notes == []


def test_a_corpus_without_neutral_leaves_its_figure_out_and_says_so() -> None:
    figures, notes = measure("x", [scored(0.9, angry=True), scored(0.1)])

    assert "voice.x.auc_vs_neutral" not in [figure.name for figure in figures]
    assert notes == ["voice.x.auc_vs_neutral needs angry and other recordings"]


def test_intervals_come_from_speakers_and_need_more_than_one() -> None:
    one = [scored(0.9, angry=True), scored(0.1)]
    two = [*one, scored(0.3, angry=True, speaker="b"), scored(0.6, speaker="b")]

    alone, pair = (measure("x", who)[0][0] for who in (one, two))

    assert (alone.low, alone.high) == (None, None)
    assert (pair.low, pair.high) == (0.0, 1.0)


def test_a_telephone_line_keeps_time_and_cuts_high_frequencies() -> None:
    low, high = tone(1.0, hz=1_000), tone(1.0, hz=6_000)

    heard = telephone(low + high)

    spectrum = np.abs(np.fft.rfft(heard))
    assert len(heard) == RATE
    assert find_speech(heard).level_dbfs == pytest.approx(NOMINAL_DBFS, abs=4)
    assert spectrum[6_000] < spectrum[1_000] / 50


def test_trimming_keeps_the_speech_and_a_tenth_of_a_second_around_it() -> None:
    quiet = np.zeros(RATE, np.float32)

    kept = trimmed(np.concatenate([quiet, tone(1.5), quiet]))

    assert len(kept) / RATE == pytest.approx(1.7, abs=0.03)


def test_troubles_depend_on_the_draw_alone() -> None:
    pcm = tone(4.0)

    first, again, other = (
        troubled(pcm, np.random.default_rng(seed), Troubles()) for seed in (1, 1, 2)
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert all(1.4 * RATE < len(one) < 3.6 * RATE for one in (first, other))


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_recordings_of_any_rate_are_read(
    rate: int, n_channels: int, tmp_path: Path
) -> None:
    path = tmp_path / "some.wav"
    soundfile.write(path, np.repeat(tone(1.0, rate)[:, None], n_channels, 1), rate)

    assert len(read_mono(path)) == RATE


@pytest.mark.parametrize("content", [b"", b"words, not audio"])
def test_a_file_that_is_no_audio_is_a_data_error(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "some.wav"
    path.write_bytes(content)

    with pytest.raises(DataError, match=r"some\.wav cannot be read as audio"):
        read_mono(path)


def test_an_empty_recording_is_a_data_error(tmp_path: Path) -> None:
    path = tmp_path / "some.wav"
    soundfile.write(path, np.zeros(3, np.float32), RATE)

    with pytest.raises(DataError, match="at least 20 ms"):
        read_mono(path)


def corpus(folder: Path, rate: int = 22_050) -> None:
    """Low calm tones and high angry ones, of four speakers."""
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "corpus", "speaker", "emotion"])
        for speaker in range(4):
            for emotion, hz in (("neutral", 200), ("Anger", 700), ("anger", 800)):
                path = f"{speaker}-{emotion}-{hz}.flac"
                pcm = tone(1.3, rate, hz + 10 * speaker)
                soundfile.write(folder / path, pcm, rate)
                rows.writerow([path, "tones", f"s{speaker}", emotion])


@pytest.mark.model
def test_a_head_is_trained_written_and_measured(tmp_path: Path) -> None:
    corpus(tmp_path)
    first, second = tmp_path / "new folder" / "1.npz", tmp_path / "2.npz"

    trained = trained_on(tmp_path, first, corpora=["tones"])
    again = trained_on(tmp_path, second, corpora=["tones"])

    measured = measured_with(tmp_path, first)
    assert trained.figures == again.figures
    assert first.read_bytes() == second.read_bytes()
    assert measured["voice.tones.auc_vs_neutral"] == 1.0
    assert measured["voice.reading_s"] > 0


def trained_on(folder: Path, out: Path, corpora: list[str]) -> Report:
    parser = argparse.ArgumentParser()
    train_voice.add_arguments(parser)
    command = ["--data", str(folder), "--out", str(out), "--copies", "1"]
    command += ["--cache", str(folder / "cache"), "--corpora", *corpora]
    return train_voice.run(parser.parse_args(command))


def measured_with(folder: Path, weights: Path) -> dict[str, float]:
    parser = argparse.ArgumentParser()
    voice.add_arguments(parser)
    args = parser.parse_args(["--data", str(folder), "--weights", str(weights)])
    return {figure.name: figure.value for figure in voice.run(args).figures}


@pytest.mark.model
def test_training_on_a_corpus_that_is_not_there_is_a_data_error(
    tmp_path: Path,
) -> None:
    corpus(tmp_path)

    with pytest.raises(DataError, match="no corpus elsewhere"):
        trained_on(tmp_path, tmp_path / "1.npz", corpora=["elsewhere"])
