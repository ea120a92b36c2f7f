"""What is stored is told as it is, and older logs as if they were written today."""

import json

import pytest

from audio.frame import Party
from emotion.events import Evidence, HostilityPoint, Phase, Source
from server.events import CallStarted, Consent, Event, LogEntry, Note, StartedOver
from server.wire import StoredEntry, current_stored, entry_to_json

pytestmark = pytest.mark.unit

STARTED = CallStarted(
    call_id="c1",
    agent_id="a7",
    customer_ref="客户",
    language=None,
    parties=(Party.CUSTOMER, Party.AGENT),
    consent=Consent.GRANTED,
    started_at="",
    models=("m",),
)
POINT = HostilityPoint(
    1.0, 40.0, 30.0, 50.0, Phase.RATIONAL, (Evidence(Source.WORDS, "a", 2, 3, 0, 1),)
)


def stored(event: Event, *without: str) -> StoredEntry:
    """The entry as a version that did not have these fields yet kept it."""
    plain = entry_to_json(LogEntry(3, 1.5, event))
    body = {name: it for name, it in plain["body"].items() if name not in without}
    return StoredEntry(3, 1.5, plain["kind"], json.dumps(body))


@pytest.mark.parametrize(
    ("event", "without"),
    [
        (POINT, ()),
        (Note("a “quoted” word\n", "Ann"), ()),
        (STARTED, ()),
        (STARTED, ("team", "first_speaker")),
    ],
)
def test_a_stored_entry_is_told_as_one_that_just_happened(
    event: Event, without: tuple[str, ...]
) -> None:
    entry = stored(event, *without)

    assert entry.entry() == LogEntry(3, 1.5, event)
    assert json.loads(entry.text()) == entry_to_json(LogEntry(3, 1.5, event))


def test_what_is_complete_is_told_without_being_read() -> None:
    # It could not be read: it has none of its fields.
    assert json.loads(StoredEntry(1, 0.0, "HostilityPoint", "{}").text()) == {
        "seq": 1,
        "at_s": 0.0,
        "kind": "HostilityPoint",
        "body": {},
    }


def test_of_a_log_that_started_over_holds_what_came_after_the_last_time() -> None:
    events: list[Event] = [
        STARTED,
        StartedOver("Ann"),
        STARTED,
        StartedOver("Ann"),
        STARTED,
        POINT,
    ]

    holds = current_stored([stored(event) for event in events])

    assert [entry.kind for entry in holds] == ["CallStarted", "HostilityPoint"]
    assert len(current_stored([stored(STARTED)])) == 1
