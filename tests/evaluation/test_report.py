"""The shape of a report is a contract: other programs read it."""

import json
import platform
from pathlib import Path

import pytest

from evaluation.__main__ import main
from evaluation.report import Figure, Report, commit, machine

pytestmark = pytest.mark.unit

REPORT = Report(
    command="wer",
    data="asr",
    figures=[
        Figure("wer.en.ours", 12.34567, "%", 10.0, 14.5),
        Figure("loops.ours", 0, "count"),
    ],
    notes=["English is normalised."],
)


def test_json_holds_the_five_fields_and_the_figures() -> None:
    content = json.loads(REPORT.to_json())

    assert list(content) == ["command", "commit", "machine", "data", "figures"]
    assert content["figures"] == [
        {
            "name": "wer.en.ours",
            "value": 12.34567,
            "unit": "%",
            "low": 10.0,
            "high": 14.5,
        },
        {"name": "loops.ours", "value": 0, "unit": "count", "low": None, "high": None},
    ]


def test_json_refuses_a_figure_that_is_not_a_number() -> None:
    report = Report("wer", "asr", [Figure("wer.en.ours", float("nan"), "%")])

    with pytest.raises(ValueError, match="JSON compliant"):
        report.to_json()
    assert "| wer.en.ours | nan |" in report.to_table()


def test_where_json_cannot_be_written_is_said_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["silence", "--json", str(tmp_path / "none" / "a.json")])

    assert exited.value.code == 2
    assert "there is no such folder" in capsys.readouterr().err


def test_table_has_a_row_for_each_figure_and_the_notes_below() -> None:
    lines = REPORT.to_table().splitlines()

    assert lines[0].startswith("`python -m evaluation wer` on asr, commit ")
    assert "| wer.en.ours | 12.346 | 10 to 14.500 | % |" in lines
    assert "| loops.ours | 0 |  | count |" in lines
    assert lines[-1] == "English is normalised."


def test_commit_is_a_short_hash_of_this_source() -> None:
    assert len(commit().rstrip("+")) == 12


def test_machine_names_its_parts_but_not_itself() -> None:
    described = machine()

    assert " cores" in described
    assert f"Python {platform.python_version()}" in described
    assert platform.node() not in described
