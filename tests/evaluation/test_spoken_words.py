from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emotion.events import Tier, WordReading
from evaluation.demo.script import ScriptError
from evaluation.spoken_words import VOICES, Heard, chosen, compare, hear
from evaluation.words import Line

pytestmark = pytest.mark.unit


def line(text: str, level: int, lang: str = "en") -> Line:
    return Line(text, lang, level, Tier.DIRECT if level else None)


CALM, ANGRY = line("good morning", 0), line("you lied to me", 2)


class Voices:
    """Says that a line was said; cannot say some."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def __call__(self, line: Line, voice: str) -> NDArray[np.float32]:
        if "\N{SNOWMAN}" in line.text:
            raise ScriptError("the voices do not know the phonemes")
        self.said.append((line.text, voice))
        return np.full(4, len(self.said), np.float32)


class Hostile:
    """Takes the word `lied` for hostile."""

    def read(
        self, text: str, language: str, start_s: float, end_s: float
    ) -> WordReading:
        hostility = 0.9 if "lied" in text else 0.0
        tier = Tier.DIRECT if hostility else None
        return WordReading(start_s, end_s, hostility, tier, (), language, "fake")


def written_down(texts: list[str]) -> Iterator[str]:
    yield from texts


def test_every_line_is_spoken_by_the_next_voice_and_written_down() -> None:
    voices = Voices()
    texts = written_down(["good warning", "you lied to me"])

    heard, n_unsaid = hear([CALM, ANGRY], voices, lambda _pcm, _lang: next(texts), None)

    assert heard == [Heard(CALM, "good warning"), Heard(ANGRY, "you lied to me")]
    assert voices.said == [
        (CALM.text, VOICES["en"][0]),
        (ANGRY.text, VOICES["en"][1]),
    ]
    assert n_unsaid == 0


def test_what_the_voices_cannot_say_is_left_out_and_counted() -> None:
    odd = line("a \N{SNOWMAN}", 0)

    heard, n_unsaid = hear([odd, CALM], Voices(), lambda _pcm, _lang: "hi", None)

    assert ([one.line for one in heard], n_unsaid) == ([CALM], 1)


def test_what_was_heard_before_is_not_spoken_again(tmp_path: Path) -> None:
    kept = tmp_path / "heard.jsonl"
    first, _ = hear([CALM, ANGRY], Voices(), lambda _pcm, _lang: "hm", kept)
    voices = Voices()

    again, _ = hear([CALM, ANGRY], voices, lambda _pcm, _lang: "else", kept)

    assert again == first
    assert not voices.said


def test_lines_are_taken_evenly_of_each_language() -> None:
    lines = [line(str(number), 0, lang) for lang in ("zh", "en") for number in range(9)]

    taken = [(one.lang, one.text) for one in chosen(lines, 3)]

    assert taken == [(lang, text) for lang in ("en", "zh") for text in "036"]


def test_what_recognition_costs_is_the_difference_on_the_same_lines() -> None:
    heard = [Heard(CALM, CALM.text), Heard(ANGRY, "you lie to me")]

    report = compare(heard, 1, Hostile(), "spoken_words", "lines")

    figures = {figure.name: figure.value for figure in report.figures}
    assert figures["spoken_words.en.auc_written"] == 1.0
    assert figures["spoken_words.en.auc"] == 0.5
    assert figures["spoken_words.en.auc_cost"] == 0.5
    assert figures["spoken_words.en.wer"] == pytest.approx(100 / 6)
    assert figures["spoken_words.unsaid"] == 1
