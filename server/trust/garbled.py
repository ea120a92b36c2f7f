"""Finds numbers that speech recognition wrote down wrongly, by the words beside them.

A recogniser drops figures that are said several times in a row, adds others, and writes
Chinese figures as words that sound alike (巴 for 八, 腰 for 幺). Then no check digit is
right and no length either. But people say what a number is, before it or after it.
Pure.
"""

import re
from collections.abc import Iterator

from server.trust.spans import SAID_BY, Kind, Span

_WORDS = "zero|oh|nought|one|two|three|four|five|six|seven|eight|nine|double|triple"
_HAN = "零〇一幺二两三四五六七八九"
_ALIKE = "腰咬妖悠亿巴吧叭霸酒溜玲灵"
"""Han signs that were written for figures that sound like them. They count as figures
only among figures."""

_UNITS = "年月日号点分秒块元次个天时岁楼栋单室层万千百亩斤"
_EIGHT = r"(?<=[\s\-])(?-i:A)(?=[\s\-])"
"""What "eight" is written as among figures."""

_SIGN = rf"(?:[\d{_HAN}{_ALIKE}]|\b(?:{_WORDS})\b|{_EIGHT})"
_GAP = r"[\s,;.，。；、\-–—…/]{0,3}"  # noqa: RUF001 - Chinese marks
_FOREIGN = (
    rf"(?:[A-Za-z](?![A-Za-z])|(?![{_HAN}{_ALIKE}{_UNITS}])[\u4e00-\u9fff]){{1,2}}"
)
_CLUSTER = re.compile(rf"{_SIGN}(?:(?:{_FOREIGN})?{_GAP}{_SIGN})*", re.IGNORECASE)
"""Figures in a row; one or two signs that are none may touch those before them."""

_SIGNS = re.compile(_SIGN, re.IGNORECASE)
_SURE = re.compile(rf"[\d{_HAN}]|\b(?:{_WORDS})\b", re.IGNORECASE)
_LETTERS = re.compile(r"[A-Za-z]+|[\u4e00-\u9fff]")
_LEAST_SURE = 3
_DENSE = 0.6
"""Share of figures among the words of a stretch that is a number."""

_COPULA = re.compile(
    r"\W*(?:(?:card|phone|mobile|cell|id)?\s*(?:number|no)?\s*(?:is|was|:)?"
    r"|(?:上面的|正)?(?:号码?|号)?(?:是|室|式|事|使|为)?)\W*",
    re.IGNORECASE,
)
_NEAR_BEFORE, _NEAR_AFTER = 16, 24
_CLOSE = 6
"""What stands between the word and the first figure, and belongs to the number."""


_BEFORE = {
    Kind.CARD: rf"{SAID_BY[Kind.CARD]}|mastercard|卡(?!片)",
    Kind.IDENTITY: rf"{SAID_BY[Kind.IDENTITY]}|身份正",
    Kind.PHONE: SAID_BY[Kind.PHONE],
}
_LEAST = {Kind.CARD: 7, Kind.IDENTITY: 9, Kind.PHONE: 6}
_MOST = 30
"""Figures: more are no number that was said, but a recogniser that goes round."""

_TOLD_BEFORE = {
    kind: re.compile(words, re.IGNORECASE) for kind, words in _BEFORE.items()
}
_TOLD_AFTER = {
    kind: re.compile(
        r"\W*(?:and\s)?(?:就?[是使事式]|is|that(?:'s| is))?\W*(?:我的?|my)"
        rf"\W*.{{0,3}}?(?:{words})",
        re.IGNORECASE,
    )
    for kind, words in _BEFORE.items()
}
_OTHERWISE = re.compile(
    r"订单|单号|快递|运单|合同|编号|工单|序列号|流水|发票|order|track|parcel|reference|"
    r"serial|invoice|policy|contract|booking|ticket|case|account|code",
    re.IGNORECASE,
)
_ALONE = 14
"""Figures of a number that is covered though nobody says what it is."""

_OTHERWISE_NEAR = 30


_ADDRESS = re.compile(
    r"(?:e-?mail|send it to|write to|邮箱|邮件)[\w\s,，:：]{0,12}?"  # noqa: RUF001 - Chinese marks
    r"(\b[\w.\-]+\.(?:com|org|net|edu|cn|uk|io)\b)",
    re.IGNORECASE,
)
"""An address whose "at" was not heard, or as part of another word."""


def garbled(text: str) -> Iterator[Span]:
    """Yield the numbers of a text that are known by the words beside them.

    And the addresses.
    """
    for address in _ADDRESS.finditer(text):
        yield Span(*address.span(1), Kind.EMAIL)
    for cluster in _CLUSTER.finditer(text):
        signs = len(_SIGNS.findall(cluster[0]))
        if signs > _MOST or not _is_dense(cluster[0], signs):
            continue
        start, end = cluster.span()
        before = text[max(0, start - _NEAR_BEFORE) : start]
        after = text[end : end + _NEAR_AFTER]
        for kind in _BEFORE:
            words = list(_TOLD_BEFORE[kind].finditer(before))
            if signs >= _LEAST[kind] and (words or _TOLD_AFTER[kind].match(after)):
                between = before[words[-1].end() :] if words else ""
                yield Span(start - _lost(between), end, kind)
                break
        else:
            otherwise = _OTHERWISE.search(text, max(0, start - _OTHERWISE_NEAR), start)
            if signs >= _ALONE and otherwise is None:
                yield Span(start, end, Kind.CARD)


def _is_dense(words: str, signs: int) -> bool:
    others = sum(_SIGNS.fullmatch(one) is None for one in _LETTERS.findall(words))
    sure = len(_SURE.findall(words))
    return sure >= _LEAST_SURE and signs >= _DENSE * (signs + others)


def _lost(between: str) -> int:
    """How much of what stands before the figures was one, and is written otherwise."""
    is_close = 0 < len(between.strip()) <= _CLOSE
    return len(between) if is_close and not _COPULA.fullmatch(between) else 0
