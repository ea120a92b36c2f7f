"""`calmline train voice`; needs Whisper base."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio.frame import RATE
from models.voice import load_voice_reader
from models.voice_head import load_head
from server.cli import main

pytestmark = pytest.mark.model


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as exit_:
        main([str(one) for one in arguments])
    return int(exit_.value.code or 0)


def recordings(folder: Path, n_speakers: int) -> Path:
    """Low calm tones and high angry ones."""
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "corpus", "speaker", "emotion"])
        for speaker in range(n_speakers):
            for emotion, hz in (("neutral", 200), ("anger", 700)):
                time_s = np.arange(round(1.3 * RATE)) / RATE
                tone = 0.3 * np.sin(2 * np.pi * (hz + 10 * speaker) * time_s)
                path = f"{speaker}-{emotion}.flac"
                soundfile.write(folder / path, tone, RATE)
                rows.writerow([path, "own", f"s{speaker}", emotion])
    return folder


def test_own_calls_give_weights_and_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = recordings(tmp_path, 4), tmp_path / "own.npz"

    assert run("train", "voice", "--data", data, "--out", out) == 0
    told = capsys.readouterr().out
    assert run("train", "voice", "--data", data, "--out", tmp_path / "own2.npz") == 0

    assert "before" in told
    assert "Held out: 2 recordings of 1 speakers" in told
    own, again = load_head(out), load_head(tmp_path / "own2.npz")
    assert own.card.trained_on == ("banglaser", "own")
    assert np.array_equal(own.weight, again.weight)
    assert load_voice_reader(out).model.startswith("own from voice-permissive")


def test_too_few_speakers_are_one_line_and_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = recordings(tmp_path, 1), tmp_path / "own.npz"

    assert run("train", "voice", "--data", data, "--out", out) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("calmline: training needs angry and other recordings")
    assert not out.exists()


def test_a_folder_without_a_manifest_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", "voice", "--data", tmp_path, "--out", tmp_path / "x.npz") == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("calmline: expected manifest.csv")
