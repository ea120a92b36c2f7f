"""`python -m evaluation wer`: errors and cost of our transcripts and of plain Whisper.

Both ways hear each recording in turn in one process, so that whatever slows the
machine slows both. Plain is openai-whisper as it is: audio padded to 30 s, greedy
decoding without timestamps; what is longer than 30 s goes through its `transcribe` at
temperature 0. Ours is the live transcriber; what is longer than 30 s is cut by the
live endpointer. Both are told the language of the manifest. Then everything again
through an 8 kHz mu-law line.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
import torch
import whisper
from numpy.typing import NDArray

from audio import (
    FRAME_SAMPLES,
    RATE,
    AudioFormat,
    Encoding,
    Endpointer,
    EndpointerParams,
    Frame,
    Party,
    Segment,
    decode,
    encode,
)
from evaluation.interval import bootstrap
from evaluation.report import Figure, Report
from evaluation.word_errors import CHARACTER_LANGUAGES, count_errors, loops
from models.errors import DataError
from models.manifest import read_manifest
from models.openai_whisper import OpenAIWhisper
from models.ports import SpeechDetector, Transcriber
from models.runtime import prepare_torch
from models.speech_detection import SileroDetector
from models.transcription import WhisperTranscriber
from models.voice_audio import LINE_RATE, read_mono
from models.whisper_weights import DEFAULT, checkpoint_path
from models.written import language_of

COLUMNS = ("path", "lang", "text")
OURS, PADDED = "ours", "padded"
LONGEST_S = 30.0
"""What Whisper, and our transcriber, take at once."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder with manifest.csv: path, lang (ISO 639-1), text",
    )
    parser.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help="measure only N recordings, taken evenly from the manifest",
    )
    parser.add_argument(
        "--model", default=DEFAULT, help="Whisper model of both ways (%(default)s)"
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="threads of one inference (%(default)s)"
    )


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: arrays do not compare
class Sample:
    """One recording.

    Attributes:
        pcm: float32, shape ``(n_samples,)``, mono at 16 kHz.
        language: ISO 639-1 code.
        text: what is said.
    """

    pcm: NDArray[np.float32]
    language: str
    text: str

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.pcm) / RATE


Recogniser = Callable[[NDArray[np.float32], str], str]
"""A way from a recording, mono at 16 kHz and of any length, and a language to text."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one way made of one recording.

    Attributes:
        way: which way, with ``_mulaw`` behind it for telephone quality.
        edits: errors, in words or characters.
        units: words or characters of the reference.
        loops: the text says again and again what was not said so often.
        cpu_s: processor time of all threads.
        duration_s: of the recording.
    """

    way: str
    language: str
    edits: int
    units: int
    loops: bool
    cpu_s: float
    duration_s: float


class Ours:
    """The live path: the transcriber, behind the endpointer where audio is long."""

    def __init__(
        self, transcriber: Transcriber, new_detector: Callable[[], SpeechDetector]
    ) -> None:
        self._transcriber = transcriber
        self._new_detector = new_detector

    def __call__(self, pcm: NDArray[np.float32], language: str) -> str:
        """Return the text of a recording."""
        if len(pcm) <= LONGEST_S * RATE:
            return self._transcriber.transcribe(pcm, language).text
        texts = (
            self._transcriber.transcribe(segment.pcm, language).text
            for segment in segments(pcm, self._new_detector())
        )
        return " ".join(texts)


def segments(
    pcm: NDArray[np.float32],
    detector: SpeechDetector,
    params: EndpointerParams = EndpointerParams(),  # noqa: B008 - frozen
) -> Iterator[Segment]:
    """Cut a recording, mono at 16 kHz, as the live endpointer does."""
    endpointer = Endpointer(Party.UNKNOWN, params)
    whole = np.pad(pcm, (0, -len(pcm) % FRAME_SAMPLES))
    frames = [
        Frame(whole[start : start + FRAME_SAMPLES], start, Party.UNKNOWN)
        for start in range(0, len(whole), FRAME_SAMPLES)
    ]
    for frame, heard in zip(frames, detector.probabilities(frames), strict=True):
        events = endpointer.feed(frame, heard)
        yield from (event for event in events if isinstance(event, Segment))
    yield from (e for e in endpointer.flush() if isinstance(e, Segment))


class Padded:
    """Plain openai-whisper."""

    def __init__(self, model: whisper.Whisper) -> None:
        self._model = model

    def __call__(self, pcm: NDArray[np.float32], language: str) -> str:
        """Return the text of a recording."""
        if len(pcm) > LONGEST_S * RATE:
            result = self._model.transcribe(
                pcm, language=language, temperature=0.0, fp16=False
            )
            return str(result["text"])
        mel = whisper.log_mel_spectrogram(
            whisper.pad_or_trim(pcm), self._model.dims.n_mels
        )
        options = whisper.DecodingOptions(
            language=language, without_timestamps=True, fp16=False
        )
        return str(whisper.decode(self._model, mel, options).text)


