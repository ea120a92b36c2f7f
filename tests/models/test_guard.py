# ruff: noqa: RUF001  # Chinese punctuation is meant, and it looks like ours
"""Loops and invented words are caught; what callers say is not."""

import pytest

from models.decoded import Decoded
from models.guard import (
    compression,
    is_invented,
    ran_away,
    token_limit,
    without_loop,
)

pytestmark = pytest.mark.unit


def decoded(
    text: str,
    *,
    logprob: float = -0.3,
    no_speech: float = 0.05,
    ended: bool = True,
) -> Decoded:
    return Decoded(text, (), "en", 1.0, logprob, no_speech, ended)


def test_limit_grows_with_the_utterance() -> None:
    assert [token_limit(n) for n in (0, 16_000, 480_000)] == [10, 20, 310]


@pytest.mark.parametrize(
    "text",
    [
        "I want my money back. I want my money back. I want my money back.",
        "No, no, no, no, no, no!",
        "不行不行不行，我不同意。",
        "",
    ],
)
def test_people_who_repeat_themselves_do_not_loop(text: str) -> None:
    assert not ran_away(decoded(text))


@pytest.mark.parametrize(
    "text",
    [
        "I'm going to go to the store. " * 8,
        "B-" * 90,
        "噢" * 50,
    ],
)
def test_circles_are_loops(text: str) -> None:
    assert ran_away(decoded(text))
    assert compression(text) > 2.4


def test_text_without_an_end_ran_away() -> None:
    assert ran_away(decoded("and then", ended=False))


def test_loop_is_said_once() -> None:
    assert without_loop("I see. go on go on go on go on go on ") == "I see. go on"
    assert without_loop("噢噢噢噢噢噢噢噢") == "噢"
    assert without_loop("no no no") == "no no no"


@pytest.mark.parametrize(
    ("text", "logprob", "no_speech"),
    [
        ("you", -0.38, 0.95),
        ("Thank you.", -0.75, 0.93),
        ("Thank you for watching!", -0.2, 0.01),
        ("Please subscribe to my channel.", -0.2, 0.01),
        ("Subtitles by the Amara.org community", -0.1, 0.0),
        ("请不吝点赞 订阅 转发 打赏支持明镜与点点栏目", -0.1, 0.0),
        ("字幕志愿者 李宗盛", -0.1, 0.0),
        ("谢谢大家观看", -0.1, 0.0),
        ("I'm going to put the oil in the pan.", -1.53, 0.3),
        ("The engine is running.", -0.9, 0.7),
    ],
)
def test_invented_words_are_known(text: str, logprob: float, no_speech: float) -> None:
    assert is_invented(decoded(text, logprob=logprob, no_speech=no_speech), text)


@pytest.mark.parametrize(
    ("text", "logprob", "no_speech"),
    [
        ("Thank you.", -0.4, 0.05),
        ("Thank you very much for your help.", -0.3, 0.4),
        ("Okay.", -0.52, 0.09),
        ("Hmm?", -0.61, 0.25),
        ("I did subscribe to your plan last year.", -0.2, 0.02),
        ("The subtitles do not work on my television.", -0.2, 0.02),
        ("你们的频道我看不了", -0.3, 0.1),
        ("我订阅的频道不见了", -0.3, 0.1),
        ("谢谢你", -0.4, 0.1),
        ("It-", -1.29, 0.26),
    ],
)
def test_callers_are_believed(text: str, logprob: float, no_speech: float) -> None:
    assert not is_invented(decoded(text, logprob=logprob, no_speech=no_speech), text)
