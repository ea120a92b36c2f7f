import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion.plain import plain_text

pytestmark = pytest.mark.unit


def test_english_loses_apostrophes_punctuation_and_capitals() -> None:
    plain = plain_text("Well, I\u2019m  NOT happy!", spaced=True, folds={})

    assert plain.text == "well im not happy"


def test_chinese_loses_spaces_and_folds_characters() -> None:
    plain = plain_text("我 要。投訴", spaced=False, folds={"訴": "诉"})

    assert plain.text == "我要投诉"


def test_a_span_points_into_the_original_text() -> None:
    text = "So, don't  wait."
    plain = plain_text(text, spaced=True, folds={})
    at = plain.text.index("dont")

    start, end = plain.span(at, at + 4)

    assert text[start:end] == "don't"


def test_full_stops_inside_an_abbreviation_are_no_sentence_ends() -> None:
    plain = plain_text("the F.C.C. will. know", spaced=True, folds={})

    assert plain.text == "the fcc will know"
    assert not plain.crosses_sentence(0, len("the fcc"))
    assert plain.crosses_sentence(0, len(plain.text))


def test_what_stands_around_ends_at_the_clause_or_the_sentence() -> None:
    plain = plain_text("Stop. He said, you fool, go. Bye", spaced=True, folds={})
    start = plain.text.index("fool")

    assert plain.before(start, clause_only=True) == "you"
    assert plain.before(start, clause_only=False) == "he said you"
    assert plain.after(start + 4, clause_only=True) == ""
    assert plain.after(start + 4, clause_only=False) == " go"


def test_without_marks_everything_is_around() -> None:
    plain = plain_text("you fool go", spaced=True, folds={})

    assert plain.before(4, clause_only=True) == "you"
    assert plain.after(8, clause_only=False) == " go"


def test_a_masked_swear_word_keeps_its_mask() -> None:
    assert plain_text("f***ing", spaced=True, folds={}).text == "f***ing"


@given(st.text(max_size=80), st.booleans())
def test_every_character_knows_where_it_came_from(text: str, spaced: bool) -> None:  # noqa: FBT001 - hypothesis passes by position
    plain = plain_text(text, spaced=spaced, folds={})

    assert len(plain.origins) == len(plain.text)
    assert list(plain.origins) == sorted(plain.origins)
    assert all(0 <= origin < len(text) for origin in plain.origins)
    assert all(0 <= mark <= len(plain.text) for mark in plain.clauses)
    assert set(plain.sentences) <= set(plain.clauses)
