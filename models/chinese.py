# ruff: noqa: RUF001, RUF002  # Chinese punctuation is meant, and it looks like ours
"""Chinese as mainland readers write it.

Whisper writes Mandarin in simplified or traditional characters as it happens, even
within one sentence, and takes its punctuation from English keyboards.
"""

import re
from functools import cache

import opencc

_FULL_WIDTH = str.maketrans(",.?!:;", "，。？！：；")
_HAN = "\u4e00-\u9fff"
_MARKS = "，。？！：；、"
_MARK_AFTER_HAN = re.compile(rf"(?<=[{_HAN}])\s*([,?!:;]|\.(?!\w))\s*")
_PAUSE = re.compile(rf"(?<=[{_HAN}])\s+(?=[{_HAN}])")
_SPACE_AT_MARK = re.compile(rf"(?<=[{_MARKS}])\s+|\s+(?=[{_MARKS}])")

_WORDS = {
    "帐单": "账单",
    "帐号": "账号",
    "帐户": "账户",
    "帐目": "账目",
    "妳": "你",
    "甚么": "什么",
}
"""Simplified already, but written otherwise on the mainland."""

_MAINLAND = re.compile("|".join(_WORDS))


@cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def simplified(text: str) -> str:
    """Return the text in simplified characters; nothing else changes."""
    converted: str = _converter().convert(text)
    return _MAINLAND.sub(lambda match: _WORDS[match[0]], converted)


def tidy(text: str) -> str:
    """Return the text in simplified characters, with Chinese punctuation.

    A space between two characters is a pause that Whisper heard: a comma.

    >>> tidy("請問 什麼時候能修好?")
    '请问，什么时候能修好？'
    """
    text = _MARK_AFTER_HAN.sub(_full_width, simplified(text))
    return _SPACE_AT_MARK.sub("", _PAUSE.sub("，", text))


def _full_width(match: re.Match[str]) -> str:
    return match[1].translate(_FULL_WIDTH)
