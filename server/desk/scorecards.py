"""Scorecards: questions with weights, as data in both languages.

The shipped cards are TOML files in server/desk/data; `cards` has those that people
make.
"""

import tomllib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from alerts.faults import Fault
from server.bodies import CLOSED
from server.desk.errors import QueryError

_DATA = Path(__file__).parent / "data"
_ID = r"^[a-z0-9-]{1,32}$"
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

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    en: Annotated[str, Field(min_length=1, max_length=300)]
    zh: Annotated[str, Field(min_length=1, max_length=300)]


@dataclass(frozen=True, slots=True)
class Question:
    """One line of a card.

    Attributes:
        auto: the measure that answers it from the log; empty: only people can.
        critical: a no fails the call, whatever the rest.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    id: Annotated[str, Field(pattern=_ID)]
    weight: Annotated[float, Field(gt=0, le=100)]
    text: Text
    help: Text | None = None
    auto: str = ""
    critical: bool = False


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A whole card."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    id: Annotated[str, Field(pattern=_ID)]
    version: int
    title: Text
    question: Annotated[tuple[Question, ...], Field(min_length=1, max_length=60)]

    def check_whole(self, measures: Container[str]) -> None:
        """Refuse a card whose questions cannot be told apart, or not be answered.

        Raises:
            QueryError: two questions have one id, or a measure is none of `measures`.
        """
        ids = [question.id for question in self.question]
        if len(ids) != len(set(ids)):
            raise QueryError("question_ids")
        for question in self.question:
            if question.auto and question.auto not in measures:
                raise QueryError("no_measure", measure=question.auto)

    def check(self, answers: Mapping[str, Answer]) -> None:
        """Refuse answers that are not one for each question.

        Raises:
            QueryError: one is missing, or is to a question that the card lacks.
        """
        ids = {question.id for question in self.question}
        if unknown := sorted(answers.keys() - ids):
            raise QueryError("no_question", questions=", ".join(unknown))
        if missing := sorted(ids - answers.keys()):
            raise QueryError("no_answer", questions=", ".join(missing))

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


CARDS = TypeAdapter(Scorecard)


def read_scorecard(text: str) -> Scorecard:
    """Read a card from TOML.

    Raises:
        QueryError: it is not a card; the message says where.
    """
    try:
        card = CARDS.validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise QueryError("not_toml", detail=str(error)) from error
    except ValidationError as error:
        raise QueryError.of(Fault.first(error)) from error
    return card


@cache
def scorecards() -> Sequence[Scorecard]:
    """Return the shipped cards, in the order in which they are offered."""
    return tuple(
        read_scorecard((_DATA / f"{name}.toml").read_text(encoding="utf-8"))
        for name in _SHIPPED
    )
