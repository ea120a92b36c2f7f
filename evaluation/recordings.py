"""`python -m evaluation recordings`: how fast recorded calls are worked through.

Two-channel telephone calls of known length are cut from real speech, as for
`capacity`, and go the way that `calmline analyse` and `calmline import` take. With
``--baseline`` each is worked through a second time with every question answered when
it is asked, one by one; the logs have to be the same. At last a running service takes
the same files in from its watched folder (``import_beside``): without live calls.

In every one of these calls the customer escalates, which is the worst case: unfinished
words are listened to as well. So calls in which nobody does are taken in too
(``import_calm``, ``import_beside_calm``).
"""

import argparse
import asyncio
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import soundfile

from audio.frame import Party
from evaluation.capacity_calls import LINE_RATE, Sentence, build_call, read_spoken
from evaluation.report import Figure, Report
from models.errors import InferenceError
from models.ports import Transcript, VoiceReading
from server.config import ServiceSettings, Settings
from server.desk.folders import find_recordings
from server.desk.imports import FileState, ImportOptions, Imports
from server.desk.index import SearchIndex
from server.desk.intake import Intake, Office
from server.engine import Models
from server.events import CallEndReason, CallStarted, Consent, LogEntry
from server.factory import CallFactory
from server.loading import load_models
from server.offline import analyse, answered, follow, frames_of
from server.questions import TranscribeRequest, VoiceRequest
from server.recording import Recording, open_recording
from server.service import running_service
from server.store import Store

_PARTIES = (Party.CUSTOMER, Party.AGENT)

NIGHT_S: Final = 10 * 3600.0
TYPICAL_CALL_S: Final = 300.0

_LOOK_EVERY_S = 0.5

_WARM_UP = 100
"""Pieces of the first recording, some seconds."""

_NOTES = (
    "Files a night: calls of five minutes in ten hours, at the rate of the import.",
    "Processor time counts every thread; with 2 cores it can be twice the time.",
)


@dataclass(frozen=True, slots=True)
class Pass:
    """One way of working through all recordings.

    Attributes:
        wall_s: time that it took.
        cpu_s: processor time of the whole process.
        logs: of each recording.
    """

    wall_s: float
    cpu_s: float
    logs: Sequence[Sequence[LogEntry]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--data", type=Path, required=True, help="recordings with a manifest.csv"
    )
    parser.add_argument(
        "--backend",
        choices=("openai-whisper", "faster-whisper"),
        default="faster-whisper",
        help="(%(default)s)",
    )
    parser.add_argument("--calls", type=int, default=4, help="(%(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=TYPICAL_CALL_S, help="a call (%(default)s)"
    )
    parser.add_argument(
        "--baseline", action="store_true", help="also one question after the other"
    )


def run(args: argparse.Namespace) -> Report:
    """Build the calls, work through them, take them in.

    Raises:
        DataError: the folder holds no speech that can be used.
    """
    settings = Settings()
    settings = replace(
        settings, whisper=replace(settings.whisper, backend=args.backend)
    )
    spoken = read_spoken(args.data)
    factory = CallFactory.of(load_models(settings))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = _write_calls(folder / "calls", args, spoken, calm=False)
        _write_calls(folder / "calls_calm", args, spoken, calm=True)
        _warm_up(paths[0], factory)
        figures = _figures(args, paths, factory)
        for kind in ("", "_calm"):
            calls, data = folder / f"calls{kind}", folder / f"data{kind}"
            figures += _rate(args, f"import{kind}", *_imported(calls, data, factory))
            data = folder / f"service{kind}"
            watched = asyncio.run(_watched(calls, data, factory))
            figures += _rate(args, f"import_beside{kind}", *watched)
    command = (
        f"recordings --backend {args.backend} --calls {args.calls} "
        f"--seconds {args.seconds:g}"
    )
    return Report(command, args.data.name, figures, _NOTES)


def _write_calls(
    folder: Path, args: argparse.Namespace, spoken: Sequence[Sentence], *, calm: bool
) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"call-{index}.wav" for index in range(args.calls)]
    for index, path in enumerate(paths):
        pcm = build_call(spoken, index, args.seconds, calm=calm).pcm
        soundfile.write(path, pcm, LINE_RATE, subtype="PCM_16")
    return paths


def _rate(
    args: argparse.Namespace, name: str, n_done: int, elapsed_s: float
) -> list[Figure]:
    rate = args.calls * args.seconds / elapsed_s
    a_night = rate * NIGHT_S / TYPICAL_CALL_S
    return [
        Figure(f"{name}.{args.backend}.files_done", n_done, "count"),
        Figure(f"{name}.{args.backend}.times_real_time", rate, "ratio"),
        Figure(f"{name}.{args.backend}.files_a_night", a_night, "count"),
    ]