def telephone(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Send audio over an 8 kHz mu-law line, at the level it has."""
    line = AudioFormat(Encoding.MULAW, LINE_RATE, 1)
    narrow = soxr.resample(pcm, RATE, LINE_RATE)
    heard = decode(encode(narrow[:, np.newaxis], line), line)[:, 0]
    wide: NDArray[np.float32] = soxr.resample(heard, LINE_RATE, RATE)
    return wide[: len(pcm)]


def measure(
    samples: Iterable[Sample], ways: Mapping[str, Recogniser]
) -> Iterator[list[Outcome]]:
    """Let every way hear every recording, clean and as on the telephone.

    Yields:
        The outcomes of one recording.
    """
    for index, sample in enumerate(samples):
        # Whoever goes second may find memory warm: they take turns at that too.
        names = list(ways) if index % 2 == 0 else list(ways)[::-1]
        yield [
            _outcome(name + suffix, ways[name], pcm, sample)
            for suffix, pcm in (("", sample.pcm), ("_mulaw", telephone(sample.pcm)))
            for name in names
        ]


def _outcome(
    name: str, way: Recogniser, pcm: NDArray[np.float32], sample: Sample
) -> Outcome:
    before = time.process_time()
    text = way(pcm, sample.language)
    cpu_s = time.process_time() - before
    errors = count_errors(sample.text, text, sample.language)
    return Outcome(
        name,
        sample.language,
        errors.edits,
        errors.units,
        loops(text, sample.text, sample.language),
        cpu_s,
        sample.duration_s,
    )


def figures(heard: Sequence[Sequence[Outcome]]) -> list[Figure]:
    """Compute the figures from the outcomes of each recording."""
    found: list[Figure] = []
    ways = [way + suffix for suffix in ("", "_mulaw") for way in (OURS, PADDED)]
    for language in sorted({one[0].language for one in heard}):
        metric = "cer" if language in CHARACTER_LANGUAGES else "wer"
        mine = [{o.way: o for o in one} for one in heard if one[0].language == language]
        found += [_error_rate(f"{metric}.{language}.{way}", mine, way) for way in ways]
        for suffix in ("", "_mulaw"):
            name = f"{metric}.{language}.ours_minus_padded{suffix}"
            found.append(_error_rate(name, mine, OURS + suffix, minus=PADDED + suffix))
    every = [{o.way: o for o in one} for one in heard]
    short = [one for one in every if one[OURS].duration_s <= LONGEST_S] or every
    found.append(_compute(short))
    for way in ways:
        cpu_s = sum(one[way].cpu_s for one in every)
        duration_s = sum(one[way].duration_s for one in every)
        found.append(Figure(f"rtf.{way}", cpu_s / duration_s, "ratio"))
    for way in ways:
        n_loops = sum(one[way].loops for one in every)
        found.append(Figure(f"loops.{way}", n_loops, "count"))
    found.append(Figure("recordings", len(every), "count"))
    return found


def _error_rate(
    name: str, heard: Sequence[Mapping[str, Outcome]], way: str, minus: str = ""
) -> Figure:
    """Error rate of one way in percent, or its difference from another's."""
    edits = np.array(
        [one[way].edits - (one[minus].edits if minus else 0) for one in heard]
    )
    n_units = np.array([one[way].units for one in heard])
    if not n_units.sum():
        raise DataError(f"the texts of {name.split('.')[1]} hold no words to count")

    def rate(drawn: NDArray[np.int64]) -> float:
        total = n_units[drawn].sum()
        return float(100 * edits[drawn].sum() / total) if total else float("nan")

    low, high = bootstrap(len(heard), rate)
    return Figure(name, rate(np.arange(len(heard))), "%", low, high)


def _compute(heard: Sequence[Mapping[str, Outcome]]) -> Figure:
    """Processor time of ours over that of plain Whisper, clean and mu-law together."""
    ours, padded = (
        np.array([one[way].cpu_s + one[f"{way}_mulaw"].cpu_s for one in heard])
        for way in (OURS, PADDED)
    )

    def ratio(drawn: NDArray[np.int64]) -> float:
        return float(ours[drawn].sum() / padded[drawn].sum())

    low, high = bootstrap(len(heard), ratio)
    name = f"compute.{OURS}_over_{PADDED}"
    return Figure(name, ratio(np.arange(len(heard))), "ratio", low, high)


def read_samples(folder: Path, limit: int | None) -> Iterator[Sample]:
    """Read the recordings of a manifest one by one.

    Raises:
        DataError: the manifest or a recording cannot be used.
    """
    rows = read_manifest(folder, COLUMNS)
    if limit is not None and limit < len(rows):
        rows = [rows[i * len(rows) // limit] for i in range(limit)]
    for number, row in enumerate(rows, start=1):
        language = language_of(row["lang"])
        if language not in whisper.tokenizer.LANGUAGES:
            raise DataError(f"manifest.csv: Whisper knows no language {row['lang']!r}")
        print(f"{number}/{len(rows)} {row['path']}", file=sys.stderr)
        yield Sample(read_mono(folder / row["path"]), language, row["text"])


def run(args: argparse.Namespace) -> Report:
    """Measure both ways on a folder of data."""
    prepare_torch(args.threads)
    # Plain Whisper gets a model of its own: the shared one is laid out for ours.
    plain = whisper.load_model(str(checkpoint_path(args.model)), device="cpu")
    ways: dict[str, Recogniser] = {
        OURS: Ours(WhisperTranscriber(OpenAIWhisper(args.model)), SileroDetector),
        PADDED: Padded(plain.eval()),
    }
    with torch.inference_mode():
        heard = list(measure(read_samples(args.data, args.limit), ways))
    return Report(
        command=_command(args),
        data=args.data.resolve().name,
        figures=figures(heard),
        notes=(
            "compute.* is a ratio of processor times, on recordings of 30 s at most;",
            "rtf.* is processor time over duration, of all recordings.",
        ),
    )


def _command(args: argparse.Namespace) -> str:
    limit = f" --limit {args.limit}" if args.limit is not None else ""
    model = "" if args.model == DEFAULT else f" --model {Path(args.model).name}"
    return f"wer{limit}{model} --threads {args.threads}"
