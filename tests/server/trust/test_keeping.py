import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
import sqlalchemy as sa

from audio.frame import Party
from emotion.events import HostilityPoint, Phase
from server.desk.index import SearchIndex
from server.errors import ConfigError
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
from server.trust.audit import Actor, AuditLog
from server.trust.errors import KeepingError
from server.trust.keeping import Due, Keeping, Skipped, Why
from server.trust.retention import DataKind, RetentionSettings

pytestmark = pytest.mark.unit

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MIA = Actor("mia", "admin")
SECRET = "pineapple on the roof"  # noqa: S105 - words of a made call


@dataclass(frozen=True)
class House:
    """A data folder with calls in it."""

    folder: Path
    store: Store

    def keeping(self, **days: int) -> Keeping:
        settings = RetentionSettings(**days)
        return Keeping(self.store.engine, self.folder, settings, lambda: NOW)

    def add(
        self, call_id: str, customer_ref: str, days_ago: int, *, ended: bool = True
    ) -> None:
        began = NOW - timedelta(days=days_ago)
        started = CallStarted(
            call_id=call_id,
            agent_id="a7",
            customer_ref=customer_ref,
            language="en",
            parties=(Party.CUSTOMER, Party.AGENT),
            consent=Consent.GRANTED,
            started_at=began.isoformat(),
            models=("m",),
        )
        events: list[Event] = [
            started,
            TranscriptFinal("u1", Party.CUSTOMER, 0.0, 2.0, SECRET, "en", 0.9),
            HostilityPoint(2.0, 60.0, 50.0, 70.0, Phase.PEAK, ()),
            *([CallEnded(CallEndReason.COMPLETED, 3.0)] if ended else []),
        ]
        self.store.add_call(NewCall(started, began, "mulaw", 8000))
        log = [LogEntry(n, float(n), event) for n, event in enumerate(events, 1)]
        self.store.append(call_id, log)
        soundfile.write(
            self.folder / "audio" / f"{call_id}.flac", np.zeros((800, 2)), 8000
        )

    def calls(self) -> list[str]:
        found = [*self.store.calls(live=False, limit=99)]
        found += self.store.calls(live=True, limit=99)
        return sorted(call.call_id for call in found)

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "audio").iterdir())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    (tmp_path / "audio").mkdir()
    (tmp_path / "redacted").mkdir()
    store = Store(f"sqlite:///{tmp_path / 'calmline.db'}")
    yield House(tmp_path, store)
    store.close()


def test_a_deleted_customer_leaves_a_receipt_and_nothing_else(house: House) -> None:
    house.add("c1", "K-1", 3)
    house.add("c2", "K-1", 2)
    house.add("c3", "K-2", 1)
    SearchIndex(house.store).catch_up()
    (house.folder / "redacted" / "c1.0123.flac").write_bytes(b"covered")
    audio = (house.folder / "audio" / "c1.flac").read_bytes()

    receipt = house.keeping().delete_customer("K-1", MIA)

    assert receipt.complete
    assert [removed.call_id for removed in receipt.deleted] == ["c1", "c2"]
    first = receipt.deleted[0]
    assert first.files["c1.flac"] == hashlib.sha256(audio).hexdigest()
    assert (first.rows["entries"], first.rows["desk_calls"]) == (4, 1)
    belongs = f"{receipt.receipt_id}:K-1".encode()
    assert receipt.customer_sha256 == hashlib.sha256(belongs).hexdigest()
    assert house.calls() == ["c3"]
    assert house.files() == ["c3.flac"]
    assert list((house.folder / "redacted").iterdir()) == []
    assert house.store.entries("c1") == []


def test_what_was_said_is_nowhere_in_the_folder_after_a_deletion(
    house: House,
) -> None:
    house.add("c1", "K-secret-1", 3)
    SearchIndex(house.store).catch_up()

    house.keeping().delete_customer("K-secret-1", MIA)

    for path in house.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"K-secret-1" not in data
            for word in SECRET.split():
                if len(word) > 3:
                    assert word.encode() not in data, path.name


def test_the_audit_log_keeps_the_fact_and_the_receipts_hash_but_no_content(
    house: House,
) -> None:
    house.add("c1", "K-1", 3)

    receipt = house.keeping().delete_customer("K-1", MIA)

    log = AuditLog(house.store.engine)
    entries = list(log.entries())
    assert [(e.who, e.action, e.call_id) for e in entries] == [
        ("mia", "delete", "c1"),
        ("mia", "delete", ""),
    ]
    assert json.loads(entries[1].detail)["sha256"] == receipt.sha256
    assert log.verify().whole
    assert "K-1" not in str(entries) + receipt.to_json()
    (kept,) = house.keeping().receipts()
    assert json.dumps(kept, indent=1, sort_keys=True) + "\n" == receipt.to_json()


