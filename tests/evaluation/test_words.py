"""The figures of the words are right on lines whose answer is known."""

import argparse
import gzip
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from emotion.events import Tier, WordHit, WordReading, WordSign
from evaluation.report import Report
from evaluation.words import (
    THRESHOLD,
    UNJUDGED,
    Line,
    add_arguments,
    bare,
    measure,
    misheard,
    read_lines,
    run,
)
from models.errors import DataError

pytestmark = pytest.mark.unit

SERVICE_LINES = Path(__file__).parents[2] / "evaluation" / "data"
LANGUAGES = {"en": 3, "zh": 2}
"""Language and the length of the character n-grams that compare its lines."""


class KnownReader:
    """Reads what the text itself says: ``0.8 public``; keeps what it was given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def read(
        self, text: str, language: str, start_s: float, end_s: float
    ) -> WordReading:
        self.texts.append(text)
        found = re.search(r"(\d)[ .](\d) ?([a-z_ ]*)$", text)
        if found is None:  # Misheard.
            return WordReading(start_s, end_s, 0.0, None, (), language, "known-1")
        hostility = float(f"{found[1]}.{found[2]}")
        tier = Tier(found[3].replace(" ", "_")) if found[3] else None
        hits = (WordHit(WordSign.CHURN, 0, 1),) if text.startswith("leave") else ()
        return WordReading(start_s, end_s, hostility, tier, hits, language, "known-1")


def figures(report: Report) -> dict[str, float]:
    return {figure.name: figure.value for figure in report.figures}


def line(text: str, level: int, tier: Tier | None = None, kind: str = "") -> Line:
    return Line(text, "en", level, tier, kind)


def test_auc_counts_the_pairs_in_order_and_half_of_the_ties() -> None:
    lines = [line("0.2", 0), line("0.5", 1), line("0.5", 2), line("0.9", 3)]

    found = figures(measure(lines, KnownReader()))

    assert found["words.en.auc"] == pytest.approx(3.5 / 4)


def test_auc_is_one_half_for_a_reader_that_cannot_tell() -> None:
    lines = [line("0.0", level) for level in (0, 1, 2, 3)]

    found = figures(measure(lines, KnownReader()))

    assert found["words.en.auc"] == pytest.approx(0.5)


def test_without_angry_lines_there_is_no_auc() -> None:
    found = figures(measure([line("0.0", 0), line("0.3", 1)], KnownReader()))

    assert "words.en.auc" not in found
    assert "words.en.flagged_angry" not in found
    assert found["words.en.flagged_calm"] == 0


def test_figures_that_the_labels_do_not_allow_are_named() -> None:
    calm = measure([line("0.0", 0)], KnownReader()).notes
    unhappy = measure([Line("0.3", "en", 1, UNJUDGED)], KnownReader()).notes

    assert [note for note in calm if " needs " in note] == [
        "words.en.auc needs lines of level 2 and above and of less."
    ]
    assert [note.split(" needs ")[0] for note in unhappy if " needs " in note] == [
        "words.en.auc",
        "words.en.tier_f1",
        "words.en.flagged_calm",
    ]


def test_tier_f1_is_the_mean_over_the_tiers_that_occur() -> None:
    lines = [
        line("0.0", 0),
        line("0.0 direct", 0),
        line("0.0 public", 2, Tier.PUBLIC),
        line("0.0", 2, Tier.PUBLIC),
    ]

    found = figures(measure(lines, KnownReader()))

    none_f1, public_f1 = 2 * 1 / (2 + 2), 2 * 1 / (2 + 1)
    assert found["words.en.tier_f1"] == pytest.approx((none_f1 + public_f1) / 2)


def test_threat_f1_takes_direct_complaints_and_none_together() -> None:
    lines = [
        line("0.0", 1, Tier.DIRECT),
        line("0.0 direct", 0),
        line("0.0 third_party", 2, Tier.THIRD_PARTY),
    ]

    found = figures(measure(lines, KnownReader()))

    assert found["words.en.threat_f1"] == 1
    assert found["words.en.tier_f1"] < 0.5


def test_lines_whose_tier_was_not_judged_do_not_count_for_it() -> None:
    unjudged = Line("0.9 public", "en", 2, UNJUDGED)

    alone = figures(measure([unjudged], KnownReader()))
    beside = figures(measure([unjudged, line("0.0", 0)], KnownReader()))

    assert "words.en.tier_f1" not in alone
    assert beside["words.en.tier_f1"] == 1


def test_flagged_is_strictly_above_the_threshold() -> None:
    assert THRESHOLD == 0.25
    lines = [line("0.2", 0), line("0.3", 0), line("0.9", 1), line("0.1", 2)]

    found = figures(measure(lines, KnownReader()))

    assert found["words.en.flagged_calm"] == 50
    assert found["words.en.flagged_angry"] == 0


def test_each_kind_has_its_hostility_and_its_share_flagged() -> None:
    lines = [
        line("0.2", 0, kind="calm"),
        line("0.4", 0, kind="calm"),
        line("0.8", 3, kind="insult"),
    ]

    found = figures(measure(lines, KnownReader()))

    assert found["words.en.hostility.calm"] == pytest.approx(0.3)
    assert found["words.en.flagged.calm"] == 50
    assert found["words.en.flagged.insult"] == 100


def test_a_sign_has_its_f1_where_the_data_says_what_is_in_a_line() -> None:
    churn = frozenset({WordSign.CHURN})
    lines = [
        replace(line("leave 0.1", 0), signs=churn),
        replace(line("go 0.1", 0), signs=churn),
        replace(line("leave it 0.1", 0), signs=frozenset()),
        line("leave me 0.1", 0),
    ]

    found = figures(measure(lines, KnownReader()))

    assert found["words.en.f1.churn"] == pytest.approx(2 * 1 / (2 + 2))
    assert "words.en.f1.supervisor" not in found


def test_misheard_text_loses_about_a_tenth_of_its_words_always_the_same() -> None:
    text = "one two three four five six seven eight nine ten " * 20
    heard = misheard(text)

    assert heard == misheard(text.upper())
    assert 160 < len(heard.split()) < 195
    assert set(heard.split()) <= set(text.split())
    assert len(misheard("我已经等了三个星期了你们到底管不管" * 5)) < 80
    assert misheard("stop") == "stop"


def test_languages_are_measured_apart() -> None:
    lines = [line("0.9", 0), Line("0.0", "zh", 0, None)]

    found = figures(measure(lines, KnownReader()))

    assert found["words.en.flagged_calm"] == 100
    assert found["words.zh.flagged_calm"] == 0


def test_the_same_lines_are_also_read_bare() -> None:
    reader = KnownReader()

    found = figures(measure([line("DON'T! 0.9", 0)], reader))

    assert reader.texts[:2] == ["DON'T! 0.9", "dont 0 9"]
    assert found["words.en.flagged_calm_bare"] == 100


def test_a_dialogue_is_drawn_as_a_whole_for_the_interval() -> None:
    lone = [line("0.9" if i % 2 else "0.0", 0) for i in range(40)]
    one_dialog = [
        Line(one.text, one.lang, one.level, one.tier, dialog="7") for one in lone
    ]

    def width(lines: list[Line]) -> float:
        report = measure(lines, KnownReader())
        calm = next(f for f in report.figures if f.name == "words.en.flagged_calm")
        assert calm.low is not None
        assert calm.high is not None
        return calm.high - calm.low

    assert width(lone) > 20
    assert width(one_dialog) == 0


def test_worst_mistakes_are_shown_only_when_asked_for() -> None:
    lines = [
        line("ok 0.0", 0),
        line("alarm 0.9", 0),
        line("miss 0.0", 3, Tier.DIRECT),
    ]

    quiet = measure(lines, KnownReader())
    told = measure(lines, KnownReader(), n_mistakes=1)

    assert not any("alarm 0.9" in note for note in quiet.notes)
    shown = [note for note in told.notes if note.startswith("- ")]
    assert [note.rpartition(": ")[2] for note in shown] == [
        "alarm 0.9",
        "miss 0.0",
        "miss 0.0",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'm NOT angry; I just... want to know!", "im not angry i just want to know"),
        ("It\u2019s a five-pound fee", "its a five pound fee"),
        ("我没有生气\uff0c真的\uff01", "我没有生气真的"),
        ("他说\u201c滚\u201d。", "他说滚"),
        ("打12315。好", "打12315 好"),
    ],
)
def test_bare_text_has_no_punctuation_and_no_capitals(text: str, expected: str) -> None:
    assert bare(text) == expected


def write(path: Path, *rows: object) -> Path:
    content = "\n".join(json.dumps(row) for row in rows)
    data = content.encode("utf-8")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


ROW = {"text": "hello", "lang": "en", "level": 0}


def test_a_missing_tier_is_not_judged_and_null_is_none(tmp_path: Path) -> None:
    rows = [ROW, ROW | {"tier": None}, ROW | {"tier": "public"}]

    lines = read_lines(write(tmp_path / "a.jsonl", *rows))

    assert [one.tier for one in lines] == [UNJUDGED, None, Tier.PUBLIC]


def test_lines_of_agents_and_without_level_are_left_out(tmp_path: Path) -> None:
    rows = [ROW | {"level": None}, ROW | {"speaker": "agent"}, ROW | {"text": "kept"}]

    lines = read_lines(write(tmp_path / "a.jsonl", *rows))

    assert [one.text for one in lines] == ["kept"]


def test_a_compressed_file_is_read_and_its_sources_chosen(tmp_path: Path) -> None:
    rows = [
        ROW | {"src": "natcs", "dialog": None, "text": "a"},
        ROW | {"src": "other", "text": "b"},
        ROW | {"src": "jddc", "dialog": "d_1", "text": "c"},
    ]

    lines = read_lines(write(tmp_path / "a.jsonl.gz", *rows), ["natcs", "jddc"])

    assert [(one.text, one.dialog) for one in lines] == [("a", ""), ("c", "d_1")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("just a string", "line 2: expected an object with text"),
        ({"text": "x", "lang": "en"}, "line 2: expected an object with text"),
        (ROW | {"level": 4}, "level must be 0 to 3"),
        (ROW | {"level": True}, "level must be 0 to 3"),
        (ROW | {"text": 3}, "text and lang must be strings"),
        (ROW | {"tier": "press"}, "tier must be null or one of direct"),
        (ROW | {"tier": ["public"]}, "tier must be null or one of direct"),
        (ROW | {"text": "\ud800"}, "line 2: text has half a character"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, row: object, message: str) -> None:
    path = write(tmp_path / "a.jsonl", ROW, row)

    with pytest.raises(DataError, match=message):
        read_lines(path)


def test_lines_of_another_program_are_read(tmp_path: Path) -> None:
    rows = [ROW | {"text": "one\u2028two", "lang": "zh-CN"}, ROW | {"lang": "EN_us"}]
    written = [json.dumps(row, ensure_ascii=False) for row in rows]
    path = tmp_path / "a.jsonl"
    path.write_bytes("\r\n".join(["\ufeff" + written[0], "", written[1]]).encode())

    lines = read_lines(path)

    assert [(one.text, one.lang) for one in lines] == [
        ("one\u2028two", "zh"),
        ("hello", "en"),
    ]


def test_what_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": ', encoding="utf-8")

    with pytest.raises(DataError, match=r"a\.jsonl, line 1: expected a JSON object"):
        read_lines(path)


@pytest.mark.parametrize("name", ["missing.jsonl", "plain.jsonl.gz"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "plain.jsonl.gz").write_bytes(b"not compressed")

    with pytest.raises(DataError, match=name):
        read_lines(tmp_path / name)


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


def test_the_command_measures_the_live_reader(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        ROW | {"src": "calls", "tier": None},
        {"text": "You stupid idiot!", "lang": "en", "level": 3, "src": "calls"},
        ROW | {"src": "left out"},
    )

    report = run(parsed("--data", str(path), "--src", "calls"))

    found = figures(report)
    assert report.command == "words --src calls"
    assert report.data == "a.jsonl"
    assert found["words.en.lines"] == 2
    assert found["words.en.auc"] == 1
    assert found["words.en.flagged_calm"] == 0


def test_lines_of_a_language_that_is_not_read_are_counted_apart(
    tmp_path: Path,
) -> None:
    german = ROW | {"lang": "de"}
    path, none = tmp_path / "a.jsonl", tmp_path / "b.jsonl"

    report = run(parsed("--data", str(write(path, ROW, german, german))))

    assert figures(report)["words.en.lines"] == 1
    assert report.notes[-1] == "Not read: 2 lines in de."
    with pytest.raises(DataError, match="lang must be one of en, zh, found de"):
        run(parsed("--data", str(write(none, german))))


def test_nothing_left_to_measure_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", ROW)

    with pytest.raises(DataError, match="no line"):
        run(parsed("--data", str(path), "--src", "calls"))


def rows_of(lang: str) -> list[dict[str, str]]:
    content = (SERVICE_LINES / f"service_lines.{lang}.jsonl").read_text("utf-8")
    return [json.loads(row) for row in content.splitlines()]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_service_lines_are_many_and_balanced_over_kinds(lang: str) -> None:
    kinds = Counter(row["kind"] for row in rows_of(lang))

    assert kinds.total() >= 620
    assert len(kinds) == 13
    assert max(kinds.values()) - min(kinds.values()) <= 3


@pytest.mark.parametrize("lang", LANGUAGES)
def test_service_lines_are_labelled_without_contradiction(lang: str) -> None:
    levels = {
        "calm": {0},
        "thanks": {0},
        "fact_question": {0},
        "polite_complaint": {1},
        "blame": {2},
        "sarcasm": {2},
        "insult": {3},
        "threat_public": {1, 2, 3},
        "threat_third_party": {1, 2, 3},
    }
    threats = {"threat_public": "public", "threat_third_party": "third_party"}

    for line_ in read_lines(SERVICE_LINES / f"service_lines.{lang}.jsonl"):
        told = threats.get(line_.kind, "direct" if line_.level else None)

        assert line_.lang == lang
        assert line_.level in levels.get(line_.kind, {0, 1, 2, 3}), line_.text
        assert line_.tier == told, line_.text


@pytest.mark.parametrize(("lang", "n"), LANGUAGES.items())
def test_no_two_service_lines_are_near_duplicates(lang: str, n: int) -> None:
    def grams(text: str) -> set[str]:
        letters = re.sub(r"\W", "", text.lower())
        return {letters[i : i + n] for i in range(len(letters) - n + 1)}

    lines = [grams(row["text"]) for row in rows_of(lang)]

    closest = max(
        len(one & other) / len(one | other)
        for i, one in enumerate(lines)
        for other in lines[:i]
    )
    assert closest <= 0.5
