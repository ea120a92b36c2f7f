import csv
import io
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from server.reports.facts import CallFacts
from server.reports.files import rows, to_csv, to_parquet
from server.reports.report import Dimension, Report, ReportedCall, report

pytestmark = pytest.mark.unit


def calls(team: str, n_calls: int) -> list[ReportedCall]:
    return [
        ReportedCall(
            call_id=f"{team}{number}",
            agent_id="a7",
            team=team,
            group="first line",
            subject="账单",
            started_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
            facts=CallFacts((10.0 + number,) * 100, 20.0, 30.0 + number),
        )
        for number in range(n_calls)
    ]


def keys(found: Report) -> list[str]:
    return [cell.key for cell in found.cells]


def test_small_sets_are_hidden() -> None:
    found = report([*calls("a", 5), *calls("b", 4), *calls("c", 4)], Dimension.TEAM)

    assert keys(found) == ["a"]
    assert found.n_hidden == 2
    assert found.all is not None
    assert found.all.n_calls == 13


def test_a_small_set_cannot_be_worked_out_from_the_others() -> None:
    found = report([*calls("a", 9), *calls("b", 7), *calls("c", 2)], Dimension.TEAM)

    assert keys(found) == ["a"]
    assert found.n_hidden == 2


def test_four_calls_in_all_show_nothing() -> None:
    found = report(calls("a", 4), Dimension.ALL)

    assert (found.cells, found.all, found.n_hidden) == ((), None, 1)


@pytest.mark.parametrize(
    ("by", "key"),
    [
        (Dimension.HOUR, "03"),
        (Dimension.GROUP, "first line"),
        (Dimension.SUBJECT, "账单"),
        (Dimension.AGENT, "a7"),
        (Dimension.ALL, "all"),
    ],
)
def test_calls_are_set_apart_by_what_is_asked_for(by: Dimension, key: str) -> None:
    assert keys(report(calls("a", 5), by)) == [key]


def test_csv_and_parquet_have_the_same_figures() -> None:
    found = report(calls("北区", 6), Dimension.TEAM)

    text = to_csv(found)
    table = pq.read_table(io.BytesIO(to_parquet(found)))

    lines = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(lines) == table.num_rows == len(list(rows(found)))
    assert {line["key"] for line in lines} == {"*", "北区"}
    (cool,) = [row for row in table.to_pylist() if row["figure"] == "time_to_cool"][:1]
    assert (cool["value"], cool["unit"], cool["n_calls"]) == (32.0, "s", 6)


def test_a_team_called_like_a_formula_is_none_in_a_spreadsheet() -> None:
    found = report(calls("=HYPERLINK(1)", 6), Dimension.TEAM)

    assert ",'=HYPERLINK(1)," in to_csv(found)
