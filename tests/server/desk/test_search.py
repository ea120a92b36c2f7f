"""The same searches on SQLite and, where it is installed, on a real PostgreSQL."""

import random
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from audio.frame import Party
from emotion.events import Phase, Tier
from evaluation.desk import QUERIES, fill
from evaluation.desk_calls import FIRST_DAY, MadeCall, made_calls
from server.desk.digest import digest
from server.desk.errors import QueryError
from server.desk.index import SearchIndex
from server.desk.query import (
    Pauses,
    Range,
    SaidBy,
    SearchQuery,
    SortBy,
    query_from_json,
    query_to_json,
)
from server.desk.search import Search
from server.desk.wording import normal
from server.events import CallEnded, CallEndReason, Event, LogEntry, TranscriptFinal
from server.store import NewCall, Store

pytestmark = pytest.mark.unit

N_CALLS = 40


@pytest.fixture(scope="module")
def made() -> list[MadeCall]:
    return list(made_calls(N_CALLS, seed=3))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(
    request: pytest.FixtureRequest,
    made: list[MadeCall],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Store]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('desk') / 'desk.db'}"
    else:
        url = request.getfixturevalue("postgresql_url")
    store = Store(url)
    fill(store, iter(made))
    yield store
    store.close()


@pytest.fixture
def search(store: Store) -> Search:
    return Search(store.engine)


def ids(search: Search, **wanted: Any) -> set[str]:
    return {
        call.call_id for call in search.find(SearchQuery(limit=200, **wanted)).calls
    }


def those(made: list[MadeCall], said: str, by: Party | None = None) -> set[str]:
    """The calls in which this was said, by reading every word."""
    return {
        call.started.call_id
        for call in made
        if any(
            said in normal(entry.event.text)
            for entry in call.entries
            if isinstance(entry.event, TranscriptFinal)
            and by in (None, entry.event.party)
        )
    }


@pytest.mark.parametrize(
    "text",
    ["refund", "fun", "办理退款", "退款", "退", "投诉", "customer number", "12315"],
)
def test_every_call_in_which_it_was_said_is_found_and_no_other(
    search: Search, made: list[MadeCall], text: str
) -> None:
    found = ids(search, text=f'"{text}"')

    assert found == those(made, text)


def test_the_words_can_be_one_partys(search: Search, made: list[MadeCall]) -> None:
    by_agents = ids(search, text="退款", said_by=SaidBy.AGENT)
    by_customers = ids(search, text="退款", said_by=SaidBy.CUSTOMER)

    assert by_agents == those(made, "退款", Party.AGENT)
    assert by_customers == those(made, "退款", Party.CUSTOMER)


def test_all_words_are_wanted_and_words_with_a_minus_are_not(
    search: Search, made: list[MadeCall]
) -> None:
    assert ids(search, text="投诉 退款") == those(made, "投诉") & those(made, "退款")
    without = those(made, "退款") - those(made, "投诉")
    assert ids(search, text="退款 -投诉") == without


def test_wide_letters_and_capitals_are_the_same_as_others(search: Search) -> None:
    plain = ids(search, text="refund")
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in "refund")

    assert plain
    assert ids(search, text="REFUND") == ids(search, text=wide) == plain


@pytest.mark.parametrize("text", ["'", "%", "_%_", "*", "NEAR(a", "b)", "\\", "()"])
def test_no_sign_has_a_meaning_of_its_own(
    search: Search, made: list[MadeCall], text: str
) -> None:
    assert ids(search, text=text) == those(made, normal(text))


@pytest.mark.parametrize("text", ['"', '""', '"a', "-", "--x", "  "])
def test_an_unfinished_search_is_no_error(search: Search, text: str) -> None:
    assert search.find(SearchQuery(text=text)).total <= N_CALLS


def test_a_hit_says_where_it_was_said(search: Search) -> None:
    (call, *_) = search.find(SearchQuery(text="退款")).calls

    (said,) = call.said
    assert {said.text[start:end] for start, end in said.marks} == {"退款"}
    assert 0 < said.start_s < call.duration_s


