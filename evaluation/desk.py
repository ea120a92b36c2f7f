"""`python -m evaluation desk`: how long the auditor's desk takes to answer.

It fills a database with made calls, asks it every kind of question that the page
asks, and times each. The calls are the same for the same seed.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from emotion.events import Phase, Tier
from emotion.words import load_word_reader
from evaluation.desk_calls import FIRST_DAY, MadeCall, made_calls, read_lines
from evaluation.report import Figure, Report
from models.errors import DataError
from models.text_encoder import load_text_encoder
from server.desk import tables
from server.desk.cards import Cards
from server.desk.digest import digest
from server.desk.index import SearchIndex
from server.desk.query import (
    Pauses,
    Range,
    Reviewed,
    SaidBy,
    SearchQuery,
    SortBy,
)
from server.desk.reviews import Given, Purpose, Reviews
from server.desk.scorecards import Answer
from server.desk.search import Search
from server.store import NewCall, Store

QUERIES: Mapping[str, SearchQuery] = {
    "newest": SearchQuery(),
    "word": SearchQuery(text="refund"),
    "phrase": SearchQuery(text='"third time"'),
    "chinese_four": SearchQuery(text="办理退款"),
    "chinese_two": SearchQuery(text="退款"),
    "chinese_one": SearchQuery(text="退"),
    "rare": SearchQuery(text="12315"),
    "nothing": SearchQuery(text="zeppelin"),
    "two_words": SearchQuery(text="投诉 退款"),
    "excluded": SearchQuery(text="refund -sorry"),
    "said_by_customer": SearchQuery(text="money", said_by=SaidBy.CUSTOMER),
    "agent": SearchQuery(agents=("a07", "a08")),
    "team": SearchQuery(teams=("华东组",)),
    "dates": SearchQuery(
        began_from=FIRST_DAY, began_before=FIRST_DAY + timedelta(days=7)
    ),
    "language": SearchQuery(languages=("zh",)),
    "customer": SearchQuery(customer_ref="K-0042"),
    "length": SearchQuery(length_s=Range(300, None), sort=SortBy.LENGTH),
    "peak": SearchQuery(peak=Range(70, None), sort=SortBy.PEAK),
    "time_in_peak": SearchQuery(
        time_in_peak_s=Range(10, None), sort=SortBy.TIME_IN_PEAK
    ),
    "phase": SearchQuery(phases=(Phase.PEAK,)),
    "alert": SearchQuery(alerts=("third_party_threat",)),
    "tier": SearchQuery(tiers=(Tier.THIRD_PARTY, Tier.PUBLIC)),
    "cue_ignored": SearchQuery(pauses=Pauses.IGNORED),
    "cue_followed": SearchQuery(pauses=Pauses.FOLLOWED),
    "reviewed": SearchQuery(reviewed=Reviewed.YES),
    "not_reviewed": SearchQuery(reviewed=Reviewed.NO),
    "source": SearchQuery(source="import"),
    "score": SearchQuery(score=Range(0, 60), sort=SortBy.SCORE),
    "all_at_once": SearchQuery(
        text="退款",
        teams=("华东组", "投诉组"),
        languages=("zh",),
        peak=Range(40, None),
        phases=(Phase.PEAK, Phase.TAKE_OFF),
        pauses=Pauses.IGNORED,
        sort=SortBy.PEAK,
    ),
}
"""One search of each kind that the page can ask."""

_REVIEWED = 5
"""Of so many calls one is judged."""

_NOTES = (
    "Each search: the page of 50 calls with the words found, and how many in all.",
    "The last page is reached by its cursor, as a reader would who went through all.",
    "The calls are made from a seed; what they say is no figure of anything else.",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument("--calls", type=int, default=5000, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    parser.add_argument(
        "--repeats", type=int, default=20, help="of each search (%(default)s)"
    )
    parser.add_argument(
        "--database",
        metavar="URL",
        default="",
        help="a database to fill, or one that this command has filled before; by "
        "default SQLite in a temporary folder",
    )


def run(args: argparse.Namespace) -> Report:
    """Fill, ask, time."""
    words = load_word_reader(load_text_encoder())
    read_lines(words)  # Not what is timed here.
    with _database(args.database) as store:
        search = Search(store.engine)
        figures = [Figure("desk.calls", args.calls, "count")]
        there = search.find(SearchQuery()).total
        if there not in (0, args.calls):
            raise DataError(f"expected an empty database, found {there} calls in it")
        if there == 0:
            made = made_calls(args.calls, args.seed, words)
            rate = args.calls / _timed(lambda: fill(store, made))
            figures.append(Figure("desk.index_calls_per_s", rate, "ratio"))
            _review(store, search)
        worst_s = 0.0
        for name, query in {**QUERIES, "last_page": _last_page(search)}.items():
            times_s = [
                _timed(lambda query=query: search.find(query))  # type: ignore[misc]  # a default binds the loop's value
                for _ in range(args.repeats + 1)
            ][1:]
            p50_s, p95_s = np.percentile(times_s, [50, 95])
            worst_s = max(worst_s, p95_s)
            total = search.find(query).total
            figures += [
                Figure(f"desk.find.{name}.p50", p50_s * 1000, "ms"),
                Figure(f"desk.find.{name}.p95", p95_s * 1000, "ms"),
                Figure(f"desk.find.{name}.found", total, "count"),
            ]
        figures.append(Figure("desk.find.worst_p95", worst_s * 1000, "ms"))
        dialect = store.engine.dialect.name
    command = f"desk --calls {args.calls} --seed {args.seed}"
    return Report(command, f"made calls in {dialect}", figures, _NOTES)


@contextmanager
def _database(url: str) -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(url or f"sqlite:///{Path(folder) / 'desk.db'}")
        try:
            yield store
        finally:
            store.close()


def fill(store: Store, made: Iterator[MadeCall]) -> None:
    """Write calls, their logs and what is known beside them, and index them."""
    index = SearchIndex(store)
    for call in made:
        new_call = NewCall(call.started, call.began, "pcm_s16le", 8000)
        store.add_finished(new_call, call.entries)
        with store.engine.begin() as connection:
            connection.execute(
                sa.insert(tables.facts).values(
                    call_id=call.started.call_id,
                    subject=call.subject,
                    source="import",
                )
            )
        index.put(call.started.call_id, call.began, digest(call.entries))


def _review(store: Store, search: Search) -> None:
    """Have every fifth call judged: one question in three a no, by turns."""
    reviews = Reviews(store.engine)
    for number, call_id in enumerate(sorted(search.ids(SearchQuery()))[::_REVIEWED]):
        review_id = reviews.open(call_id, "service", "Ann", Purpose.REVIEW)
        questions = [one.id for one in Cards(store.engine).one("service").question]
        answers = {
            question: Given(Answer.NO if (number * place) % 3 == 1 else Answer.YES)
            for place, question in enumerate(questions)
        }
        reviews.submit(review_id, answers, {}, "")


def _last_page(search: Search) -> SearchQuery:
    """Return the search for the last page of all calls."""
    query = SearchQuery(limit=200)
    while cursor := search.find(query).cursor:
        query = SearchQuery(limit=200, cursor=cursor)
    return SearchQuery(cursor=query.cursor)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
