from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotion.errors import LexiconError, WordModelError
from emotion.events import Tier, WordSign
from emotion.lexicon import CALMING, load_lexicons
from emotion.word_model import load_word_models
from emotion.words import SHOWN, THREATS, WordReader, load_word_reader
from models.text_encoder import load_text_encoder

pytestmark = pytest.mark.unit

READER = WordReader(load_lexicons())
ENCODER = load_text_encoder()
TRAINED = load_word_reader(ENCODER)
MILD = 0.45


class Line(NamedTuple):
    tier: str
    signs: frozenset[WordSign]
    text: str
    language: str


def lines() -> Iterator[Line]:
    for language in ("en", "zh"):
        path = Path(__file__).parent / "data" / f"words.{language}.txt"
        for row in path.read_text(encoding="utf-8").splitlines():
            if not row.startswith("#"):
                tier, signs, text = (cell.strip() for cell in row.split("|"))
                wanted = frozenset(WordSign(sign) for sign in signs.split())
                yield Line(tier, wanted, text, language)


LINES = list(lines())


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.text[:40])
def test_a_service_line_reads_as_a_person_would_read_it(line: Line) -> None:
    reading = READER.read(line.text, line.language, 1.0, 2.0)

    found = {hit.sign for hit in reading.hits}
    assert line.signs <= found
    if line.tier == "calm":
        assert reading.tier is None
        assert reading.hostility <= 0
    elif line.tier == "mild":
        assert reading.tier is Tier.DIRECT
        assert 0 < reading.hostility < MILD
    elif line.tier != "churn":
        assert reading.tier == line.tier
        assert reading.hostility > 0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_there_are_enough_lines_of_each_language(language: str) -> None:
    texts = [line.text for line in LINES if line.language == language]

    assert len(set(texts)) == len(texts) > 120


def test_hits_point_into_the_original_text() -> None:
    text = "Well... I'm FURIOUS, and I'll sue you!"

    reading = READER.read(text, "en", 3.0, 4.5)

    assert [(hit.sign, text[hit.start : hit.end]) for hit in reading.hits] == [
        (WordSign.ANGER, "I'm FURIOUS"),
        (WordSign.THIRD_PARTY_THREAT, "I'll sue"),
    ]
    assert (reading.start_s, reading.end_s) == (3.0, 4.5)
    assert reading.model == "words-en-1"


def test_punctuation_between_sentences_keeps_words_apart() -> None:
    assert READER.read("So that's what it is. Angry birds", "en", 0.0, 1.0).hits == ()


def test_traditional_and_simplified_characters_read_the_same() -> None:
    simplified = READER.read("我要起诉你们", "zh", 0.0, 1.0)
    traditional = READER.read("我要起訴你們", "zh", 0.0, 1.0)

    assert simplified == traditional


def test_more_reasons_weigh_more_but_never_over_one() -> None:
    one = READER.read("this is ridiculous", "en", 0.0, 1.0).hostility
    two = READER.read("this is ridiculous you idiot", "en", 0.0, 1.0).hostility
    many = READER.read("you idiot " * 20, "en", 0.0, 1.0).hostility

    assert 0 < one < two < many <= 1.0


def test_thanks_make_a_complaint_milder() -> None:
    bare = READER.read("i am disappointed", "en", 0.0, 1.0).hostility
    polite = READER.read("i am disappointed but thank you", "en", 0.0, 1.0).hostility

    assert polite < bare


def test_an_unknown_language_gives_an_empty_reading() -> None:
    reading = READER.read("Sie sind ein Idiot", "de", 0.0, 1.0)

    assert (reading.hits, reading.hostility, reading.tier) == ((), 0.0, None)
    assert READER.languages == ("en", "zh")


def test_one_lexicon_for_each_language() -> None:
    with pytest.raises(LexiconError, match="got two for 'en'"):
        WordReader([*load_lexicons(), *load_lexicons()])


