from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from server.store import Store
from server.trust.errors import PeopleError
from server.trust.people import People, Person, Role

pytestmark = pytest.mark.unit

MIA = Person("mia", Role.AUDITOR, team="quality")
BOB = Person("bob@example.com", Role.AGENT, "a7", "north", "first line")
PASSWORD = "correct horse battery"  # noqa: S105 - made for this test


class Clock:
    now = datetime(2026, 1, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'calls.db'}")
    yield store
    store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(store: Store, clock: Clock) -> People:
    return People(store.engine, clock)


def test_somebody_who_was_added_comes_in_with_their_password_only(
    people: People,
) -> None:
    assert not people.anybody()

    people.add(MIA, PASSWORD)
    people.add(BOB)

    assert people.anybody()
    assert people.all() == [BOB, MIA]
    assert people.get("mia") == MIA
    assert people.check("mia", PASSWORD) == MIA
    assert people.check("mia", PASSWORD + " ") is None
    assert people.check("bob@example.com", "") is None
    assert people.check("nobody", PASSWORD) is None


def test_the_password_itself_is_stored_nowhere(people: People, store: Store) -> None:
    people.add(MIA, PASSWORD)
    token = people.open_session("mia", timedelta(hours=1))

    with store.engine.connect() as connection:
        found = [
            str(tuple(row))
            for table in ("people", "sessions")
            for row in connection.execute(sa.text(f"SELECT * FROM {table}"))  # noqa: S608 - two constants
        ]

    assert len(found) == 2
    assert not any(PASSWORD in row or token in row for row in found)


def test_a_session_ends_in_time_at_log_out_and_with_a_new_password(
    people: People, clock: Clock
) -> None:
    people.add(MIA, PASSWORD)
    hour = timedelta(hours=1)
    first, second, third = (people.open_session("mia", hour) for _ in range(3))
    assert people.in_session(first) == MIA

    people.close_session(first)
    clock.now += timedelta(minutes=61)
    late = people.in_session(second)
    clock.now -= timedelta(minutes=61)
    people.set_password("mia", PASSWORD * 2)

    assert late is None
    assert [people.in_session(token) for token in (first, third, "")] == [None] * 3
    assert people.check("mia", PASSWORD) is None
    assert people.check("mia", PASSWORD * 2) == MIA


def test_somebody_who_was_removed_is_out_at_once(people: People) -> None:
    people.add(MIA, PASSWORD)
    token = people.open_session("mia", timedelta(hours=1))

    people.remove("mia")

    assert people.in_session(token) is None
    assert people.check("mia", PASSWORD) is None
    with pytest.raises(PeopleError, match="nobody called mia"):
        people.remove("mia")
    with pytest.raises(PeopleError, match="nobody called mia"):
        people.set_password("mia", PASSWORD)


def test_nobody_is_added_twice_or_with_a_short_password(people: People) -> None:
    people.add(MIA, PASSWORD)

    with pytest.raises(PeopleError, match="there already"):
        people.add(MIA, PASSWORD)
    with pytest.raises(PeopleError, match="10 characters"):
        people.add(BOB, "short")

    assert people.all() == [MIA]


@pytest.mark.parametrize(
    ("name", "agent_id", "team", "told"),
    [
        ("two words", "", "", "without a blank"),
        ("", "", "", "1 to 64"),
        ("x" * 65, "", "", "1 to 64"),
        ("mia", "a/../b", "", "agent id"),
        ("mia", "", "line\nbreak", "in a line"),
    ],
)
def test_a_bad_description_is_refused(
    name: str, agent_id: str, team: str, told: str
) -> None:
    with pytest.raises(PeopleError, match=told):
        Person(name, Role.AUDITOR, agent_id, team)


def test_an_agent_needs_an_agent_id() -> None:
    with pytest.raises(PeopleError, match="agent id"):
        Person("李雷", Role.AGENT)

    assert Person("李雷", Role.AGENT, "a7").name == "李雷"
