"""The audit log, people and deletion on a real PostgreSQL, where one is installed."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from audio.frame import Party
from server.desk.index import SearchIndex
from server.events import (
    CallEnded,
    CallEndReason,
    CallStarted,
    Consent,
    Event,
    LogEntry,
    TranscriptFinal,
)
from server.reports.fact_table import FactTable, Period
from server.store import NewCall, Store
from server.trust.audit import Action, Actor, AuditLog
from server.trust.keeping import Keeping
from server.trust.people import People, Person, Role
from server.trust.retention import RetentionSettings
from server.wire import entry_to_json

pytestmark = pytest.mark.service

MIA = Actor("mia", "admin")
BEGAN = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def store(postgresql_url: str) -> Iterator[Store]:
    admin = sa.create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS trust")
        connection.exec_driver_sql("CREATE DATABASE trust")
    admin.dispose()
    store = Store(postgresql_url.replace("/postgres?", "/trust?"))
    yield store
    store.close()


def test_the_database_refuses_to_change_the_audit_log(store: Store) -> None:
    log = AuditLog(store.engine)
    for _ in range(3):
        log.record(MIA, Action.VIEW, "c1")

    for statement in (
        "UPDATE audit SET who = 'x'",
        "DELETE FROM audit WHERE seq = 3",
        "TRUNCATE audit",
    ):
        with (
            pytest.raises(sa.exc.DBAPIError, match="only grows"),
            store.engine.begin() as connection,
        ):
            connection.exec_driver_sql(statement)
    assert log.verify().checked == 3

    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER USER")
        connection.exec_driver_sql("UPDATE audit SET who = 'eve' WHERE seq = 2")
    assert log.verify().broken_seq == 2


def test_writers_at_the_same_time_make_one_chain(store: Store) -> None:
    def write() -> None:
        for _ in range(20):
            AuditLog(store.engine).record(MIA, Action.EXPORT)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert AuditLog(store.engine).verify().checked == 80


def test_people_reports_and_deletion_work_there_too(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "audio").mkdir()
    started = CallStarted(
        call_id="c1",
        agent_id="a7",
        customer_ref="K-1",
        language="en",
        parties=(Party.CUSTOMER, Party.AGENT),
        consent=Consent.GRANTED,
        started_at=BEGAN.isoformat(),
        models=("m",),
    )
    events: tuple[Event, ...] = (
        started,
        TranscriptFinal("u1", Party.CUSTOMER, 0.0, 2.0, "hello", "en", 0.9),
        CallEnded(CallEndReason.COMPLETED, 3.0),
    )
    store.add_call(NewCall(started, BEGAN, "mulaw", 8000))
    store.append("c1", [LogEntry(n, float(n), e) for n, e in enumerate(events, 1)])
    SearchIndex(store).catch_up()
    people = People(store.engine)
    people.add(Person("amy", Role.AGENT, "a7", "north"), "correct horse battery")
    keeping = Keeping(store.engine, tmp_path, RetentionSettings())

    (reported,) = FactTable(store.engine).calls(Period(after=BEGAN))
    receipt = keeping.delete_customer("K-1", MIA)

    assert people.check("amy", "correct horse battery") is not None
    assert (reported.team, reported.facts.curve) == ("north", ())
    assert receipt.deleted[0].rows["desk_calls"] == 1
    assert receipt.deleted[0].rows["report_facts"] == 1
    assert store.call("c1") is None
    assert keeping.receipts()[0]["receipt_id"] == receipt.receipt_id


def test_a_log_is_read_and_told_as_it_was_written(store: Store) -> None:
    started = CallStarted(
        "c1", "a7", "客户", "zh", (Party.CUSTOMER,), Consent.GRANTED, "", ("m",)
    )
    said = TranscriptFinal("u1", Party.CUSTOMER, 0.5, 1.5, "“你好”\n", "zh", 0.9)
    log = [LogEntry(1, 0.0, started), LogEntry(2, 1.5, said)]
    store.add_call(NewCall(started, BEGAN, "mulaw", 8000))

    store.append("c1", log)

    assert store.entries("c1") == log
    told = [json.loads(entry.text()) for entry in store.stored_log("c1")]
    assert told == [entry_to_json(entry) for entry in log]
