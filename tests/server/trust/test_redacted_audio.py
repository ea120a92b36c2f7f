import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from audio.frame import Party
from models.errors import InferenceError
from models.ports import WordTime
from server.events import LogEntry, TranscriptFinal
from server.trust.redacted_audio import (
    RedactedRecordings,
    Stretch,
    heard_stretch,
    hidden_stretches,
    write_covered,
)
from server.trust.redaction import find
from server.trust.spans import Span

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


class Words:
    """Hears every word at a second of its own, and the words it is asked for."""

    def __init__(self, *, fails: bool = False) -> None:
        self.heard: list[tuple[int, str]] = []
        self._fails = fails

    def locate(
        self, pcm: NDArray[np.float32], text: str, language: str
    ) -> list[WordTime]:
        self.heard.append((len(pcm), language))
        if self._fails:
            raise InferenceError("was to fail")
        spans = [match.span() for match in re.finditer(r"\S+", text)]
        return [WordTime(a, b, n, n + 1.0) for n, (a, b) in enumerate(spans)]


def covered_seconds(path: Path | None) -> list[int]:
    """Whole seconds in which nothing but a tone is heard."""
    assert path is not None
    pcm, rate = soundfile.read(path)
    seconds = pcm[: len(pcm) // rate * rate, 0].reshape(-1, rate)
    return [n for n, second in enumerate(seconds) if np.abs(second).max() < 0.07]


def test_a_number_is_covered_when_it_was_heard(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    recording(tmp_path / "audio" / "a.flac", 30.0)
    log = entries(f"card {CARD} and so on please", "that is all")
    words = Words()

    folder = tmp_path / "redacted"
    path = RedactedRecordings(tmp_path / "audio", folder, words).covered("a", log)

    assert covered_seconds(path) == [1, 2, 3, 4]
    assert words.heard == [(8 * 16_000, "en")]


def test_what_cannot_be_heard_is_covered_by_estimate(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    recording(tmp_path / "audio" / "a.flac", 30.0)
    log = entries(f"card {CARD} and so on please")

    files = [
        RedactedRecordings(tmp_path / "audio", tmp_path / name, words).covered("a", log)
        for name, words in (("none", None), ("fails", Words(fails=True)))
    ]

    assert covered_seconds(files[0]) == covered_seconds(files[1]) != []


def test_a_number_at_an_end_is_covered_up_to_there() -> None:
    said = entries(f"my card is {CARD}.")[0].event
    assert isinstance(said, TranscriptFinal)
    span = Span(11, 30, find(said.text)[0].kind)
    words = [WordTime(11, 30, 3.0, 5.0)]

    assert heard_stretch(said, span, words) == Stretch(2.7, 8.3)
    assert heard_stretch(said, span, [WordTime(16, 30, 3.0, 5.0)]) is None
    assert heard_stretch(said, span, []) is None
