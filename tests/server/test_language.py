import pytest

from models.ports import Transcript
from server.events import LanguageDetected
from server.language import LanguageVote

pytestmark = pytest.mark.unit


def heard(language: str, probability: float = 1.0) -> Transcript:
    return Transcript("words", language, probability, 0.9)


def test_a_fixed_language_stays() -> None:
    vote = LanguageVote("zh")

    assert vote.feed(heard("en"), 60.0) is None
    assert vote.chosen == "zh"


def test_one_short_word_settles_nothing() -> None:
    vote = LanguageVote(None)

    assert vote.feed(heard("en"), 0.6) is None
    assert vote.chosen is None


def test_the_language_that_is_clearly_ahead_is_chosen_once() -> None:
    vote = LanguageVote(None)

    told = [vote.feed(heard(language), 2.5) for language in ("en", "zh", "zh", "zh")]

    assert told == [None, None, None, LanguageDetected("zh", 0.75)]
    assert vote.chosen == "zh"
    assert vote.feed(heard("en"), 60.0) is None


def test_unsure_detections_weigh_less() -> None:
    vote = LanguageVote(None)

    assert vote.feed(heard("zh", 0.3), 5.0) is None
    assert vote.feed(heard("en", 1.0), 6.0) == LanguageDetected("en", 0.8)
