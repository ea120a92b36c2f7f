"""Stretches of a text that must not be shown, and what they hold."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a span holds."""

    CARD = "card"
    IDENTITY = "identity"
    PHONE = "phone"
    EMAIL = "email"


SAID_BY = {
    Kind.CARD: r"card|visa",
    Kind.IDENTITY: r"身份证|证件|\bid (?:card|number)|identity",
    Kind.PHONE: r"phone|mobile|cell|(?:call|reach|ring) me|电话|手机|联系方式|打给我",
}
"""Words beside a number that say what it is, as regular expressions; who looks for
numbers in its own way knows a few more."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text that must not be shown.

    Attributes:
        start: index of its first character.
        end: index after its last.
    """

    start: int
    end: int
    kind: Kind