def test_every_filter_agrees_with_the_logs(
    search: Search, made: list[MadeCall]
) -> None:
    digests = {call.started.call_id: digest(call.entries) for call in made}

    def where(**facts: Any) -> set[str]:
        return {
            call_id
            for call_id, found in digests.items()
            if all(check(found) for check in facts.values())
        }

    assert ids(search, pauses=Pauses.IGNORED) == where(a=lambda d: d.cues_ignored > 0)
    assert ids(search, pauses=Pauses.FOLLOWED) == where(a=lambda d: d.cues_followed > 0)
    assert ids(search, pauses=Pauses.NONE) == where(
        a=lambda d: d.cues_ignored + d.cues_followed == 0
    )
    assert ids(search, phases=(Phase.PEAK,)) == where(
        a=lambda d: ("phase", "peak") in d.facets
    )
    assert ids(search, tiers=(Tier.PUBLIC, Tier.THIRD_PARTY)) == where(
        a=lambda d: {("tier", "public"), ("tier", "third_party")} & d.facets
    )
    assert ids(search, alerts=("hostility",)) == where(
        a=lambda d: ("alert", "hostility") in d.facets
    )
    assert ids(search, peak=Range(30, 70)) == where(
        a=lambda d: 30 <= d.peak_score <= 70
    )
    assert ids(search, length_s=Range(None, 200)) == where(
        a=lambda d: d.duration_s <= 200
    )
    assert ids(search, time_in_peak_s=Range(5, None)) == where(a=lambda d: d.hot_s >= 5)
    assert ids(search, languages=("zh",)) == where(a=lambda d: d.language == "zh")
    assert 0 < len(ids(search, languages=("zh",))) < N_CALLS


def test_calls_are_found_by_agent_team_customer_and_date(
    search: Search, made: list[MadeCall]
) -> None:
    call = made[7]
    middle = FIRST_DAY + timedelta(days=90)

    same_agent = ids(search, agents=(call.started.agent_id,))
    assert call.started.call_id in same_agent
    assert ids(search, teams=(call.started.team,)) == {
        c.started.call_id for c in made if c.started.team == call.started.team
    }
    assert call.started.call_id in ids(search, customer_ref=call.started.customer_ref)
    assert ids(search, customer_ref="%") == set()
    assert ids(search, began_from=middle) == {
        c.started.call_id for c in made if c.began >= middle
    }
    assert ids(search, began_before=middle) == {
        c.started.call_id for c in made if c.began < middle
    }


def test_no_call_has_a_score_before_it_is_reviewed(search: Search) -> None:
    assert ids(search, score=Range(0, 100)) == set()
    assert search.find(SearchQuery(limit=1)).calls[0].review_score is None


@pytest.mark.parametrize("sort", SortBy)
@pytest.mark.parametrize("ascending", [True, False])
def test_pages_together_are_the_whole_in_order(
    search: Search,
    sort: SortBy,
    ascending: bool,  # noqa: FBT001 - both directions of one order
) -> None:
    query = SearchQuery(sort=sort, ascending=ascending, limit=7)
    pages = [search.find(query)]
    while pages[-1].cursor:
        query = SearchQuery(
            sort=sort, ascending=ascending, limit=7, cursor=pages[-1].cursor
        )
        pages.append(search.find(query))

    found = [call.call_id for page in pages for call in page.calls]
    assert found == search.ids(SearchQuery(sort=sort, ascending=ascending))
    assert len(found) == len(set(found)) == N_CALLS
    values = [
        {
            SortBy.DATE: call.started_at,
            SortBy.LENGTH: call.duration_s,
            SortBy.PEAK: call.peak_score,
            SortBy.TIME_IN_PEAK: call.hot_s,
            SortBy.SCORE: 0,
        }[sort]
        for page in pages
        for call in page.calls
    ]
    assert values == sorted(values, reverse=not ascending)  # type: ignore[type-var]  # each list is of one type


@pytest.mark.parametrize("name", QUERIES)
def test_every_measured_search_can_be_asked_and_kept(search: Search, name: str) -> None:
    query = QUERIES[name]

    assert search.find(query_from_json(query_to_json(query))) == search.find(query)


