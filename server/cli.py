"""The `calmline` command."""

import argparse
import asyncio
import itertools
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from alerts.errors import AlertError
from audio.codec import Encoding
from audio.errors import AudioError
from audio.frame import Party
from emotion.errors import EmotionError
from emotion.roles import RoleParams
from models.errors import ModelError
from server.config import Settings, environment, load_settings
from server.desk.cli import add_commands as desk_commands
from server.errors import RecordingError, ServerError
from server.events import (
    CallStarted,
    Consent,
    Degradation,
    Degraded,
    LogEntry,
    RolesAssigned,
    TranscriptFinal,
)
from server.exports import write_all
from server.factory import CallFactory
from server.logs import configure_logs
from server.mono import Heard, analyse_mono, assign, hear
from server.offline import analyse
from server.recording import Recording, open_recording
from server.reports.commands import add_commands as add_report_commands
from server.service import running_service
from server.stream import Line, stream
from server.terminal import Mark, tell
from server.training import add_commands as add_training_commands
from server.trust.commands import add_commands as add_trust_commands

_FAILED = 1
_USAGE = 2


def main(
    arguments: Sequence[str] | None = None,
    load: Callable[[Settings], CallFactory] | None = None,
) -> None:
    """Run one command and exit; known errors are one line on standard error.

    Args:
        arguments: the command line, by default the process's own.
        load: loads what calls are made with; by default the models that the
            settings name.
    """
    args = _parser().parse_args(arguments)
    args.load = load or partial(_load, serving=args.command is _serve)
    command: Callable[[argparse.Namespace], int] = args.command
    try:
        status = command(args)
    except (ServerError, ModelError, AudioError, EmotionError, AlertError) as error:
        print(f"calmline: {error}", file=sys.stderr)
        status = _FAILED
    except OSError as error:
        print(f"calmline: {error.filename or ''} {error.strerror}", file=sys.stderr)
        status = _FAILED
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="calmline",
        description="Voice-call emotion monitoring: live transcript, the customer's "
        "hostility curve, alerts for supervisors, a pause cue for agents.",
    )
    parser.add_argument("--version", action="version", version=version("calmline"))
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings, as TOML")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the service until it is stopped")
    serve.set_defaults(command=_serve)

    analysis = commands.add_parser(
        "analyse", help="work through recordings, as fast as the machine goes"
    )
    analysis.set_defaults(command=_analyse)
    analysis.add_argument("files", nargs="+", type=Path, metavar="FILE")
    analysis.add_argument(
        "--out",
        type=Path,
        default=Path("calmline-out"),
        help="folder for the results, one folder inside for each recording "
        "(default: %(default)s)",
    )
    analysis.add_argument(
        "--customer-speaker",
        default="",
        metavar="NAME",
        help="of recordings with one channel: who is the customer, by the name in "
        "speakers.rttm (default: their words decide)",
    )
    _add_call_options(analysis)

    streaming = commands.add_parser(
        "stream", help="play a recording into a running service, as a telephone would"
    )
    streaming.set_defaults(command=_stream)
    streaming.add_argument("file", type=Path, metavar="FILE")
    streaming.add_argument(
        "--url",
        default="ws://127.0.0.1:8765/v1/calls",
        help="the service's audio address (default: %(default)s)",
    )
    streaming.add_argument("--agent", default="a1", help="(default: %(default)s)")
    streaming.add_argument("--customer-ref", default="", metavar="TEXT")
    streaming.add_argument(
        "--encoding",
        type=Encoding,
        choices=list(Encoding),
        default=Encoding.PCM_S16LE,
        help="(default: %(default)s)",
    )
    streaming.add_argument(
        "--speed",
        type=_positive,
        default=1.0,
        help="1 is real time (default: %(default)s)",
    )
    _add_call_options(streaming)

    desk_commands(commands, _settings)

    models = commands.add_parser("models", help="the models' weights")
    actions = models.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="what there is, and from where")
    listing.set_defaults(command=_list_models)
    checking = actions.add_parser("verify", help="check what is on this machine")
    checking.set_defaults(command=_verify_models)
    fetching = actions.add_parser(
        "fetch", help="make ready what is missing or corrupted"
    )
    fetching.set_defaults(command=_fetch_models)
    fetching.add_argument("names", nargs="*", metavar="NAME")
    add_trust_commands(commands)
    add_training_commands(commands)
    add_report_commands(commands)
    return parser


def _add_call_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--customer",
        choices=["left", "right"],
        default="left",
        help="which channel of a stereo recording is the customer "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--language", choices=["en", "zh"], help="default: detected for each call"
    )
    parser.add_argument(
        "--first-speaker",
        type=Party,
        choices=[Party.CUSTOMER, Party.AGENT],
        default=Party.UNKNOWN,
        help="of a recording with one channel: whose words come first, where you know "
        "it (default: the words alone say who is who)",
    )


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("expected a number above 0")
    return value


def _settings(args: argparse.Namespace) -> Settings:
    return load_settings(args.config, environment())


def _load(settings: Settings, *, serving: bool) -> CallFactory:
    # Torch takes seconds to import: only commands that use a model wait for it.
    from server.loading import load_models, load_words  # noqa: PLC0415

    params = RoleParams(least_confidence=settings.diarisation.least_confidence)
    words = load_words(settings.words)
    return CallFactory.of(load_models(settings, serving=serving), params, words)


