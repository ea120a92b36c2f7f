# ruff: noqa: RUF001  # Chinese punctuation is meant, and it looks like ours
"""Errors are counted in what was said, not in how it was written down."""

import pytest

from evaluation.word_errors import Errors, count_errors, loops, units

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("said", "heard", "language", "expected"),
    [
        ("Mister Hale likes colour", "mr. hale likes color!", "en", Errors(0, 4)),
        ("it is twenty two", "It's 22.", "en", Errors(0, 3)),
        ("the cat sat", "the cat sat down", "en", Errors(1, 3)),
        ("the cat sat", "a cat", "en", Errors(2, 3)),
        ("the cat sat", "", "en", Errors(3, 3)),
        ("", "thank you", "en", Errors(2, 0)),
        ("什么时候，能修好？", "甚麼時候能修好", "zh", Errors(0, 7)),
        ("数据、模型 Microsoft", "数据魔型microsoft", "zh", Errors(1, 13)),
        ("schöne Grüße!", "schöne grüße", "de", Errors(0, 2)),
    ],
)
def test_edits_are_counted_after_normalising(
    said: str, heard: str, language: str, expected: Errors
) -> None:
    assert count_errors(said, heard, language) == expected


def test_chinese_is_counted_in_characters() -> None:
    assert units("帳單 2.0！", "zh") == ["账", "单", "2", "0"]


@pytest.mark.parametrize(
    ("heard", "language"),
    [
        ("go on " * 4, "en"),
        ("I see. " + "the engine is running " * 5, "en"),
        ("不要这样" * 4, "zh"),
        ("噢" * 8, "zh"),
        ("these are words that nobody has said in all the recording", "en"),
    ],
)
def test_loops_are_found(heard: str, language: str) -> None:
    assert loops(heard, "", language)


@pytest.mark.parametrize(
    ("heard", "said", "language"),
    [
        ("no no no no", "no no no no", "en"),
        ("no no no no no no no no", "no no no no no no no no no", "en"),
        ("I want it. I want it. I want it.", "i want it i want it i want it", "en"),
        ("a perfectly ordinary sentence", "a perfectly ordinary sentence", "en"),
        ("", "something", "en"),
    ],
)
def test_what_was_said_again_and_again_is_no_loop(
    heard: str, said: str, language: str
) -> None:
    assert not loops(heard, said, language)
