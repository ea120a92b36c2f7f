import json
from pathlib import Path

import pytest

from audio.events import SpeechEnded
from audio.frame import Party
from emotion.events import HostilityPoint, Phase
from server.events import Event, LogEntry, TranscriptFinal
from server.exports import write_all
from server.wire import entry_from_json

pytestmark = pytest.mark.unit

EVENTS: tuple[Event, ...] = (
    SpeechEnded(Party.AGENT, 2.0, 3.5),
    SpeechEnded(Party.CUSTOMER, 0.5, 1.75),
    HostilityPoint(1.0, 12.34, 3.0, 20.0, Phase.RATIONAL, ()),
    TranscriptFinal("u2", Party.AGENT, 2.0, 3.5, "您好 <b> & co", "zh", 0.9),
    TranscriptFinal("u1", Party.CUSTOMER, 0.5, 3661.25, "Hello", "en", 0.9),
)
ENTRIES = [LogEntry(seq, float(seq), event) for seq, event in enumerate(EVENTS, 1)]


def test_every_export_is_written(tmp_path: Path) -> None:
    write_all(ENTRIES, tmp_path / "out" / "call", "my call")

    folder = tmp_path / "out" / "call"
    document = json.loads((folder / "events.json").read_text(encoding="utf-8"))
    assert [entry_from_json(entry) for entry in document["entries"]] == ENTRIES
    assert (folder / "curve.csv").read_text(encoding="utf-8") == (
        "at_s,score,low,high,phase\n1.0,12.3,3.0,20.0,rational\n"
    )
    assert (folder / "turns.rttm").read_text(encoding="utf-8") == (
        "SPEAKER my_call 1 0.500 1.250 <NA> <NA> customer <NA> <NA>\n"
        "SPEAKER my_call 1 2.000 1.500 <NA> <NA> agent <NA> <NA>\n"
    )
    assert (folder / "transcript.vtt").read_text(encoding="utf-8") == (
        "WEBVTT\n"
        "\nu1\n00:00:00.500 --> 01:01:01.250\n<v Customer>Hello\n"
        "\nu2\n00:00:02.000 --> 00:00:03.500\n<v Agent>您好 &lt;b&gt; &amp; co\n"
    )


def test_an_earlier_result_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / "call").mkdir()
    (tmp_path / "call" / "old.txt").touch()

    write_all(ENTRIES, tmp_path / "call", "call")

    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "call",
        "curve.csv",
        "events.json",
        "transcript.vtt",
        "turns.rttm",
    ]


def test_nothing_is_left_when_writing_fails(tmp_path: Path) -> None:
    broken = [LogEntry(1, 0.0, "not an event")]  # type: ignore[arg-type]  # on purpose
    unwritable = [*ENTRIES, *broken, LogEntry(2, float("nan"), object())]  # type: ignore[arg-type]  # likewise

    with pytest.raises(TypeError):
        write_all(unwritable, tmp_path / "call", "call")

    assert list(tmp_path.iterdir()) == []
