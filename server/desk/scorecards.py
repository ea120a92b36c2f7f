"""Scorecards: questions with weights, as data in both languages.

A card is a TOML file in server/desk/data.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from server.desk.errors import QueryError, UnknownError

_STRICT = ConfigDict(extra="forbid")
_DATA = Path(__file__).parent / "data"
_SHIPPED = ("six-step", "fourteen-step", "service")


class Answer(StrEnum):
    """What can be said to a question."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    NOT_APPLICABLE = "na"


VALUES: Mapping[Answer, float] = {
    Answer.YES: 1.0,
    Answer.PARTLY: 0.5,
    Answer.NO: 0.0,
}
"""What an answer counts; what does not apply is left out."""


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in both languages."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    en: Annotated[str, Field(min_length=1)]
    zh: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Question:
    """One line of a card.

    Attributes:
        auto: the measure that answers it from the log; empty: only people can.
        critical: a no fails the call, whatever the rest.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: str
    weight: Annotated[float, Field(gt=0)]
    text: Text
    help: Text
    auto: str = ""
    critical: bool = False


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A whole card."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: str
    version: int
    title: Text
    question: tuple[Question, ...]

    def check(self, answers: Mapping[str, Answer]) -> None:
        """Refuse answers that are not one for each question.

        Raises:
            QueryError: one is missing, or is to a question that the card lacks.
        """
        ids = {question.id for question in self.question}
        if unknown := sorted(answers.keys() - ids):
            raise QueryError(f"the card has no question {', '.join(unknown)}")
        if missing := sorted(ids - answers.keys()):
            raise QueryError(f"no answer to {', '.join(missing)}")

    def failed(self, answers: Mapping[str, Answer]) -> list[str]:
        """Return the critical questions that were answered with no."""
        return [
            question.id
            for question in self.question
            if question.critical and answers.get(question.id) is Answer.NO
        ]

    def score(self, answers: Mapping[str, Answer]) -> float | None:
        """Return 0 to 100; 0 after a critical failure, None where nothing applies."""
        if self.failed(answers):
            return 0.0
        counted = [
            (question.weight, VALUES[answers[question.id]])
            for question in self.question
            if answers.get(question.id, Answer.NOT_APPLICABLE)
            is not Answer.NOT_APPLICABLE
        ]
        total = sum(weight for weight, _ in counted)
        if not total:
            return None
        return round(100 * sum(weight * value for weight, value in counted) / total, 1)


_ADAPTER = TypeAdapter(Scorecard)


def read_scorecard(text: str) -> Scorecard:
    """Read a card from TOML.

    Raises:
        QueryError: it is not a card; the message says where.
    """
    try:
        card = _ADAPTER.validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise QueryError(f"not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise QueryError(f"{where}: {first['msg']}") from error
    ids = [question.id for question in card.question]
    if len(ids) != len(set(ids)) or not ids:
        raise QueryError("a card has questions, each with an id of its own")
    return card


@cache
def scorecards() -> Sequence[Scorecard]:
    """Return the shipped cards, in the order in which they are offered."""
    return tuple(
        read_scorecard((_DATA / f"{name}.toml").read_text(encoding="utf-8"))
        for name in _SHIPPED
    )


def scorecard(card_id: str) -> Scorecard:
    """Return a card by its id.

    Raises:
        UnknownError: there is none of this id.
    """
    for card in scorecards():
        if card.id == card_id:
            return card
    raise UnknownError(f"there is no scorecard {card_id!r}")
