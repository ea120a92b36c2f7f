from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio.frame import Party
from server.events import LogEntry, TranscriptFinal
from server.trust.redacted_audio import (
    RedactedRecordings,
    Stretch,
    hidden_stretches,
    write_covered,
)

pytestmark = pytest.mark.unit

RATE = 8000
CARD = "4111 1111 1111 1111"


def entries(*texts: str) -> list[LogEntry]:
    return [
        LogEntry(
            n,
            10.0 * n,
            TranscriptFinal(
                f"u{n}", Party.CUSTOMER, 10.0 * n, 10.0 * n + 8, text, "en", 0.9
            ),
        )
        for n, text in enumerate(texts)
    ]


def recording(path: Path, seconds: float) -> Path:
    noise = np.random.default_rng(0).normal(0, 0.1, (round(seconds * RATE), 2))
    soundfile.write(path, noise.astype(np.float32), RATE)
    return path


def test_a_stretch_lies_in_its_utterance_and_is_wider_than_its_words() -> None:
    words = "hello there I would like to tell you that my card is "
    (stretch,) = hidden_stretches(entries(words + CARD + " and that is all of it"))

    assert 0.5 < stretch.start_s < 4.0
    assert 5.0 < stretch.end_s < 8.3


def test_words_without_numbers_hide_nothing() -> None:
    assert hidden_stretches(entries("hello", "I want my money back")) == []


def test_a_tone_covers_every_channel_of_the_stretch_and_nothing_else(
    tmp_path: Path,
) -> None:
    source = recording(tmp_path / "a.flac", 30.0)
    before, _ = soundfile.read(source)

    write_covered(source, tmp_path / "b.flac", [Stretch(7.9, 16.5), Stretch(29, 40)])

    after, rate = soundfile.read(tmp_path / "b.flac")
    first, last = round(7.9 * rate), round(16.5 * rate)
    assert after.shape == before.shape
    np.testing.assert_array_equal(after[:first], before[:first])
    np.testing.assert_array_equal(after[last : 29 * rate], before[last : 29 * rate])
    for channel in (0, 1):
        heard = np.abs(np.fft.rfft(after[first:last, channel]))
        assert np.argmax(heard) == pytest.approx(1000 * (last - first) / rate, abs=2)
        correlation = np.corrcoef(
            after[first:last, channel], before[first:last, channel]
        )
        assert abs(correlation[0, 1]) < 0.05
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_a_covered_copy_is_made_once_and_again_when_more_is_found(
    tmp_path: Path,
) -> None:
    (tmp_path / "audio").mkdir()
    recording(tmp_path / "audio" / "c1.flac", 30.0)
    recordings = RedactedRecordings(tmp_path / "audio", tmp_path / "redacted")

    plain = recordings.covered("c1", entries("hello"))
    first = recordings.covered("c1", entries("it is " + CARD))
    again = recordings.covered("c1", entries("it is " + CARD))
    more = recordings.covered("c1", entries("it is " + CARD, "or " + CARD))

    assert plain == recordings.original("c1")
    assert first == again != more
    assert list((tmp_path / "redacted").iterdir()) == [more]
    recordings.remove("c1")
    assert list((tmp_path / "redacted").iterdir()) == []
    assert recordings.covered("gone", entries(CARD)) is None
