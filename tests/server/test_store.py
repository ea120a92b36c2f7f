import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.events import AlertOpened, CueFollowed, CueIgnored, Severity
from audio.frame import Party
from emotion.events import Evidence, HostilityPoint, Phase, Source
from server.errors import StoreError, StoreUnavailableError
from server.events import (
    CallEnded,
    CallEndReason,
    CallStarted,
    Consent,
    Event,
    LogEntry,
    TranscriptFinal,
)
from server.store import NewCall, Store

pytestmark = pytest.mark.unit

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def started(call_id: str = "c1") -> CallStarted:
    return CallStarted(
        call_id=call_id,
        agent_id="a7",
        customer_ref="K-1",
        language="zh",
        parties=(Party.CUSTOMER, Party.AGENT),
        consent=Consent.GRANTED,
        started_at=BEGAN.isoformat(),
        models=("m",),
    )


EVIDENCE = (Evidence(Source.WORDS, "insult", 20.0, 1.0, 3.0, 4.0),)
EVENTS: tuple[Event, ...] = (
    started(),
    TranscriptFinal("u1", Party.CUSTOMER, 1.0, 2.0, "第三次打电话了", "zh", 0.9),
    HostilityPoint(2.0, 61.5, 50.0, 70.0, Phase.TAKE_OFF, EVIDENCE),
    HostilityPoint(3.0, 40.0, 30.0, 50.0, Phase.SLOW_DOWN, ()),
    AlertOpened("a1", "hostility", Severity.WARNING, 2.0, EVIDENCE),
    CueFollowed("c1", 4.0, 5.2),
    CueIgnored("c2", 6.0, 0.4),
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'calls.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    store.add_call(NewCall(started(), BEGAN, "mulaw", 8000))
    yield store
    store.close()


def log(*events: Event) -> list[LogEntry]:
    return [LogEntry(seq, seq / 4, event) for seq, event in enumerate(events, 1)]


def test_a_log_reads_back_as_it_was_written(store: Store) -> None:
    entries = log(*EVENTS)

    store.append("c1", entries[:3])
    store.append("c1", entries[3:])

    assert store.entries("c1") == entries


def test_a_call_is_live_until_its_last_entry(store: Store) -> None:
    before = store.calls(live=True, limit=9)

    store.append("c1", log(*EVENTS, CallEnded(CallEndReason.COMPLETED, 30.0)))

    assert [call.call_id for call in before] == ["c1"]
    assert store.calls(live=True, limit=9) == []
    (call,) = store.calls(live=False, limit=9)
    assert call.end_reason is CallEndReason.COMPLETED
    assert call.ended_at == "2026-01-02T03:04:35+00:00"
    assert (call.peak_score, call.alerts) == (61.5, 1)
    assert (call.cues_followed, call.cues_ignored) == (1, 1)


def test_finished_calls_are_there_after_a_restart(store: Store, url: str) -> None:
    store.append("c1", log(*EVENTS, CallEnded(CallEndReason.COMPLETED, 30.0)))
    store.close()

    again = Store(url)

    assert again.call("c1") is not None
    assert len(again.entries("c1")) == len(EVENTS) + 1
    again.close()


def test_an_entry_is_never_written_twice_and_a_batch_never_half(store: Store) -> None:
    entries = log(*EVENTS)
    store.append("c1", entries[2:4])

    with pytest.raises(StoreError, match="twice"):
        store.append("c1", entries)

    assert store.entries("c1") == entries[2:4]


def test_entries_need_a_call(store: Store) -> None:
    with pytest.raises(StoreError, match="c9"):
        store.append("c9", log(*EVENTS))


def test_a_forgotten_call_keeps_only_that_it_was(store: Store) -> None:
    store.append("c1", log(*EVENTS))
    rest = log(CallEnded(CallEndReason.CONSENT_REFUSED, 3.0))

    store.forget("c1", rest)

    assert store.entries("c1") == rest
    call = store.call("c1")
    assert call is not None
    assert (call.customer_ref, call.peak_score, call.alerts) == ("", 0.0, 0)
    assert call.end_reason is CallEndReason.CONSENT_REFUSED


def test_calls_come_newest_first_and_no_more_than_asked_for(store: Store) -> None:
    for number in range(3):
        began = BEGAN.replace(hour=10 + number)
        store.add_call(NewCall(started(f"later{number}"), began, "alaw", 8000))

    found = store.calls(live=True, limit=2)

    assert [call.call_id for call in found] == ["later2", "later1"]


def test_ended_calls_are_chosen_by_team_and_by_when_they_began(store: Store) -> None:
    for number, team in enumerate(("home", "cards", "home")):
        call = NewCall(
            replace(started(f"x{number}"), team=team),
            BEGAN + timedelta(days=number),
            "alaw",
            8000,
        )
        store.add_call(call)
        end = CallEnded(CallEndReason.COMPLETED, 30.0)
        store.append(f"x{number}", [LogEntry(1, 30.0, end)])

    def found(**wanted: Any) -> list[str]:
        return [call.call_id for call in store.ended_calls(9, **wanted)]

    assert found() == ["x2", "x1", "x0"]
    assert found(team="home") == ["x2", "x0"]
    assert found(after=BEGAN + timedelta(days=1)) == ["x2", "x1"]
    assert found(after=BEGAN, before=BEGAN + timedelta(days=1)) == ["x0"]


def test_a_database_that_cannot_be_opened_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        Store(f"sqlite:///{tmp_path}")


def test_a_read_only_database_is_one_clear_error_without_any_words(
    store: Store,
) -> None:
    @sa.event.listens_for(store.engine, "checkout")
    def only_read(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA query_only=ON")

    with pytest.raises(StoreUnavailableError) as written:
        store.append("c1", log(*EVENTS))
    with pytest.raises(StoreUnavailableError):
        store.add_call(NewCall(started("c2"), BEGAN, "mulaw", 8000))
    with pytest.raises(StoreUnavailableError):
        store.forget("c1", log(*EVENTS))

    assert "SQLITE_READONLY" in str(written.value)
    assert "打电话" not in str(written.value)
    assert store.last_seq("c1") == 0


def test_a_database_whose_file_is_gone_begins_again(
    store: Store, tmp_path: Path
) -> None:
    store.append("c1", log(*EVENTS))
    for file in tmp_path.glob("calls.db*"):
        file.unlink()

    assert store.call("c1") is None
    with pytest.raises(StoreError, match="not in the database"):
        store.append("c1", log(*EVENTS))
    store.add_call(NewCall(started(), BEGAN, "mulaw", 8000))
    store.append("c1", log(*EVENTS))

    assert store.last_seq("c1") == len(EVENTS)


def test_a_probe_says_whether_the_database_can_be_written(
    store: Store, tmp_path: Path
) -> None:
    store.probe()
    locking = sqlite3.connect(tmp_path / "calls.db", isolation_level=None)
    locking.execute("BEGIN EXCLUSIVE")

    with pytest.raises(StoreUnavailableError, match="SQLITE_BUSY"):
        store.probe()
    locking.close()

    store.probe()


@pytest.mark.parametrize("url", ["nonsense", "nodb://x:hunter2@y/z", "mysql://x/y"])
def test_a_url_of_no_database_is_told_without_its_password(url: str) -> None:
    with pytest.raises(StoreError, match=r"service\.database_url") as error:
        Store(url)

    assert "hunter2" not in str(error.value)
