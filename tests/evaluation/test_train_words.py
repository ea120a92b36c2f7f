import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from emotion.plain import plain_text
from emotion.word_model import Question, parse_word_model, sign_features
from evaluation.report import Report
from evaluation.train_words import (
    OWN_LINES,
    add_arguments,
    grouped,
    run,
)
from evaluation.words import bare
from models.errors import DataError

pytestmark = pytest.mark.unit

KINDS = {
    0: (None, "could you please tell me about the {}"),
    1: ("direct", "sadly the {} has not come yet and i am waiting"),
    2: ("direct", "where the hell is my {} you lot keep lying"),
    3: ("direct", "you blithering numbskull you broke the {}"),
    4: ("public", "everybody online will hear about the {}"),
    5: ("third_party", "a judge will decide about the {}"),
}
TRADES = ("modem", "parcel", "flight", "loan", "policy")


def row(number: int, trade: str) -> dict[str, str | int | None]:
    tier, text = KINDS[number]
    level = min(number, 3) if number < 4 else 2
    return {
        "text": text.format(trade),
        "lang": "en",
        "level": level,
        "tier": tier,
        "group": trade,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return filled(tmp_path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    folder = filled(tmp_path_factory.mktemp("trained"))
    return folder / "out", run(command(folder, "out"))


def filled(tmp_path: Path) -> Path:
    rows = [row(number, trade) for trade in TRADES for number in KINDS]
    (tmp_path / "lines").mkdir()
    content = "".join(json.dumps(one) + "\n" for one in rows)
    (tmp_path / "lines" / "all.en.jsonl").write_text(content, encoding="utf-8")
    turns = [
        {
            "text": f"i would like to order {n} of them",
            "lang": "en",
            "level": 0,
            "src": "natcs",
        }
        for n in range(12)
    ]
    turns += [{"text": "you pig", "lang": "en", "level": 3, "src": "davidson"}]
    content = "".join(json.dumps(one) + "\n" for one in turns)
    (tmp_path / "turns.jsonl").write_text(content, encoding="utf-8")
    return tmp_path


def command(folder: Path, out: str) -> argparse.Namespace:
    (folder / out).mkdir()
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(
        [
            *("--data", str(folder / "turns.jsonl")),
            *("--lines", str(folder / "lines")),
            *("--out", str(folder / out)),
        ]
    )


def test_a_seed_gives_the_same_model_and_the_same_figures(
    folder: Path, trained: tuple[Path, Report]
) -> None:
    out, report = trained

    again = run(command(folder, "again"))

    name = "words-model.en.npz"
    assert (folder / "again" / name).read_bytes() == (out / name).read_bytes()
    assert again.figures == report.figures


def test_held_out_trades_are_read_better_than_by_the_lexicon(
    trained: tuple[Path, Report],
) -> None:
    _, report = trained

    value = {figure.name: figure.value for figure in report.figures}
    assert value["held_out.words.en.auc"] > value["lexicon.words.en.auc"]
    assert value["held_out.turns.words.en.flagged_calm"] == 0


def test_what_was_written_answers_each_question(trained: tuple[Path, Report]) -> None:
    name = "words-model.en.npz"

    model = parse_word_model((trained[0] / name).read_bytes(), name)

    for number, question in ((2, Question.ANGRY), (4, Question.PUBLIC_THREAT)):
        text = KINDS[number][1].format("piano")
        plain = plain_text(text, spaced=True, folds={})
        signs = sign_features(frozenset(), 0.0)
        assert model.judge(plain, signs, spaced=True)[question].p > 0.5


def test_lines_without_a_group_are_refused(tmp_path: Path) -> None:
    fields = row(0, "modem")
    del fields["group"]
    path = tmp_path / "lines.jsonl"
    path.write_text(json.dumps(fields) + "\n", encoding="utf-8")

    with pytest.raises(DataError, match="needs a group"):
        list(grouped(path))


def test_an_empty_folder_is_refused(folder: Path) -> None:
    (folder / "lines" / "all.en.jsonl").unlink()

    with pytest.raises(DataError, match="no line to learn from"):
        run(command(folder, "out"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_our_own_lines_are_many_different_and_rightly_labelled(language: str) -> None:
    files = sorted(OWN_LINES.glob(f"*.{language}.jsonl"))
    lines = [one.line for path in files for one in grouped(path)]

    assert len({bare(line.text) for line in lines}) == len(lines) >= 1500
    assert all((line.level == 0) is (line.tier is None) for line in lines)
    shares = np.bincount([line.level for line in lines]) / len(lines)
    assert shares.min() > 0.04


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_line_is_trained_on_and_measured_with(language: str) -> None:
    def texts(paths: list[Path]) -> set[str]:
        rows = [r for path in paths for r in path.read_text("utf-8").splitlines()]
        return {bare(json.loads(r)["text"]) for r in rows}

    measured = OWN_LINES.parent / "data" / f"service_lines.{language}.jsonl"

    tuned_by = OWN_LINES / "dev" / f"lines.{language}.jsonl"
    trained_on = texts(sorted(OWN_LINES.glob(f"*.{language}.jsonl")))
    assert not {text for text in trained_on & texts([measured]) if len(text) > 20}
    assert not trained_on & texts([tuned_by])
    assert not texts([tuned_by]) & texts([measured])