@given(st.text(max_size=120), st.sampled_from(["en", "zh"]))
def test_any_text_gives_a_reading_within_its_bounds(text: str, language: str) -> None:
    reading = READER.read(text, language, 0.0, 1.0)

    assert -1.0 <= reading.hostility <= 1.0
    assert all(0 <= hit.start < hit.end <= len(text) for hit in reading.hits)


@given(st.lists(st.sampled_from([line.text for line in LINES]), min_size=2, max_size=6))
def test_hits_of_one_sign_never_overlap(texts: list[str]) -> None:
    reading = READER.read(" ".join(texts), "zh", 0.0, 1.0)

    for sign in WordSign:
        hits = [hit for hit in reading.hits if hit.sign is sign]
        assert all(a.end <= b.start for a, b in pairwise(hits))


@pytest.mark.parametrize("phrase", ["好的好的", "你们都是", "such a total ", "i will "])
def test_a_loop_of_recognition_does_not_hold_up_the_call(phrase: str) -> None:
    for language in READER.languages:
        reading = READER.read(phrase * 200, language, 0.0, 1.0)

        assert abs(reading.hostility) <= 1.0


CALM = [
    ("hello i would like to change my address please", "en"),
    ("what are your opening hours on saturday", "en"),
    ("thank you so much that was very helpful", "en"),
    ("yes that is right it is the blue one", "en"),
    ("你好我想查一下我的余额", "zh"),
    ("好的谢谢你我知道了", "zh"),
    ("请问你们几点开门", "zh"),
]
ANGRY = [
    ("you people have done nothing but lie to me for weeks", "en"),
    ("i have had enough of your pathetic excuses", "en"),
    ("你们到底什么时候给我解决拖了一个月了", "zh"),
    ("别再找借口了你们就是骗人", "zh"),
]


@pytest.mark.parametrize(("text", "language"), CALM)
def test_calm_words_stay_below_what_is_shown(text: str, language: str) -> None:
    reading = TRAINED.read(text, language, 0.0, 1.0)

    assert reading.hostility <= SHOWN


@pytest.mark.parametrize(("text", "language"), ANGRY)
def test_angry_words_are_read_and_shown(text: str, language: str) -> None:
    reading = TRAINED.read(text, language, 0.0, 1.0)

    assert reading.hostility > SHOWN
    assert reading.tier is Tier.DIRECT
    assert {hit.sign for hit in reading.hits} - CALMING


def test_a_model_shows_where_the_anger_is_that_no_pattern_found() -> None:
    text = "so you lot just sit there and let me rot then"
    assert not READER.read(text, "en", 0.0, 1.0).hits

    reading = TRAINED.read(text, "en", 0.0, 1.0)

    (hit,) = reading.hits
    assert hit.sign is WordSign.ANGER
    assert text[hit.start : hit.end] in text


def test_a_reading_names_its_lexicon_and_its_model() -> None:
    version = {model.language: model.version for model in load_word_models()}

    reading = TRAINED.read("hello", "en", 0.0, 1.0)

    assert reading.model == f"words-en-1-{version['en']}-e5-small-q4"


def test_without_an_encoder_the_models_go_by_the_words() -> None:
    reader = load_word_reader()

    angry = reader.read("you lot are nothing but useless liars", "en", 0.0, 1.0)
    calm = reader.read("could i have the address please", "en", 0.0, 1.0)

    assert angry.hostility > SHOWN > calm.hostility
    assert not angry.model.endswith("e5-small-q4")


def test_a_model_refuses_vectors_that_it_was_not_trained_on() -> None:
    class Other:
        name = "other"

        def encode(self, text: str) -> NDArray[np.float32]:
            return np.full(384, len(text), np.float32)

    with pytest.raises(WordModelError, match="goes with the encoder e5-small-q4"):
        load_word_reader(Other())


@pytest.mark.parametrize(
    "text",
    [
        "Let me find a pen, one moment.",
        "hold on let me look for the letter",
        "just a second i am opening the drawer",
        "let me turn the volume down",
        "okay go on i have paper now",
    ],
)
def test_looking_for_something_is_not_anger(text: str) -> None:
    assert TRAINED.read(text, "en", 0.0, 1.0).hostility < 0.1


