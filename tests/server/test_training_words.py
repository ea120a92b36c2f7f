"""`calmline train words`, with the encoder that comes in a package."""

import json
from pathlib import Path

import pytest

from emotion.word_model import load_word_models, parse_word_model
from emotion.words import load_word_reader
from models.text_encoder import load_text_encoder
from server.cli import main

pytestmark = pytest.mark.model

CALM = "please put the {} on the shelf"
ANGRY = "you squonked my {} again"
THINGS = (
    *("lamp", "sofa", "desk", "clock", "carpet", "mirror", "stove", "bench"),
    *("lock", "tap", "sink", "fan", "door", "plate"),
)


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as exit_:
        main([str(one) for one in arguments])
    return int(exit_.value.code or 0)


def turns(path: Path, lang: str = "en") -> Path:
    rows = [
        {"text": text.format(thing), "lang": lang, "level": level, "tier": tier}
        for thing in THINGS
        for text, level, tier in ((CALM, 0, None), (ANGRY, 3, "direct"))
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_own_turns_give_weights_that_know_the_company_s_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "own.npz"

    assert (
        run("train", "words", "--data", turns(tmp_path / "t.jsonl"), "--out", out) == 0
    )

    assert "before" in capsys.readouterr().out
    encoder = load_text_encoder()
    own = load_word_reader(encoder, [parse_word_model(out.read_bytes(), "own")])
    shipped = load_word_reader(encoder)
    for text in ("you squonked my window again", "they squonked it"):
        new, old = (one.read(text, "en", 0.0, 1.0) for one in (own, shipped))
        assert new.hostility > old.hostility
    other = own.read("i want to speak to a lawyer about you", "en", 0.0, 1.0)
    assert (
        other.tier
        == shipped.read("i want to speak to a lawyer about you", "en", 0.0, 1.0).tier
    )
    assert {one.version for one in load_word_models()}.isdisjoint(
        {parse_word_model(out.read_bytes(), "own").version}
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "line 1: expected a JSON object"),
        ("text,lang,level\n", "line 1: expected a JSON object"),
        ('{"text": " ", "lang": "en", "level": 0}\n', "text (not empty)"),
        (
            '{"text": "a", "lang": "en", "level": 0, "tier": ["public"]}\n',
            "tier null or one",
        ),
        ('{"text": "a", "lang": "en", "level": 9}\n', "line 1: expected a JSON"),
        (
            '{"text": "a", "lang": "en", "level": 0, "tier": "pub"}\n',
            "tier null or one",
        ),
        (
            '{"text": "a", "lang": "en", "level": 0, "customer": [["x"]]}\n',
            "customer to be a list of venting",
        ),
        ('\ufeff{"text": "a", "lang": "en", "level": 0}\n\n', "too few customers"),
        (
            "".join(f'{{"text": "{a}", "lang": "en", "level": 0}}\n' for a in "abcd"),
            "of a higher one are needed beside those held out, got 3 and 0",
        ),
        (
            '{"text": "a\u2028b", "lang": "zh-CN", "level": 0}\n',
            "too few customers",
        ),
        (
            '{"text": "\\ud800", "lang": "en", "level": 0}\n',
            "line 1: expected a JSON",
        ),
        ("", "found none"),
        ('{"text": "a", "lang": "de", "level": 0}\n', "known are en, zh"),
    ],
)
def test_what_cannot_be_learned_from_is_one_line_and_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, told: str
) -> None:
    data, out = tmp_path / "t.jsonl", tmp_path / "own.npz"
    data.write_text(content, encoding="utf-8")

    assert run("train", "words", "--data", data, "--out", out) == 1

    assert told in capsys.readouterr().err
    assert not out.exists()


def test_a_file_that_is_not_there_or_not_text_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "own.npz"
    (tmp_path / "latin").write_bytes(b"\xff")

    assert run("train", "words", "--data", tmp_path / "gone", "--out", out) == 1
    assert "cannot be read: No such file" in capsys.readouterr().err
    assert run("train", "words", "--data", tmp_path / "latin", "--out", out) == 1
    assert "not written in UTF-8" in capsys.readouterr().err
    assert run("train", "words", "--data", out, "--out", out / "no" / "own.npz") == 1
    assert "no folder" in capsys.readouterr().err
    assert run("train", "words", "--data", out, "--out", tmp_path) == 1
    assert "it is a folder" in capsys.readouterr().err
    assert run("train", "voice", "--data", out, "--out", out, "--seed", "-1") == 2
    assert "expected 0 or a whole number" in capsys.readouterr().err


def test_lines_of_two_languages_need_a_choice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = turns(tmp_path / "a").read_text("utf-8") + turns(
        tmp_path / "b", "zh"
    ).read_text("utf-8")
    data = tmp_path / "both.jsonl"
    data.write_text(both, encoding="utf-8")

    assert run("train", "words", "--data", data, "--out", tmp_path / "own.npz") == 1

    assert "found en, zh; name it with --language" in capsys.readouterr().err