def _figures(
    args: argparse.Namespace, paths: Sequence[Path], factory: CallFactory
) -> list[Figure]:
    audio_s = args.calls * args.seconds
    name = f"recordings.{args.backend}"
    ahead = _timed(_analysed(path, factory) for path in paths)
    figures = [
        Figure(f"{name}.times_real_time", audio_s / ahead.wall_s, "ratio"),
        Figure(f"{name}.processor_s_per_s", ahead.cpu_s / audio_s, "ratio"),
    ]
    if args.baseline:
        plain = _timed(_one_by_one(path, factory) for path in paths)
        differing = sum(a != b for a, b in zip(ahead.logs, plain.logs, strict=True))
        figures += [
            Figure(f"{name}.times_one_by_one", plain.wall_s / ahead.wall_s, "ratio"),
            Figure(
                f"{name}.processor_to_one_by_one", ahead.cpu_s / plain.cpu_s, "ratio"
            ),
            Figure(f"{name}.differing_logs", differing, "count"),
        ]
    return figures


def _timed(logs: Iterator[Iterator[LogEntry]]) -> Pass:
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    found = [list(log) for log in logs]
    return Pass(time.perf_counter() - wall_s, time.process_time() - cpu_s, found)


def _warm_up(path: Path, factory: CallFactory) -> None:
    """Run every model once, so that no time is counted that is spent once only."""
    started = _started(path, factory)
    blocks = itertools.islice(frames_of(open_recording(path), _PARTIES), _WARM_UP)
    for _ in follow(blocks, started, factory, lambda _: None):
        pass


def _analysed(path: Path, factory: CallFactory) -> Iterator[LogEntry]:
    started = _started(path, factory)
    yield from analyse(open_recording(path), started, factory, lambda _: None)


def _one_by_one(path: Path, factory: CallFactory) -> Iterator[LogEntry]:
    recording: Recording = open_recording(path)
    call = factory.new_plain_call(_started(path, factory))
    answers = _AtOnce(factory.models)
    yield from answered(call, call.start(), answers)
    for frames in frames_of(recording, _PARTIES):
        yield from answered(call, call.receive_frames(frames), answers)
    yield from answered(call, call.end(CallEndReason.COMPLETED), answers)


def _started(path: Path, factory: CallFactory) -> CallStarted:
    return CallStarted(
        path.stem, "", "", None, _PARTIES, Consent.GRANTED, "", factory.models.names
    )


class _AtOnce:
    """Answers each question when it is asked, and nothing together."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def words(self, request: TranscribeRequest) -> Transcript | None:
        """See `server.offline.Answers`."""
        pcm = request.segment.pcm
        try:
            return self._models.transcriber.transcribe(pcm, request.language)
        except InferenceError:
            return None

    def voice(self, request: VoiceRequest) -> VoiceReading | None:
        """See `server.offline.Answers`."""
        try:
            return self._models.voice_reader.read(request.window)
        except InferenceError:
            return None

    def settle(self, language: str) -> None:
        """See `server.offline.Answers`; each question says its language."""


def _imported(calls: Path, data_dir: Path, factory: CallFactory) -> tuple[int, float]:
    """Take the folder in as `calmline import` does; return how many, and the time."""
    data_dir.mkdir()
    store = Store(f"sqlite:///{data_dir / 'calmline.db'}")
    try:
        imports = Imports(store.engine)
        office = Office(store, SearchIndex(store), imports, data_dir / "audio")
        job_id = imports.create("evaluation", "evaluation", ImportOptions())
        imports.add(job_id, list(find_recordings([calls], {})))
        began = time.perf_counter()
        Intake(office, factory, "evaluation", lambda: False).work()
        return imports.all()[0].counts[FileState.DONE], time.perf_counter() - began
    finally:
        store.close()


async def _watched(
    calls: Path, data_dir: Path, factory: CallFactory
) -> tuple[int, float]:
    """Have a running service take the folder in; return how many, and the time."""
    settings = ServiceSettings(
        audio_port=0,
        http_port=0,
        data_dir=data_dir,
        watch_dir=str(calls),
        watch_every_s=_LOOK_EVERY_S,
    )
    async with running_service(settings, factory):
        return await asyncio.to_thread(_await_import, settings)


def _await_import(settings: ServiceSettings) -> tuple[int, float]:
    store = Store(settings.url)
    try:
        imports = Imports(store.engine)
        while not (jobs := imports.all()):
            time.sleep(_LOOK_EVERY_S)
        began = time.perf_counter()
        while jobs[0].state != "done":
            time.sleep(_LOOK_EVERY_S)
            jobs = imports.all()
        return jobs[0].counts[FileState.DONE], time.perf_counter() - began
    finally:
        store.close()
