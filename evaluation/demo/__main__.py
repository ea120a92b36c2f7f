"""The demo: a whole service on this machine, and one call played into it.

`make demo` runs it. What it prints comes over the same feed that the board uses.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from websockets.asyncio.client import ClientConnection, connect

from alerts.events import (
    AlertClosed,
    AlertEscalated,
    AlertOpened,
    CueArmed,
    CueCounting,
    CueFollowed,
    CueIgnored,
    CueReleased,
    CueWithdrawn,
)
from audio.codec import Encoding
from audio.frame import Party
from emotion.events import HostilityPoint, PhaseChanged
from models.errors import ModelError
from server.config import environment, load_settings
from server.errors import ServerError
from server.events import CallEnded, Event, LogEntry, TranscriptFinal
from server.factory import CallFactory
from server.loading import load_models
from server.logs import configure_logs
from server.recording import Recording, open_recording
from server.service import Addresses, running_service
from server.stream import Line, stream
from server.wire import entry_from_json

_AGENT = "demo"
_BAR_CELLS = 30
_EVERY_S = 5
"""Call time between two lines that show the curve."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.demo")
    parser.add_argument("call", type=Path, help="a recording; stereo: customer left")
    parser.add_argument(
        "--exit", action="store_true", help="end with the call, leave no pages up"
    )
    args = parser.parse_args(arguments)
    console = Console(highlight=False)
    try:
        recording = open_recording(args.call)
        settings = load_settings(None, environment())
        console.print("Loading the models ...")
        factory = CallFactory.of(load_models(settings))
    except (ServerError, ModelError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    configure_logs(logging.WARNING)  # The terminal belongs to the call.

    async def run() -> None:
        async with running_service(settings.service, factory) as addresses:
            await _show(recording, addresses, console, stay=not args.exit)

    try:
        asyncio.run(run())
    except ServerError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


async def _show(
    recording: Recording, addresses: Addresses, console: Console, *, stay: bool
) -> None:
    console.print(f"[bold]Board[/bold]  {addresses.http_url}/board")
    console.print(f"[bold]Agent[/bold]  {addresses.http_url}/agent/{_AGENT}")
    console.print(f"[bold]Audit[/bold]  {addresses.http_url}/audit\n")
    parties = (Party.CUSTOMER, Party.AGENT)
    line = Line(
        url=addresses.audio_url,
        agent_id=_AGENT,
        customer_ref="demo",
        parties=parties if recording.n_channels > 1 else (Party.UNKNOWN,),
        language=None,
        encoding=Encoding.MULAW,
        speed=1.0,
    )
    feed = (
        addresses.http_url.replace("http", "ws", 1) + f"/v1/live?topic=agent:{_AGENT}"
    )
    story = _Story(console)
    async with connect(feed) as screen:
        ended, _ = await asyncio.gather(
            stream(recording, line, lambda _: None), _watch(screen, story)
        )
    console.print(
        f"\n[bold]The call is over[/bold] ({ended['reason']}, "
        f"{ended['duration_s']:.0f} s): {story.summary()}"
    )
    if stay:
        console.print(
            f"Listen to it: {addresses.http_url}/audit   (Ctrl-C ends the demo)"
        )
        await _until_interrupted()


async def _watch(screen: ClientConnection, story: "_Story") -> None:
    """Tell the story of the call until it has ended."""
    while not story.ended:
        message = json.loads(await screen.recv())
        for data in message.get("entries", []):
            story.tell(entry_from_json(data))


async def _until_interrupted() -> None:
    interrupted = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted.set)
    await interrupted.wait()


class _Story:
    """Prints a call's log as it happens, and counts what the summary needs."""

    def __init__(self, console: Console) -> None:
        self.ended = False
        self._console = console
        self._peak = 0.0
        self._peak_s = 0.0
        self._last = 0.0
        self._next_bar_s = 0.0
        self._alerts = 0
        self._cues: list[str] = []

    def tell(self, entry: LogEntry) -> None:
        """Print one entry, if a person wants to see it."""
        text = self._text(entry.event)
        if text:
            self._console.print(f"[dim]{entry.at_s:6.1f}[/dim]  {text}")

    def summary(self) -> str:
        """One sentence about the whole call."""
        cues = ", ".join(self._cues) or "none"
        return (
            f"highest score {self._peak:.0f} at {self._peak_s:.0f} s, "
            f"{self._last:.0f} at the end; {self._alerts} alerts; pause cues: {cues}."
        )

    def _text(self, event: Event) -> str:
        match event:
            case TranscriptFinal(party=party, text=text):
                colour = _COLOURS[party]
                return f"[{colour}]{party:>8}[/{colour}]  {escape(text)}"
            case HostilityPoint():
                return self._bar(event)
            case PhaseChanged(before=before, after=after):
                return f"   [bold]phase[/bold]  {before} → {after}"
            case AlertOpened() | AlertEscalated() | AlertClosed():
                return self._alert(event)
            case CallEnded():
                self.ended = True
                return ""
            case _:
                return self._cue(event)

    def _bar(self, point: HostilityPoint) -> str:
        self._last = point.score
        if point.score > self._peak:
            self._peak, self._peak_s = point.score, point.at_s
        if point.at_s < self._next_bar_s:
            return ""
        self._next_bar_s = point.at_s + _EVERY_S
        cells = round(point.score / 100 * _BAR_CELLS)
        return f"   curve  {'█' * cells}{'·' * (_BAR_CELLS - cells)} {point.score:3.0f}"

    def _alert(self, event: AlertOpened | AlertEscalated | AlertClosed) -> str:
        match event:
            case AlertOpened(rule=rule, severity=severity):
                self._alerts += 1
                return f"   [red]alert[/red]  {rule} ({severity})"
            case AlertEscalated(severity=severity):
                return f"   [red]alert[/red]  now {severity}"
            case AlertClosed(reason=reason):
                return f"   alert  closed: {reason}"

    def _cue(self, event: Event) -> str:
        match event:
            case CueArmed():
                text = "armed: let them finish"
            case CueCounting():
                text = "counting 5-4-3-2-1"
            case CueReleased(text=line):
                text = f"say: “{escape(line)}”"
            case CueFollowed(pause_s=pause_s):
                self._cues.append(f"followed ({pause_s:.1f} s)")
                text = f"the agent paused {pause_s:.1f} s"
            case CueIgnored(pause_s=pause_s):
                self._cues.append(f"not followed ({pause_s:.1f} s)")
                text = f"the agent answered after {pause_s:.1f} s"
            case CueWithdrawn(reason=reason):
                self._cues.append(f"withdrawn ({reason})")
                text = f"withdrawn: {reason}"
            case _:
                return ""
        return f"     [yellow]cue[/yellow]  {text}"


_COLOURS = {Party.CUSTOMER: "magenta", Party.AGENT: "cyan", Party.UNKNOWN: "white"}


if __name__ == "__main__":
    sys.exit(main())
