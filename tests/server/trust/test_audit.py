import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from server.store import Store
from server.trust.audit import (
    FIRST_PREVIOUS,
    Action,
    Actor,
    Anchor,
    AuditEntry,
    AuditLog,
    verify,
)
from server.trust.errors import AuditError

pytestmark = pytest.mark.unit

MIA = Actor("mia", "auditor")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.db"


@pytest.fixture
def log(path: Path) -> Iterator[AuditLog]:
    store = Store(f"sqlite:///{path}")
    log = AuditLog(store.engine)
    for number in range(5):
        log.record(MIA, Action.VIEW, f"c{number}", {"n": number})
    yield log
    store.close()


def by_hand(path: Path, *statements: str) -> None:
    """Somebody with the file and no respect: the triggers go first."""
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER audit_no_update")
    connection.execute("DROP TRIGGER audit_no_delete")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_log_that_nobody_touched_is_whole(log: AuditLog) -> None:
    entries = list(log.entries())

    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
    assert entries[0].previous == FIRST_PREVIOUS
    assert log.verify([log.head()]).whole
    assert log.verify().checked == 5


def test_the_database_refuses_to_change_or_delete(log: AuditLog, path: Path) -> None:
    del log
    connection = sqlite3.connect(path)

    for statement in (
        "UPDATE audit SET who = 'x'",
        "DELETE FROM audit WHERE seq = 5",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 1",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "seq", "problem"),
    [
        ("UPDATE audit SET who = 'eve' WHERE seq = 3", 3, "changed"),
        ("UPDATE audit SET detail = '{\"n\":7}' WHERE seq = 1", 1, "changed"),
        ("DELETE FROM audit WHERE seq = 2", 2, "missing"),
        ("DELETE FROM audit WHERE seq = 1", 1, "missing"),
        ("UPDATE audit SET seq = seq + 10 WHERE seq > 2", 3, "missing"),
        ("UPDATE audit SET previous = hash WHERE seq = 4", 4, "does not follow"),
    ],
)
def test_the_first_line_that_was_bent_by_hand_is_named(
    log: AuditLog, path: Path, statement: str, seq: int, problem: str
) -> None:
    by_hand(path, statement)

    verdict = log.verify()

    assert (verdict.whole, verdict.broken_seq) == (False, seq)
    assert problem in verdict.problem
    assert verdict.checked == seq - 1


def test_a_log_cut_off_at_its_end_is_found_with_an_anchor_only(
    log: AuditLog, path: Path
) -> None:
    anchor = log.head()
    by_hand(path, "DELETE FROM audit WHERE seq > 3")

    assert log.verify().whole
    verdict = log.verify([anchor])
    assert verdict.broken_seq == 4
    assert "cut off" in verdict.problem


def test_a_log_written_anew_from_some_line_does_not_hold_its_anchor(
    log: AuditLog, path: Path
) -> None:
    anchor = log.head()
    by_hand(path, "DELETE FROM audit WHERE seq > 3")
    log.record(MIA, Action.VIEW, "c3", {"n": 3})
    log.record(MIA, Action.VIEW, "another", {"n": 4})

    assert log.verify().whole
    assert log.verify([anchor]).broken_seq == 5


def test_an_exported_chain_is_checked_like_the_table(log: AuditLog) -> None:
    entries = list(log.entries())
    forged = replace(entries[2], who="eve")
    forged = replace(forged, hash=forged.expected_hash())

    assert verify(entries).whole
    assert verify([*entries[:2], forged, *entries[3:]]).broken_seq == 4


def test_the_head_of_an_empty_log_is_an_anchor_too(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'new.db'}")
    head = AuditLog(store.engine).head()
    store.close()

    assert Anchor.parse(str(head)) == Anchor(0, FIRST_PREVIOUS)
    assert verify(iter(()), [head]).whole


@pytest.mark.parametrize("text", ["", "5", "x:y", "5:" + "g" * 64])
def test_what_is_no_anchor_is_said_so(text: str) -> None:
    with pytest.raises(AuditError, match="anchor"):
        Anchor.parse(text)


@pytest.mark.parametrize("words", ["you are useless", "我要投诉", "a" * 161, "line\n"])
def test_a_detail_cannot_hold_what_somebody_said(log: AuditLog, words: str) -> None:
    for detail in ({"text": words}, {words: 1}):
        with pytest.raises(AuditError) as caught:
            log.record(MIA, Action.NOTE, "c1", detail)
        assert words not in str(caught.value)

    assert log.head().seq == 5


def test_writers_at_the_same_time_make_one_chain(log: AuditLog, path: Path) -> None:
    def write(store: Store) -> None:
        for _ in range(20):
            AuditLog(store.engine).record(Actor("bob", "shell"), Action.EXPORT)
        store.close()

    stores = [Store(f"sqlite:///{path}") for _ in range(4)]
    threads = [threading.Thread(target=write, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert log.verify().checked == 85
    assert log.verify().whole


def test_the_newest_come_first_and_of_one_call_if_asked(log: AuditLog) -> None:
    def seqs(entries: list[AuditEntry]) -> list[int]:
        return [entry.seq for entry in entries]

    assert seqs(log.newest(2)) == [5, 4]
    assert seqs(log.newest(9, before_seq=3)) == [2, 1]
    assert seqs(log.newest(9, call_id="c1")) == [2]


def test_a_write_that_fails_leaves_no_half_entry(path: Path) -> None:
    store = Store(f"sqlite:///{path}")
    log = AuditLog(store.engine)
    with store.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE audit"))

    with pytest.raises(sa.exc.OperationalError):
        log.record(MIA, Action.VIEW)
    store.close()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pages_have_a_word_for_every_action(language: str) -> None:
    root = Path(__file__).parents[3]
    texts = root / "server" / "web" / "src" / "lib" / "i18n" / f"trust.{language}.ts"
    text = texts.read_text(encoding="utf-8")

    for action in Action:
        assert f"      {action}: '" in text
