"""Runs of digits in what speech recognition wrote: figures and number words.

"4111 1111", "four one double one", "四一一一" and full-width figures are all digits
here. A word that is no digit, no separator and no filler ends a run; so do the
Chinese words of quantities (百, 千), which are not read out digit by digit.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_ONES = (
    ("zero", "0"),
    ("oh", "0"),
    ("o", "0"),
    ("nought", "0"),
    ("one", "1"),
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
)
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = (
    dict(_ONES)
    | {word: str(number) for number, word in enumerate(_TEENS, 10)}
    | {word: str(number * 10) for number, word in enumerate(_TENS, 2)}
)
_ROUND = {"hundred": "00", "thousand": "000"}
"""Behind a single digit: "eight thousand" at the end of a number is 8000."""

_REPEATS = {"double": 2, "triple": 3, "treble": 3}
_HAN = dict(
    zip(
        "零〇一幺二两三四五六七八九壹贰叁肆伍陆柒捌玖",
        "0011223456789123456789",
        strict=True,
    )
)
_FILLERS = frozenset(
    (
        *("and", "um", "uh", "er", "erm", "then", "next", "dash", "hyphen", "space"),
        *("嗯", "呃", "啊", "哦", "然后", "那个", "杠", "横杠", "再"),
    )
)
_STRONG = "\n,;，。；、"
_TOKEN = re.compile(
    r"(?P<figures>\d+)"
    r"|(?P<latin>[A-Za-z]+)"
    r"|(?P<filler>然后|那个|横杠|[嗯呃啊哦杠再])"
    r"|(?P<han>[零〇一幺二两三四五六七八九壹贰叁肆伍陆柒捌玖])"
    r"|(?P<gap>[\s\-–—.,;，。；、…/_()（）+]+)"
    r"|(?P<other>.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Digits:
    """One stretch of a run that stands for some digits.

    Attributes:
        start: index of its first character in the text.
        end: index after its last.
        value: its digits; a run may hold ``X``, the last sign of an identity number.
        after_break: a comma, a line's end or nothing at all stands before it.
        before_break: likewise behind it.
    """

    start: int
    end: int
    value: str
    after_break: bool = False
    before_break: bool = False


Run = Sequence[Digits]


def runs(text: str) -> Iterator[Run]:
    """Every run of digits in a text, in order; each has two digits or more."""
    run: list[Digits] = []
    broken = True
    repeat: tuple[int, int] | None = None
    for token in _TOKEN.finditer(text):
        kind, word = token.lastgroup, token[0]
        if kind == "gap":
            if any(sign in _STRONG for sign in word):
                broken = True
                run = _close(run)
            continue
        lower = word.lower()
        if kind == "latin" and lower in _REPEATS:
            repeat = (token.start(), _REPEATS[lower])
            continue
        if kind == "filler" or lower in _FILLERS:
            continue
        value = _value(kind, word)
        if lower in _ROUND and run and len(run[-1].value) == 1:
            value = _ROUND[lower]
        if value is None or (value == "X" and not run):
            yield from _worth(run)
            run, broken, repeat = [], True, None
            continue
        start = token.start()
        if repeat is not None:
            start, times = repeat
            value, repeat = value * times, None
        if kind == "latin" and run and _joins(run[-1], text, token.start(), value):
            last = run.pop()
            start, value = last.start, last.value[0] + value
            broken = last.after_break
        run.append(Digits(start, token.end(), value, after_break=broken))
        broken = False
    yield from _worth(run)


def _value(kind: str | None, word: str) -> str | None:
    """The digits that a token stands for; None: it is no digit."""
    if kind == "figures":
        return "".join(str(unicodedata.digit(sign)) for sign in word)
    if kind == "han":
        return _HAN[word]
    if kind == "latin":
        return "X" if word in "xX" else _WORDS.get(word.lower())
    return None


def _joins(last: Digits, text: str, start: int, value: str) -> bool:
    """Whether "forty" and "one" are one number."""
    spoken = text[last.start : last.end].lower()
    between = text[last.end : start]
    return (
        spoken in _TENS
        and len(value) == 1
        and value in "123456789"
        and between.strip(" -") == ""
    )


def _close(run: list[Digits]) -> list[Digits]:
    """Note that a break stands behind the last stretch."""
    if not run:
        return run
    last = run[-1]
    return [*run[:-1], Digits(last.start, last.end, last.value, last.after_break, True)]


def _worth(run: list[Digits]) -> Iterator[Run]:
    closed = _close(run)
    if sum(len(digits.value) for digits in closed) > 1:
        yield closed