@pytest.mark.parametrize("left", ["live", "raw", "journal"])
def test_a_call_that_is_live_or_still_being_stored_is_not_deleted(
    house: House, left: str
) -> None:
    house.add("c1", "K-1", 3)
    house.add("c2", "K-1", 2, ended=left != "live")
    if left != "live":
        (house.folder / "audio" / f"c2.{left}").write_bytes(b"audio")

    receipt = house.keeping().delete_customer("K-1", MIA)

    assert not receipt.complete
    assert receipt.skipped == (Skipped("c2", Why.LIVE),)
    assert house.calls() == ["c2"]
    assert "c2.flac" in house.files()


def test_what_is_held_is_neither_deleted_nor_removed_by_age(house: House) -> None:
    house.add("c1", "K-1", 300)
    house.add("c2", "K-2", 300)
    keeping = house.keeping(
        audio_days=1, transcript_days=1, scores_days=1, reviews_days=1
    )
    on_call = keeping.hold(MIA, "a court asks", call_id="c1")
    keeping.hold(MIA, "a regulator asks", customer_ref="K-2")

    receipts = [keeping.delete_customer(ref, MIA) for ref in ("K-1", "K-2")]
    removed = keeping.run(MIA)
    keeping.release(MIA, on_call.hold_id)
    after = keeping.run(MIA)

    assert [r.skipped[0].why for r in receipts] == [Why.HOLD, Why.HOLD]
    assert removed == []
    assert after == [Due("c1", None)]
    assert house.calls() == ["c2"]
    assert [hold.customer_ref for hold in keeping.holds()] == ["K-2"]


def test_each_kind_goes_at_its_own_age(house: House) -> None:
    house.add("old", "K-1", 100)
    house.add("middle", "K-1", 40)
    house.add("new", "K-1", 1)
    keeping = house.keeping(audio_days=30, transcript_days=90)

    dry = keeping.due()
    before = house.files()
    done = keeping.run(MIA)

    assert sorted(dry, key=str) == sorted(
        [
            Due("middle", DataKind.AUDIO),
            Due("old", DataKind.AUDIO),
            Due("old", DataKind.TRANSCRIPT),
        ],
        key=str,
    )
    assert before == ["middle.flac", "new.flac", "old.flac"]
    assert done == dry
    assert house.files() == ["new.flac"]
    kinds = {type(entry.event).__name__ for entry in house.store.entries("old")}
    assert kinds == {"CallStarted", "HostilityPoint", "CallEnded"}
    assert len(house.store.entries("middle")) == 4
    assert keeping.run(MIA) == []


def test_a_call_of_which_nothing_is_left_goes_itself(house: House) -> None:
    house.add("old", "K-1", 100)
    house.add("new", "K-1", 50)
    keeping = house.keeping(
        audio_days=30, transcript_days=60, scores_days=90, reviews_days=90
    )

    keeping.run(MIA)

    assert house.calls() == ["new"]


def test_a_removed_transcript_is_in_the_search_index_no_longer(house: House) -> None:
    house.add("old", "K-1", 100)
    index = SearchIndex(house.store)
    index.catch_up()

    house.keeping(audio_days=30, transcript_days=30).run(MIA)
    index.catch_up()

    with house.store.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT lines FROM desk_calls")).all()
    assert [row.lines for row in rows] == ["[]"]


@pytest.mark.parametrize("reference", ["K-9", ""])
def test_a_customer_without_calls_gets_no_receipt(house: House, reference: str) -> None:
    house.add("c1", "", 3)

    with pytest.raises(KeepingError, match="customer reference"):
        house.keeping().delete_customer(reference, MIA)

    assert house.calls() == ["c1"]


def test_a_hold_names_what_it_holds_and_why(house: House) -> None:
    keeping = house.keeping()

    with pytest.raises(KeepingError, match="name one"):
        keeping.hold(MIA, "why", call_id="c1", customer_ref="K-1")
    with pytest.raises(KeepingError, match="name one"):
        keeping.hold(MIA, "why")
    with pytest.raises(KeepingError, match="reason"):
        keeping.hold(MIA, " ", call_id="c1")
    with pytest.raises(KeepingError, match="no hold"):
        keeping.release(MIA, "none")


def test_audio_never_outlives_the_words_that_say_what_to_cover() -> None:
    with pytest.raises(ConfigError, match="audio_days"):
        RetentionSettings(transcript_days=30)
    with pytest.raises(ConfigError, match="number of days"):
        RetentionSettings(audio_days=-1)

    good = RetentionSettings(audio_days=30, transcript_days=30)
    assert good.whole_days == 0
    assert replace(good, scores_days=7, reviews_days=90).whole_days == 90
