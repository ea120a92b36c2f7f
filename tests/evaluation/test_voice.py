import argparse
import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from audio.frame import RATE
from evaluation import train_voice, voice
from evaluation.report import Report
from evaluation.voice import Scored, measure
from models.errors import DataError

pytestmark = pytest.mark.unit


def tone(duration_s: float, rate: int = RATE, hz: float = 300.0) -> NDArray[np.float32]:
    time_s = np.arange(round(duration_s * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def scored(
    score: float, *, angry: bool = False, neutral: bool = False, speaker: str = "a"
) -> Scored:
    return Scored(speaker, angry, neutral, "", (score,))


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


def test_calibration_is_also_told_for_the_share_of_anger_that_weights_expect() -> None:
    recordings = [scored(0.5, angry=True), scored(0.5, angry=True), scored(0.5)]

    figures, _ = measure("x", recordings, share=0.5)

    values = {figure.name: figure.value for figure in figures}
    assert values["voice.x.ece"] == pytest.approx(1 / 6)
    assert values["voice.x.ece_same_share"] == pytest.approx(0)


def test_the_name_of_a_corpus_in_any_script_is_kept_apart() -> None:
    figures, _ = measure("CASIA 情感", [scored(0.9, angry=True), scored(0.1)])

    assert figures[0].name == "voice.casia_情感.auc_vs_all"


def test_intervals_come_from_speakers_and_need_more_than_one() -> None:
    one = [scored(0.9, angry=True), scored(0.1)]
    two = [*one, scored(0.3, angry=True, speaker="b"), scored(0.6, speaker="b")]

    alone, pair = (measure("x", who)[0][0] for who in (one, two))

    assert (alone.low, alone.high) == (None, None)
    assert (pair.low, pair.high) == (0.0, 1.0)


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


@pytest.mark.model
def test_a_corpus_is_measured_only_where_it_is_there_and_labelled(
    tmp_path: Path,
) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1.0), RATE)
    (tmp_path / "manifest.csv").write_text(
        "path,corpus,speaker,emotion\na.wav,x,s,Wut\na.wav,x,t,Freude\n", "utf-8"
    )
    parser = argparse.ArgumentParser()
    voice.add_arguments(parser)

    report = voice.run(parser.parse_args(["--data", str(tmp_path)]))

    assert report.notes[-1] == (
        "labels of x: freude, wut; looked for are anger (or angry) and neutral"
    )
    with pytest.raises(DataError, match="no corpus y; it has x"):
        voice.run(parser.parse_args(["--data", str(tmp_path), "--corpora", "y"]))
