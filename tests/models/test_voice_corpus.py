import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from audio.frame import RATE, CustomerWindow
from models.voice_corpus import (
    Heard,
    Hearing,
    apart,
    emotion_of,
    joined,
    listen,
    sex_of,
    windows,
)
from models.whisper_weights import load_whisper

pytestmark = pytest.mark.unit


def tone(duration_s: float, rate: int = RATE, hz: float = 300.0) -> NDArray[np.float32]:
    time_s = np.arange(round(duration_s * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


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


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("angry", "anger"),
        (" Anger ", "anger"),
        ("Neutral", "neutral"),
        ("joy", "happiness"),
        ("boredom", "boredom"),
    ],
)
def test_labels_are_read_in_our_spelling(written: str, expected: str) -> None:
    assert emotion_of({"emotion": written}) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [({"gender": "F"}, "female"), ({"gender": " male"}, "male"), ({}, "")],
)
def test_sex_is_empty_where_the_manifest_does_not_say(
    row: dict[str, str], expected: str
) -> None:
    assert sex_of(row) == expected


def test_windows_of_several_corpora_are_put_together() -> None:
    one = Heard(
        features=np.zeros((2, 3), np.float32),
        steps=apart([np.zeros((n, 2), np.float16) for n in (1, 4)]),
        emotion=np.array(["anger", "joy"]),
        speaker=np.array(["a", "b"]),
        corpus=np.array(["x", "x"]),
        recording=np.array([0, 1]),
        copy=np.array([0, 0]),
    )
    other = replace(one, corpus=np.array(["y", "y"]), recording=np.array([2, 3]))

    both = joined([one, other])

    assert both.features.shape == (4, 3)
    assert [len(window) for window in both.steps] == [1, 4, 1, 4]
    assert both.only(both.corpus == "y").recording.tolist() == [2, 3]
    assert both.angry.tolist() == [True, False, True, False]


@pytest.mark.model
def test_what_was_heard_is_kept_line_by_line(tmp_path: Path) -> None:
    with (tmp_path / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "corpus", "speaker", "emotion"])
        for emotion, hz in (("neutral", 200), ("anger", 700)):
            soundfile.write(tmp_path / f"{emotion}.flac", tone(1.3, hz=hz), RATE)
            rows.writerow([f"{emotion}.flac", "tones", "s", emotion])
    encoder, cache = load_whisper().encoder, tmp_path / "cache"

    clean = listen(tmp_path, (), encoder, (1, 2), Hearing(copies=0), cache)
    kept = {file: file.stat().st_mtime_ns for file in cache.iterdir()}
    more = listen(tmp_path, ["tones"], encoder, (1, 2), Hearing(copies=2), cache)

    assert all(file.stat().st_mtime_ns == at for file, at in kept.items())
    assert more.copy.tolist() == [0, 1, 2, 0, 1, 2]
    assert more.emotion.tolist() == ["neutral"] * 3 + ["anger"] * 3
    assert np.array_equal(more.features[more.copy == 0], clean.features)
    assert np.array_equal(more.steps[3], clean.steps[1])
    assert len(clean.steps[0]) == len(more.steps[0]) > 0
