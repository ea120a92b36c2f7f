"""A finished log as files: events, curve, transcript, turns."""

import csv
import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO, TypeVar

from audio.events import SpeechEnded
from audio.frame import Party
from audio.speakers import Turn
from emotion.events import HostilityPoint
from server.events import (
    SCHEMA_VERSION,
    LogEntry,
    RolesAssigned,
    TranscriptFinal,
    TurnsFound,
)
from server.wire import entry_to_json

_Timed = TypeVar("_Timed", SpeechEnded, TranscriptFinal)


def write_events(entries: Sequence[LogEntry], file: TextIO, _name: str) -> None:
    """The whole log as JSON: ``{"schema": 1, "entries": [...]}``."""
    document = {
        "schema": SCHEMA_VERSION,
        "entries": [entry_to_json(entry) for entry in entries],
    }
    json.dump(document, file, ensure_ascii=False, indent=1)
    file.write("\n")


def write_curve(entries: Sequence[LogEntry], file: TextIO, _name: str) -> None:
    """The hostility curve as CSV, a line for each second."""
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["at_s", "score", "low", "high", "phase"])
    for entry in entries:
        point = entry.event
        if isinstance(point, HostilityPoint):
            values = (point.score, point.low, point.high)
            rows.writerow(
                [f"{point.at_s:.1f}", *(f"{v:.1f}" for v in values), point.phase]
            )


def write_transcript(entries: Sequence[LogEntry], file: TextIO, _name: str) -> None:
    """The words as WebVTT, with the party as the voice of each cue."""
    file.write("WEBVTT\n")
    for event in _by_start(entries, TranscriptFinal):
        text = (
            event.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        )
        file.write(
            f"\n{event.utterance_id}\n"
            f"{_timestamp(event.start_s)} --> {_timestamp(event.end_s)}\n"
            f"<v {event.party.capitalize()}>{text}\n"
        )


def write_turns(entries: Sequence[LogEntry], file: TextIO, name: str) -> None:
    """Who spoke when, as RTTM."""
    for entry in entries:
        if isinstance(entry.event, TurnsFound):
            write_speakers(_named(entries, entry.event), file, name)
            return
    uri = "_".join(name.split()) or "call"
    for event in _by_start(entries, SpeechEnded):
        duration_s = event.end_s - event.start_s
        file.write(
            f"SPEAKER {uri} 1 {event.start_s:.3f} {duration_s:.3f} "
            f"<NA> <NA> {event.party} <NA> <NA>\n"
        )


def _named(entries: Sequence[LogEntry], found: TurnsFound) -> list[Turn]:
    """The turns of a line with one channel, under their parties where those are known.

    Several agents keep their own names behind that of their party.
    """
    names: dict[str, str] = {}
    for entry in entries:
        if isinstance(entry.event, RolesAssigned):
            agents = [s for s in entry.event.speakers if s.party is Party.AGENT]
            for who in entry.event.speakers:
                names[who.speaker] = str(who.party)
                several = len(agents) > 1 and who.party is Party.AGENT
                if several or who.party is Party.UNKNOWN:
                    names[who.speaker] = f"{who.party}-{who.speaker}"
    return [
        Turn(turn.start_s, turn.end_s, names.get(turn.speaker, turn.speaker))
        for turn in found.turns
    ]


def _by_start(entries: Iterable[LogEntry], kind: type[_Timed]) -> list[_Timed]:
    found = [entry.event for entry in entries if isinstance(entry.event, kind)]
    return sorted(found, key=lambda event: event.start_s)


def _timestamp(time_s: float) -> str:
    ms = round(time_s * 1000)
    return (
        f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}."
        f"{ms % 1000:03}"
    )


def write_speakers(turns: Iterable[Turn], file: TextIO, name: str) -> None:
    """Which voice spoke when, as RTTM; whose it is stands in the log."""
    uri = "_".join(name.split()) or "call"
    file.writelines(
        f"SPEAKER {uri} 1 {turn.start_s:.3f} {turn.end_s - turn.start_s:.3f} "
        f"<NA> <NA> {turn.speaker} <NA> <NA>\n"
        for turn in sorted(turns)
    )


def write_all(
    entries: Sequence[LogEntry],
    folder: Path,
    name: str,
    speakers: Sequence[Turn] = (),
) -> None:
    """Write every export into `folder`, which appears whole or not at all.

    A folder of that name from an earlier run is replaced. The voices that were told
    apart on one channel have a file of their own.

    Raises:
        OSError: the disk is full or cannot be written; nothing is left behind.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=folder.parent, prefix=f".{folder.name}.", ignore_cleanup_errors=True
    ) as temporary:
        whole = Path(temporary) / "whole"
        whole.mkdir()
        for file_name, write in _FILES.items():
            with (whole / file_name).open("w", encoding="utf-8") as file:
                write(entries, file, name)
        if speakers:
            with (whole / "speakers.rttm").open("w", encoding="utf-8") as file:
                write_speakers(speakers, file, name)
        if folder.exists():
            folder.rename(Path(temporary) / "earlier")
        whole.rename(folder)


_FILES: Mapping[str, Callable[[Sequence[LogEntry], TextIO, str], None]] = {
    "events.json": write_events,
    "curve.csv": write_curve,
    "transcript.vtt": write_transcript,
    "turns.rttm": write_turns,
}