def _parties(recording: Recording, customer: str) -> tuple[Party, ...]:
    if recording.n_channels == 1:
        return (Party.UNKNOWN,)
    parties = (Party.CUSTOMER, Party.AGENT)
    return parties if customer == "left" else parties[::-1]


def _serve(args: argparse.Namespace) -> int:
    configure_logs()
    settings = _settings(args)
    factory: CallFactory = args.load(settings)
    asyncio.run(_serve_until_stopped(settings, factory))
    return 0


async def _serve_until_stopped(settings: Settings, factory: CallFactory) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running_service(
        settings.service, factory, settings.retention
    ) as addresses:
        print(f"Board:  {addresses.http_url}/board")
        print(f"Audio:  {addresses.audio_url}", flush=True)
        await stop.wait()


def _analyse(args: argparse.Namespace) -> int:
    console = Console(stderr=True)
    factory: CallFactory = args.load(_settings(args))
    failed = 0
    for path, folder in _folders(args.files, args.out):
        try:
            _analyse_one(path, folder, args, factory, console)
        except RecordingError as error:
            tell(console, str(error), Mark.FAILED)
            failed += 1
    return _FAILED if failed else 0


def _folders(files: Sequence[Path], out: Path) -> Iterator[tuple[Path, Path]]:
    """Give each recording a folder of its own: ``a``, and ``a-2`` for another a."""
    taken: set[str] = set()
    for path in files:
        others = (f"{path.stem}-{number}" for number in itertools.count(2))
        names = itertools.chain([path.stem], others)
        name = next(name for name in names if name not in taken)
        taken.add(name)
        yield path, out / name


def _analyse_one(
    path: Path,
    folder: Path,
    args: argparse.Namespace,
    factory: CallFactory,
    console: Console,
) -> None:
    recording = open_recording(path)
    heard, entries = _listened(recording, args, factory, console)
    write_all(entries, folder, path.stem, heard.timeline.turns if heard else ())
    n_utterances = sum(isinstance(e.event, TranscriptFinal) for e in entries)
    length_s = entries[-1].at_s
    done = f"{path.name}: {length_s:.1f} s, {n_utterances} utterances → {folder}"
    tell(console, done, Mark.DONE)
    for line in _who_is_who(entries):
        tell(console, line)


def _listened(
    recording: Recording,
    args: argparse.Namespace,
    factory: CallFactory,
    console: Console,
) -> tuple[Heard | None, list[LogEntry]]:
    """Return the log of a recording, and who speaks in one with one channel."""
    path = recording.path
    started = CallStarted(
        call_id=path.stem,
        agent_id="",
        customer_ref="",
        language=args.language,
        parties=_parties(recording, args.customer),
        consent=Consent.GRANTED,
        started_at="",
        models=factory.models.names,
        first_speaker=args.first_speaker,
    )
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f} s"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        bar = progress.add_task(path.name, total=recording.duration_s)

        def told(done_s: float) -> None:
            progress.update(bar, completed=done_s)

        if recording.n_channels != 1 or factory.models.diariser is None:
            return None, list(analyse(recording, started, factory, told))
        heard = hear(recording, factory.models.diariser)
        speaker = args.customer_speaker
        roles = assign(heard, speaker, "command line") if speaker else None
        return heard, list(analyse_mono(heard, started, factory, told, roles))


def _who_is_who(entries: Sequence[LogEntry]) -> Iterator[str]:
    """Say what was made of a recording with one channel."""
    for entry in entries:
        match entry.event:
            case RolesAssigned(speakers=speakers, confidence=confidence):
                found = ", ".join(
                    f"{each.speaker} {each.party} ({each.speech_s:.0f} s)"
                    for each in speakers
                )
                yield f"One channel: {found or 'nobody speaks'}; {confidence:.0%} sure."
            case Degraded(what=Degradation.ROLES_UNKNOWN):
                yield (
                    "One channel: who of them is the customer is not known, so there "
                    "is a transcript but no hostility curve."
                )
            case _:
                pass


def _stream(args: argparse.Namespace) -> int:
    recording = open_recording(args.file)
    line = Line(
        url=args.url,
        agent_id=args.agent,
        customer_ref=args.customer_ref,
        parties=_parties(recording, args.customer),
        language=args.language,
        encoding=args.encoding,
        speed=args.speed,
        first_speaker=args.first_speaker,
    )
    ended = asyncio.run(
        stream(recording, line, lambda call_id: print(f"Call {call_id}", flush=True))
    )
    print(f"Ended: {ended['reason']}, {ended['duration_s']:.1f} s")
    return 0


def _list_models(_: argparse.Namespace) -> int:
    from models.registry import list_models  # noqa: PLC0415 - see `_load`

    table = Table("name", "task", "source", "licence", "sha256")
    for info in list_models():
        table.add_row(info.name, info.task, info.source, info.licence, info.sha256[:12])
    Console().print(table)
    return 0


def _verify_models(_: argparse.Namespace) -> int:
    from models.registry import State, list_models, verify  # noqa: PLC0415 - see `_load`

    statuses = [verify(info.name) for info in list_models()]
    for status in statuses:
        print(f"{status.info.name}: {status.state} {status.path or status.problem}")
    ready = all(status.state is State.READY for status in statuses)
    return 0 if ready else _FAILED


def _fetch_models(args: argparse.Namespace) -> int:
    from models.registry import fetch, list_models  # noqa: PLC0415 - see `_load`

    for name in args.names or [info.name for info in list_models()]:
        print(f"{name}: {fetch(name)}", flush=True)
    return 0


if __name__ == "__main__":
    main()
