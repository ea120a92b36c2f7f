# ruff: noqa: RUF001  # Chinese punctuation is meant, and it looks like ours
"""Chinese comes out in simplified characters with its own punctuation."""

import doctest

import pytest

from models import chinese
from models.chinese import simplified, tidy

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("請問,什麼時候能修好?", "请问，什么时候能修好？"),
        ("你好 我想問一下 帳單", "你好，我想问一下，账单"),
        ("妳們做甚麼", "你们做什么"),
        ("好。 我知道了 , 再見!", "好。我知道了，再见！"),
        ("價格是3.5元.", "价格是3.5元。"),
        ("我的 iPhone 15 壞了", "我的 iPhone 15 坏了"),
        ("已經是简体", "已经是简体"),
        ("Yes, I know. OK?", "Yes, I know. OK?"),
        ("", ""),
    ],
)
def test_text_is_written_as_mainland_readers_write(heard: str, written: str) -> None:
    assert tidy(heard) == written


def test_only_characters_change_when_asked_for_only_that() -> None:
    assert simplified("請問, 什麼?") == "请问, 什么?"


def test_examples_hold() -> None:
    assert doctest.testmod(chinese).failed == 0
    assert doctest.testmod(chinese).attempted > 0