@pytest.mark.parametrize(
    "text", ["等一下我找支笔", "稍等我翻一下抽屉", "我去拿张纸记一下", "您说吧我记着"]
)
def test_looking_for_something_is_not_anger_in_chinese(text: str) -> None:
    assert TRAINED.read(text, "zh", 0.0, 1.0).hostility < 0.1


@pytest.mark.parametrize(
    ("text", "language", "sign"),
    [
        ("i am moving my account to your competitor", "en", WordSign.CHURN),
        ("how often do i have to explain this", "en", WordSign.REPEATED_CONTACT),
        ("put your boss on the line right now", "en", WordSign.SUPERVISOR),
        ("我要把号转到别家去", "zh", WordSign.CHURN),
        ("这事我都跟你们说过五遍了", "zh", WordSign.REPEATED_CONTACT),
        ("让你们领导来跟我说", "zh", WordSign.SUPERVISOR),
    ],
)
def test_what_a_customer_asks_for_is_shown(
    text: str, language: str, sign: WordSign
) -> None:
    reading = TRAINED.read(text, language, 0.0, 1.0)

    assert sign in {hit.sign for hit in reading.hits}


def test_nothing_but_punctuation_is_read_as_nothing() -> None:
    reading = TRAINED.read("...", "en", 0.0, 1.0)

    assert (reading.hostility, reading.tier, reading.hits) == (0.0, None, ())


@given(st.text(max_size=120), st.sampled_from(["en", "zh"]))
def test_a_trained_reading_stays_within_its_bounds(text: str, language: str) -> None:
    reading = TRAINED.read(text, language, 0.0, 1.0)

    assert -1.0 <= reading.hostility <= 1.0
    assert all(0 <= hit.start < hit.end <= len(text) for hit in reading.hits)


def test_a_threat_that_is_none_is_not_shown_as_one() -> None:
    for line in LINES:
        reading = TRAINED.read(line.text, line.language, 0.0, 1.0)
        signs = {hit.sign for hit in reading.hits}

        threat = signs & set(THREATS.values())
        assert not threat or reading.tier in THREATS


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("如果今天不给我解决我就打12315投诉你们我还要去消费者协会马上给我退钱", "zh"),
        ("if this is not fixed today i will complain to the regulator", "en"),
    ],
)
def test_a_threat_in_so_many_words_is_never_argued_away(
    text: str, language: str
) -> None:
    reading = load_word_reader().read(text, language, 0.0, 1.0)

    assert reading.tier is Tier.THIRD_PARTY
    assert WordSign.THIRD_PARTY_THREAT in {hit.sign for hit in reading.hits}


@pytest.mark.parametrize(
    ("text", "customer"),
    [
        ("I was in tears all evening, nobody knows how that feels.", "venting"),
        ("we have had an awful month because of you", "venting"),
        ("so I want the price of the ticket back", "compensation"),
        ("who pays me for the broken window", "compensation"),
        ("how can I be sure that you will keep your promise", "trust"),
        ("please be honest, who made that mistake", "trust"),
        ("the lamp flickers in the evening", None),
        ("what time does the museum open", None),
        ("我一晚上都在哭 谁知道这是什么滋味", "venting"),
        ("被你们折腾了一个月 我真的要崩溃了", "venting"),
        ("票钱你们要退给我", "compensation"),
        ("窗户破了谁赔我的损失", "compensation"),
        ("我怎么知道你们会说话算数", "trust"),
        ("请老实告诉我 到底是谁的责任", "trust"),
        ("晚上灯有点闪", None),
        ("博物馆几点开门", None),
    ],
)
def test_what_the_customer_wants_most_is_heard(text: str, customer: str | None) -> None:
    language = "en" if text.isascii() else "zh"

    reading = TRAINED.read(text, language, 0.0, 1.0)

    assert reading.customer == customer
    assert (reading.customer_p > 0) is (customer is not None)
