import pytest

from emotion.errors import ParameterError
from emotion.manner import Manner, MannerParams, Utterance

pytestmark = pytest.mark.unit


def english(text: str, start_s: float, duration_s: float = 4.0) -> Utterance:
    return Utterance(text, "en", start_s, start_s + duration_s)


def chinese(text: str, start_s: float, duration_s: float = 4.0) -> Utterance:
    return Utterance(text, "zh", start_s, start_s + duration_s)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            english("I just want the engineer to come and repair my router", 0),
            english("so when is the engineer coming to repair the router then", 60),
        ),
        (
            chinese("我就想知道退款什么时候能到账", 0),
            chinese("我再问一遍退款什么时候能到账啊", 60),
        ),
        (
            chinese("我要你们今天把洗衣机的两百块钱退给我", 0),
            chinese("那洗衣机的两百块钱到底什么时候退给我", 60),
        ),
    ],
)
def test_the_same_demand_is_recognised_in_other_words(
    before: Utterance, after: Utterance
) -> None:
    manner = Manner(MannerParams())

    assert manner.feed(before) is None
    assert manner.feed(after) == before.start_s


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            english("I just want the engineer to come and repair my router", 0),
            english("the invoice from last month has a different address on it", 60),
        ),
        (
            chinese("我就想知道退款什么时候能到账", 0),
            chinese("地址是人民路十二号三楼", 60),
        ),
        (english("yes that is right", 0), english("yes that is right", 60)),
        (
            english("my number is 0 7 7 4 1 2 9 9", 0),
            english("as I said 0 7 7 4 1 2 9 9", 60),
        ),
        (
            english("my number is seven four one two nine eight", 0),
            english("yes my number is seven four one two nine eight", 60),
        ),
        (chinese("我想问一下运费", 0), chinese("我想问一下你们的地址", 60)),
        (chinese("什么时候发货", 0), chinese("什么时候能到账", 60)),
        (
            chinese("我手机号是幺三八零二四六六", 0),
            chinese("手机号是幺三八零二四六六", 60),
        ),
    ],
    ids=[
        "another matter",
        "another matter, zh",
        "nothing said",
        "digits read again",
        "digits in words read again",
        "politely asked, zh",
        "when, zh",
        "digits read again, zh",
    ],
)
def test_what_is_new_or_says_nothing_is_no_repetition(
    before: Utterance, after: Utterance
) -> None:
    manner = Manner(MannerParams())
    manner.feed(before)

    assert manner.feed(after) is None


def test_one_thought_in_two_breaths_is_no_repetition() -> None:
    manner = Manner(MannerParams())
    manner.feed(english("the engineer never came to repair my router", 0))

    assert manner.feed(english("never came to repair the router engineer", 5)) is None


def test_old_utterances_are_forgotten() -> None:
    manner = Manner(MannerParams(remembered=1))
    first = english("the engineer never came to repair my router", 0)
    manner.feed(first)
    manner.feed(english("invoice from last month has another address", 30))

    assert (
        manner.feed(english("the engineer never came to repair my router", 60)) is None
    )


@pytest.mark.parametrize("say", [english, chinese])
def test_pace_is_against_the_own_opening(say: object) -> None:
    make = english if say is english else chinese
    text = "one two three four five six" if make is english else "一二三四五六七八"
    manner = Manner(MannerParams())
    for at in range(4):
        manner.feed(make(text, 20.0 * at, 4.0))
    assert manner.pace == 1.0

    manner.feed(make(text, 100.0, 2.0))

    assert manner.pace == pytest.approx(2.0)


def test_two_words_have_no_pace() -> None:
    manner = Manner(MannerParams(opening_utterances=1))
    manner.feed(english("one two three four five six", 0))

    manner.feed(english("yes please", 10, 0.1))
    manner.feed(Utterance("one two three four five six", "en", 20.0, 20.0))

    assert manner.pace == 1.0


@pytest.mark.parametrize("wrong", [{"alike": 1.5}, {"apart_s": 0.0}, {"remembered": 0}])
def test_wrong_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        MannerParams(**wrong)  # type: ignore[arg-type]  # names are those of the fields
