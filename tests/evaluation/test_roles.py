"""Who the customer is, on written calls."""

import argparse
from pathlib import Path

import pytest

from evaluation import roles
from models.errors import DataError

pytestmark = pytest.mark.unit

DATA = Path(roles.__file__).parent / "data"
FILES = sorted(DATA.glob("role_dialogues*.jsonl"))


def measured(*paths: Path) -> dict[str, float]:
    parser = argparse.ArgumentParser()
    roles.add_arguments(parser)
    args = parser.parse_args(["--data", *map(str, paths)])
    return {figure.name: figure.value for figure in roles.run(args).figures}


def test_no_more_than_one_call_in_ten_is_told_wrong() -> None:
    figures = measured(*FILES)

    assert figures["diarisation.dialogues"] == 60
    assert figures["diarisation.role_error"] <= 10
    assert figures["diarisation.en.role_error"] <= 10
    assert figures["diarisation.zh.role_error"] <= 10
    assert figures["diarisation.roles_unknown"] < 50
    assert figures["diarisation.transfer.dialogues"] == 8


def test_an_agent_taken_for_the_customer_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text(
        '{"lang": "en", "kind": "odd", "lines": ['
        '["c", "Thank you for calling, how can I help you?"],'
        '["a", "I am calling about my bill, I want a refund."]]}\n'
        '{"lang": "en", "kind": "short", "lines": [["a", "Hello."], ["c", "Hello."]]}',
        "utf-8",
    )

    figures = measured(path)

    assert figures["diarisation.role_error"] == 50
    assert figures["diarisation.roles_unknown"] == 50
    assert figures["diarisation.odd.role_error"] == 100


@pytest.mark.parametrize(
    "line",
    [
        "{",
        '{"lang": "en", "kind": "k"}',
        '{"lang": "en", "kind": "k", "lines": [["a", "Hello."]]}',
        '{"lang": "en", "kind": "k", "lines": [["c", "Hello."], ["x", "Hello."]]}',
    ],
)
def test_what_is_no_dialogue_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text(line, "utf-8")

    with pytest.raises(DataError, match=r"broken\.jsonl, line 1"):
        measured(path)


def test_without_a_dialogue_there_is_nothing_to_measure(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text("", "utf-8")

    with pytest.raises(DataError, match="no dialogue"):
        measured(path)
    with pytest.raises(DataError, match="cannot be read"):
        measured(tmp_path / "absent.jsonl")
