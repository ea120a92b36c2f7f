"""The command that judges the scorecards' own answers judges them rightly."""

import itertools
from pathlib import Path

import pytest

from audio.frame import Party
from evaluation.__main__ import main
from evaluation.judging import judge, log_of, read_calls
from models.errors import DataError
from server.desk.scorecards import Answer
from server.events import TranscriptFinal

pytestmark = pytest.mark.unit

CALL = """
# A comment.
== bill greeted=yes apologised=no no_blame=no
a Good morning, how can I help?
c0 It's about my bill.
c2 You are thieves!
a You should have read the contract.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for language in ("en", "zh"):
        (tmp_path / f"judged_calls.{language}.txt").write_text(CALL, encoding="utf-8")
    return tmp_path


def test_a_written_call_becomes_a_log_in_order(folder: Path) -> None:
    (call,) = read_calls(folder / "judged_calls.en.txt", "en")

    words = [e.event for e in log_of(call) if isinstance(e.event, TranscriptFinal)]

    assert [each.party for each in words] == [
        Party.AGENT,
        Party.CUSTOMER,
        Party.CUSTOMER,
        Party.AGENT,
    ]
    assert all(a.end_s < b.start_s for a, b in itertools.pairwise(words))


def test_each_answer_stands_beside_the_right_one(folder: Path) -> None:
    (call,) = read_calls(folder / "judged_calls.en.txt", "en")

    found = {one.measure: (one.right, one.given) for one in judge(call)}

    assert found == {
        "greeted": (Answer.YES, Answer.YES),
        "apologised": (Answer.NO, None),
        "no_blame": (Answer.NO, Answer.NO),
    }


@pytest.mark.parametrize("line", ["x words", "c9 words", "== name greeted=maybe"])
def test_a_wrong_line_is_named(folder: Path, line: str) -> None:
    path = folder / "judged_calls.en.txt"
    path.write_text(f"== a greeted=yes\n{line}\n", encoding="utf-8")

    with pytest.raises(DataError, match="line 2"):
        read_calls(path, "en")


def test_the_command_counts_what_is_answered_and_what_is_right(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["judging", "--data", str(folder), "--wrong"]) == 0

    told = capsys.readouterr().out
    assert "| judging.en.answered | 66.667 |" in told
    assert "| judging.en.right | 100 |" in told
    assert "apologised is no, the answer was left to people" in told
