"""Stretches of a text that must not be shown, and what they hold."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a span holds."""

    CARD = "card"
    IDENTITY = "identity"
    PHONE = "phone"
    EMAIL = "email"


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
