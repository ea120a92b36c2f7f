"""How the customer speaks against how they spoke at first: pace, and saying it again.

Both are worked out from the words of finished utterances. Nothing is kept of them but
the set of their content words, and that only as long as the call lasts.
"""

import re
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from emotion.errors import ParameterError

_EN_WORD: Final = re.compile(r"[a-z][a-z']+|\d+")
_HAN_RUN: Final = re.compile(r"[\u4e00-\u9fff]+")
_EN_FUNCTION_WORDS: Final = frozenset(
    """a about after again all also am an and any are as at be been but by can can't
    could did didn't do does doesn't don't for from get go got had has have he her
    here him his how i i'd i'll i'm i've if in is isn't it it's just know let like me
    mean my no not now of oh ok okay on one or our out please really right said say
    see she so some sorry tell than thank thanks that that's the their them then there
    there's they this to too uh um up us very was wasn't we well were what when where
    which who why will with would yeah yes you you're your
    zero one two three four five six seven eight nine""".split()  # noqa: SIM905 - as a list nobody could read it
)


_ZH_WHEN: Final = re.compile("什么时候|啥时候|几时")
_ZH_FUNCTION_WORDS: Final = re.compile(
    "[我你您他她它咱](?:们)?|请问|问一下|一下|到底|究竟|今天|现在|知道|告诉|麻烦|谢谢"
    "|一遍|一次|有没有|能不能|可不可以|可以|是不是"
    "|[的了吗呢吧啊呀嘛哦嗯那这就都也还又再要想把给是在能会请问说好对个跟和让帮]"
)
_ZH_DIGITS: Final = re.compile("[零〇一二三四五六七八九幺两]{4,}")


@dataclass(frozen=True, slots=True)
class MannerParams:
    """What counts as faster, and as said again; all adopted.

    Attributes:
        opening_utterances: how many utterances make the own pace.
        least_units: words (English) or characters (Chinese) below which an
            utterance has no pace worth measuring.
        least_content: content words (English) below which an utterance can't be
            told from another.
        least_pairs: the same in pairs of characters (Chinese).
        alike: share of the shorter utterance's content in the longer one from
            which they say the same.
        apart_s: silence or other talk between the two; what is sooner is one
            thought going on.
        remembered: utterances that a new one is compared with.

    Raises:
        ParameterError: `alike` is outside (0, 1], or another number not positive.
    """

    opening_utterances: int = 4
    least_units: int = 5
    least_content: int = 4
    least_pairs: int = 3
    alike: float = 0.6
    apart_s: float = 15.0
    remembered: int = 60

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if getattr(self, name) <= 0:
                raise ParameterError(f"{name} must be above 0")
        if self.alike > 1:
            raise ParameterError(f"alike is at most 1, got {self.alike}")


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the customer said in one go.

    Attributes:
        text: as speech recognition wrote it.
        language: ISO 639-1 code; ``zh`` is read by characters, all else by words.
        start_s: when it began.
        end_s: when it ended.
    """

    text: str
    language: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class _Said:
    content: frozenset[str]
    least: int
    start_s: float
    end_s: float


class Manner:
    """Follows one customer's pace and repetitions. Pure."""

    def __init__(self, params: MannerParams) -> None:
        self._params = params
        self._opening: list[float] = []
        self._said: deque[_Said] = deque(maxlen=params.remembered)
        self._pace = 1.0

    @property
    def pace(self) -> float:
        """Pace of the latest utterance against the own opening; 1 while unknown."""
        return self._pace

    def feed(self, utterance: Utterance) -> float | None:
        """Take an utterance.

        Returns:
            When the same was first said, in seconds of call time; None: it is new.
        """
        self._measure_pace(utterance)
        content = _content(utterance)
        params = self._params
        chinese = utterance.language == "zh"
        least = params.least_pairs if chinese else params.least_content
        said = _Said(content, least, utterance.start_s, utterance.end_s)
        before = next((one for one in self._said if self._same(one, said)), None)
        self._said.append(said)
        return None if before is None else before.start_s

    def _measure_pace(self, utterance: Utterance) -> None:
        n_units = count_units(utterance)
        duration_s = utterance.end_s - utterance.start_s
        if n_units < self._params.least_units or duration_s <= 0:
            return
        units_per_s = n_units / duration_s
        if len(self._opening) < self._params.opening_utterances:
            self._opening.append(units_per_s)
        else:
            self._pace = units_per_s / median(self._opening)

    def _same(self, before: _Said, now: _Said) -> bool:
        fewer = min(len(before.content), len(now.content))
        if fewer < now.least:
            return False
        if now.start_s - before.end_s < self._params.apart_s:
            return False
        return len(before.content & now.content) >= self._params.alike * fewer


def count_units(utterance: Utterance) -> int:
    """How many words (English) or characters (Chinese) an utterance has."""
    if utterance.language == "zh":
        return sum(map(len, _HAN_RUN.findall(utterance.text)))
    return len(utterance.text.split())


def _content(utterance: Utterance) -> frozenset[str]:
    """What an utterance is about: words, or pairs of characters, without grammar."""
    if utterance.language == "zh":
        # "When" asks for something else with each thing: it is one character here.
        text = _ZH_WHEN.sub("何", "".join(_HAN_RUN.findall(utterance.text)))
        text = _ZH_FUNCTION_WORDS.sub("", _ZH_DIGITS.sub("", text))
        return frozenset(a + b for a, b in pairwise(text))
    words = _EN_WORD.findall(utterance.text.lower())
    # Numbers are asked for again and again, and given patiently.
    return frozenset(
        _stem(word)
        for word in words
        if word not in _EN_FUNCTION_WORDS and not word.isdigit()
    )


def _stem(word: str) -> str:
    """Cut the commonest endings, so that `calls`, `called` and `calling` are one."""
    for ending in ("ing", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) > 2:  # noqa: PLR2004 - what is left must be a word
            return word.removesuffix(ending)
    return word
