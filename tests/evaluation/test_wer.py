"""The command measures what it says, with fakes for the models."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from audio.frame import RATE
from evaluation.report import Figure
from evaluation.wer import (
    LONGEST_S,
    Ours,
    Outcome,
    Recogniser,
    Sample,
    figures,
    measure,
    read_samples,
    telephone,
)
from models.errors import DataError
from models.fake import FakeDetector, FakeTranscriber

pytestmark = pytest.mark.unit


def tone(seconds: float) -> NDArray[np.float32]:
    at_s = np.arange(int(seconds * RATE), dtype=np.float32) / RATE
    return np.float32(0.2) * np.sin(2 * np.pi * 440 * at_s)


def saying(text: str) -> Recogniser:
    return lambda _pcm, _language: text


def named(found: list[Figure]) -> dict[str, Figure]:
    return {figure.name: figure for figure in found}


def outcome(
    way: str, edits: int, cpu_s: float, *, language: str = "en", seconds: float = 10.0
) -> Outcome:
    return Outcome(
        way, language, edits, 10, loops=False, cpu_s=cpu_s, duration_s=seconds
    )


def recording(edits: int, *, seconds: float = 10.0, slow: float = 1.0) -> list[Outcome]:
    return [
        outcome("ours", edits, slow, seconds=seconds),
        outcome("padded", 1, 4.0, seconds=seconds),
        outcome("ours_mulaw", edits, slow, seconds=seconds),
        outcome("padded_mulaw", 2, 4.0, seconds=seconds),
    ]


def test_every_way_hears_every_recording_clean_and_by_telephone() -> None:
    samples = [
        Sample(tone(1.0), "en", "yes please"),
        Sample(tone(1.0), "zh", "一二三四"),
    ]
    ways = {"ours": saying("yes 一二三四"), "padded": saying("no")}

    heard = list(measure(samples, ways))

    assert [len(one) for one in heard] == [4, 4]
    assert {o.way for o in heard[0]} == {
        "ours",
        "padded",
        "ours_mulaw",
        "padded_mulaw",
    }
    assert [(o.edits, o.units) for o in heard[0] if o.way == "padded"] == [(2, 2)]
    assert [(o.edits, o.units) for o in heard[1] if o.way == "padded"] == [(4, 4)]


def test_ways_take_turns_at_going_first() -> None:
    order: list[str] = []

    def noting(name: str) -> Recogniser:
        def hear(_pcm: NDArray[np.float32], _language: str) -> str:
            order.append(name)
            return ""

        return hear

    ways = {name: noting(name) for name in ("ours", "padded")}

    list(measure([Sample(tone(0.1), "en", "yes")] * 2, ways))

    assert order == ["ours", "padded"] * 2 + ["padded", "ours"] * 2


def test_figures_have_their_stable_names() -> None:
    chinese = [
        Outcome(o.way, "zh", o.edits, o.units, o.loops, o.cpu_s, o.duration_s)
        for o in recording(0)
    ]

    found = named(figures([recording(1), recording(2), chinese]))

    ways = ("ours", "padded", "ours_mulaw", "padded_mulaw")
    expected = {f"{metric}.{way}" for metric in ("wer.en", "cer.zh") for way in ways}
    expected |= {f"{kind}.{way}" for kind in ("rtf", "loops") for way in ways}
    expected |= {
        f"{metric}.ours_minus_padded{line}"
        for metric in ("wer.en", "cer.zh")
        for line in ("", "_mulaw")
    }
    assert set(found) == expected | {"compute.ours_over_padded", "recordings"}


def test_figures_are_sums_over_the_recordings() -> None:
    found = named(figures([recording(1), recording(4)]))

    assert found["wer.en.ours"].value == pytest.approx(25.0)
    assert found["wer.en.padded"].value == pytest.approx(10.0)
    assert found["wer.en.ours_minus_padded"].value == pytest.approx(15.0)
    assert found["wer.en.ours_minus_padded_mulaw"].value == pytest.approx(5.0)
    assert (found["wer.en.ours"].low, found["wer.en.ours"].high) == (10.0, 40.0)
    assert found["compute.ours_over_padded"].value == pytest.approx(0.25)
    assert found["rtf.padded"].value == pytest.approx(0.4)
    assert found["recordings"].value == 2


def test_compute_leaves_out_what_plain_whisper_cuts_itself() -> None:
    long = recording(1, seconds=LONGEST_S + 1, slow=400.0)

    with_short = named(figures([recording(1), long]))
    alone = named(figures([long]))

    assert with_short["compute.ours_over_padded"].value == pytest.approx(0.25)
    assert alone["compute.ours_over_padded"].value == pytest.approx(100.0)


def test_texts_without_words_are_refused() -> None:
    heard = [[Outcome(o.way, "en", 0, 0, False, 1.0, 1.0) for o in recording(0)]]

    with pytest.raises(DataError, match="en hold no words"):
        figures(heard)


def test_short_recordings_are_transcribed_whole_and_long_ones_cut() -> None:
    ours = Ours(FakeTranscriber(), FakeDetector)
    speech = np.concatenate([tone(3.0), np.zeros(2 * RATE, np.float32)] * 7)

    short = ours(tone(2.0), "en")
    long = ours(speech, "en")

    assert short == "2.0 seconds"
    assert long.count("seconds") == 7
    assert "35.0" not in long


def test_telephone_keeps_time_and_level_and_loses_what_is_high() -> None:
    low = tone(1.0)
    high = np.float32(0.2) * np.sin(
        2 * np.pi * 6000 * np.arange(RATE, dtype=np.float32) / RATE
    )

    heard_low, heard_high = telephone(low), telephone(high)

    assert len(heard_low) == len(low)
    assert heard_low.dtype == np.float32
    middle = slice(2000, -2000)
    assert np.corrcoef(low[middle], heard_low[middle])[0, 1] > 0.99
    assert heard_high[middle].std() < 0.01 * high.std()


def test_samples_are_read_at_16_khz_with_plain_languages(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1.0)[::2], RATE // 2)
    (tmp_path / "manifest.csv").write_text(
        "path,lang,text\n" + "a.wav,zh-CN,你好\n" * 4, encoding="utf-8"
    )

    everything = list(read_samples(tmp_path, None))
    some = list(read_samples(tmp_path, 2))

    assert [sample.language for sample in everything] == ["zh"] * 4
    assert everything[0].duration_s == pytest.approx(1.0, abs=0.01)
    assert len(some) == 2


def test_unknown_language_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.5), RATE)
    (tmp_path / "manifest.csv").write_text(
        "path,lang,text\na.wav,xx,hello\n", encoding="utf-8"
    )

    with pytest.raises(DataError, match="'xx'"):
        list(read_samples(tmp_path, None))