def test_a_call_that_is_deleted_is_gone_from_every_table(store: Store) -> None:
    call = next(made_calls(1, seed=9))
    gone = MadeCall(
        started=call.started,
        began=call.began,
        subject="",
        entries=call.entries,
    )
    object.__setattr__(gone.started, "call_id", "to-be-deleted")
    fill(store, iter([gone]))
    with store.engine.connect() as connection:
        row_id = connection.scalar(
            sa.text("SELECT id FROM desk_calls WHERE call_id = 'to-be-deleted'")
        )

    with store.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM calls WHERE call_id = 'to-be-deleted'"))

    with store.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        tables = ["desk_words", "desk_pairs"] if sqlite else ["desk_words"]
        column = "rowid" if sqlite else "id"
        for table in tables:
            query = sa.text(f"SELECT count(*) FROM {table} WHERE {column} = :id")  # noqa: S608 - a constant above
            assert connection.scalar(query, {"id": row_id}) == 0
        left = "SELECT count(*) FROM desk_facets WHERE id = :id"
        assert connection.scalar(sa.text(left), {"id": row_id}) == 0


def test_the_index_can_be_made_again_from_the_logs(store: Store) -> None:
    search, index = Search(store.engine), SearchIndex(store)
    before = search.find(SearchQuery(text="退款", limit=200))

    index.clear()
    assert search.find(SearchQuery()).total == 0
    assert index.catch_up() == N_CALLS

    again = search.find(SearchQuery(text="退款", limit=200))
    assert [(c.call_id, c.team, c.rules, c.phases) for c in again.calls] == [
        (c.call_id, c.team, c.rules, c.phases) for c in before.calls
    ]
    assert again.total > 0
    assert index.catch_up() == 0


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"colour": "red"}, "colour"),
        ({"phases": ["angry"]}, "phases"),
        ({"limit": 0}, "limit"),
        ({"began_from": "2026-01-02T03:04:05"}, "zone"),
        ({"peak": {"least": "much"}}, "peak"),
    ],
)
def test_a_wrong_search_is_one_error_that_names_the_field(
    data: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(QueryError, match=complaint):
        query_from_json(data)


def test_a_foreign_cursor_and_too_many_words_are_refused(search: Search) -> None:
    last = search.find(SearchQuery(limit=1)).cursor

    for wrong in ("x", "WzFd", last[:-4]):
        with pytest.raises(QueryError, match="cursor"):
            search.find(SearchQuery(cursor=wrong))
    with pytest.raises(QueryError, match="another order"):
        search.find(SearchQuery(cursor=last, sort=SortBy.PEAK))
    with pytest.raises(QueryError, match="at most"):
        search.find(SearchQuery(text="a " * 20))


def test_choices_are_what_occurs(search: Search, made: list[MadeCall]) -> None:
    choices = search.choices()

    assert set(choices.teams) == {call.started.team for call in made}
    assert choices.languages == ("en", "zh")
    assert "hostility" in choices.alerts


def test_made_calls_are_the_same_for_the_same_seed() -> None:
    assert list(made_calls(2, seed=5)) == list(made_calls(2, seed=5))
    assert random.Random(1).random() != random.Random(2).random()  # noqa: S311 - seeds differ
    assert all(call.began.tzinfo is UTC for call in made_calls(2, seed=5))


def test_only_finished_calls_are_indexed(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    call = next(made_calls(1, seed=1))
    fill(store, iter([call]))
    index = SearchIndex(store)
    index.clear()

    assert index.missing(passing_over=[call.started.call_id]) == []
    assert index.missing() == [call.started.call_id]
    store.close()


def test_numbers_that_are_covered_cannot_be_searched_for(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    call = next(made_calls(1, seed=1))
    said = TranscriptFinal(
        "u1", Party.CUSTOMER, 1.0, 2.0, "my card is 4111 1111 1111 1111", "en", 0.9
    )
    ended = CallEnded(CallEndReason.COMPLETED, 3.0)
    events: tuple[Event, ...] = (call.started, said, ended)
    log = [LogEntry(n, 0.0, e) for n, e in enumerate(events, 1)]
    store.add_finished(NewCall(call.started, call.began, "mulaw", 8000), log)
    SearchIndex(store).catch_up()
    search = Search(store.engine)

    (found,) = search.find(SearchQuery(text='"my card"')).calls
    assert search.find(SearchQuery(text="4111")).total == 0
    assert "4111" not in found.said[0].text
    store.close()
