"""Reviews: a scorecard, somebody's answers beside the automatic ones, a score.

A review is assigned, filled in once, and then stands; who disagrees disputes it,
and a second opinion is a review of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

import sqlalchemy as sa
from pydantic import ConfigDict

from server.bodies import CLOSED
from server.desk.cards import Cards
from server.desk.errors import StateError, UnknownError
from server.desk.measures import Measured
from server.desk.scorecards import Answer, Scorecard
from server.desk.tables import calls, reviews

NOT_REVIEWED = -1.0
LISTED_DONE = 50
"""So many finished reviews of a person are listed; the search has the others."""


class Purpose(StrEnum):
    """Why a review is made. One for calibration says nothing about the call."""

    REVIEW = "review"
    SECOND = "second"
    CALIBRATION = "calibration"


@dataclass(frozen=True, slots=True)
class Given:
    """A person's answer to one question.

    Attributes:
        start_s: where in the call it rests on; None: nowhere in particular.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    answer: Answer
    comment: str = ""
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """One review, whether waiting or done.

    Attributes:
        answers: by question; empty until it is done.
        automatic: what the log answered at that time, by question.
        failed: critical questions answered with no.
        dispute: who disagrees, with what, and what was answered; None: nobody.
    """

    review_id: int
    call_id: str
    card: str
    card_version: int
    purpose: str
    reviewer: str
    batch: str
    answers: dict[str, Any]
    automatic: dict[str, Any]
    comment: str
    score: float | None
    failed: list[str]
    assigned_at: str
    done_at: str | None
    dispute: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """Calls for reviewers to judge.

    Attributes:
        together: every reviewer gets every call; else the calls are dealt out.
    """

    card: str
    purpose: Purpose
    reviewers: tuple[str, ...]
    batch: str
    together: bool


class Reviews:
    """The reviews of calls. Blocking; any thread."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._cards = Cards(engine)

    def assign(self, call_ids: Sequence[str], assignment: Assignment) -> int:
        """Give calls to reviewers; return how many reviews now wait.

        A reviewer who already has a call with this card and purpose does not get
        it again.
        """
        card = self._cards.one(assignment.card)
        dealt = [
            (call_id, reviewer)
            for number, call_id in enumerate(call_ids)
            for place, reviewer in enumerate(assignment.reviewers)
            if assignment.together or number % len(assignment.reviewers) == place
        ]
        n_assigned = 0
        with self._engine.begin() as connection:
            for call_id, reviewer in dealt:
                if self._has(connection, call_id, reviewer, assignment):
                    continue
                values = _new(call_id, card, reviewer, assignment.purpose)
                connection.execute(
                    sa.insert(reviews).values(**values | {"batch": assignment.batch})
                )
                n_assigned += 1
        return n_assigned

    @staticmethod
    def _has(
        connection: sa.Connection, call_id: str, reviewer: str, wanted: Assignment
    ) -> bool:
        query = sa.select(reviews.c.review_id).where(
            reviews.c.call_id == call_id,
            reviews.c.reviewer == reviewer,
            reviews.c.card == wanted.card,
            reviews.c.purpose == wanted.purpose,
        )
        return connection.execute(query.limit(1)).first() is not None

    def open(self, call_id: str, card_id: str, reviewer: str, purpose: Purpose) -> int:
        """Return the id of the review that waits for this person, or of a new one."""
        query = sa.select(reviews.c.review_id).where(
            reviews.c.call_id == call_id,
            reviews.c.card == card_id,
            reviews.c.reviewer == reviewer,
            reviews.c.done_at.is_(None),
        )
        card = self._cards.one(card_id)
        with self._engine.begin() as connection:
            waiting = connection.scalar(query.limit(1))
            if waiting is not None:
                return int(waiting)
            made = connection.execute(
                sa.insert(reviews).values(**_new(call_id, card, reviewer, purpose))
            )
            assert made.inserted_primary_key is not None  # noqa: S101 - every dialect we take returns it
            return int(made.inserted_primary_key[0])

    def submit(
        self,
        review_id: int,
        given: Mapping[str, Given],
        automatic: Mapping[str, Measured],
        comment: str,
    ) -> Review:
        """Fill a review in, once and for all.

        Args:
            review_id: of a review that waits.
            given: an answer to every question of its card.
            automatic: what the log answers, by measure.
            comment: on the call as a whole.

        Raises:
            UnknownError: there is no review of this id.
            StateError: it is filled in already.
            QueryError: the answers are not those of the card.
        """
        review = self.one(review_id)
        if review.done_at is not None:
            raise StateError("review_done")
        card = self._cards.one(review.card)
        answers = {question: one.answer for question, one in given.items()}
        card.check(answers)
        beside = {
            question.id: asdict(automatic[question.auto])
            for question in card.question
            if question.auto in automatic
        }
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(reviews)
                .where(reviews.c.review_id == review_id)
                .values(
                    answers={question: asdict(one) for question, one in given.items()},
                    automatic=beside,
                    comment=comment,
                    score=card.score(answers),
                    failed=card.failed(answers),
                    card_version=card.version,
                    done_at=datetime.now(UTC),
                )
            )
            connection.execute(
                sa.update(calls)
                .where(calls.c.call_id == review.call_id)
                .values(review_score=call_score(connection, review.call_id))
            )
        return self.one(review_id)

    def dispute(self, review_id: int, by: str, text: str) -> None:
        """Disagree with a review.

        Raises:
            UnknownError: there is no review of this id.
            StateError: it is not done yet, or was disputed already.
        """
        review = self.one(review_id)
        if review.done_at is None or review.dispute is not None:
            raise StateError("not_disputable")
        self._put_dispute(
            review_id,
            {"by": by, "text": text, "at": _now(), "answer": None},
        )

    def answer_dispute(self, review_id: int, by: str, text: str) -> None:
        """Say what became of a dispute.

        Raises:
            UnknownError: there is no review of this id.
            StateError: nobody disputes it, or it is answered.
        """
        dispute = self.one(review_id).dispute
        if dispute is None or dispute["answer"] is not None:
            raise StateError("no_dispute")
        answer = {"by": by, "text": text, "at": _now()}
        self._put_dispute(review_id, dispute | {"answer": answer})

    def _put_dispute(self, review_id: int, dispute: dict[str, Any]) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(reviews)
                .where(reviews.c.review_id == review_id)
                .values(dispute=dispute)
            )

    def one(self, review_id: int) -> Review:
        """Return a review.

        Raises:
            UnknownError: there is none of this id.
        """
        found = self._select(reviews.c.review_id == review_id)
        if not found:
            raise UnknownError("no_review")
        return found[0]

    def of_call(self, call_id: str) -> list[Review]:
        """Return a call's reviews, oldest first."""
        return self._select(reviews.c.call_id == call_id)

    def of_reviewer(self, reviewer: str) -> tuple[list[Review], int]:
        """Return what waits for a person and the newest they did; how many they did."""
        theirs = reviews.c.reviewer == reviewer
        done = reviews.c.done_at.is_not(None)
        newest = (
            sa.select(reviews.c.review_id)
            .where(theirs, done)
            .order_by(reviews.c.review_id.desc())
            .limit(LISTED_DONE)
        )
        count = sa.select(sa.func.count()).select_from(reviews).where(theirs, done)
        with self._engine.connect() as connection:
            n_done = connection.scalar(count) or 0
        shown = sa.or_(~done, reviews.c.review_id.in_(newest))
        return self._select(theirs, shown), n_done

    def disputed(self) -> list[Review]:
        """Return the reviews with a dispute that nobody has answered."""
        found = self._select(reviews.c.dispute.is_not(None))
        return [r for r in found if r.dispute and r.dispute["answer"] is None]

    def calibrations(self, card: str, batch: str = "") -> list[Review]:
        """Return the reviews for calibration that are done."""
        conditions = [
            reviews.c.purpose == Purpose.CALIBRATION,
            reviews.c.card == card,
            reviews.c.done_at.is_not(None),
        ]
        if batch:
            conditions.append(reviews.c.batch == batch)
        return self._select(*conditions)

    def assigned_call_ids(self, card: str) -> set[str]:
        """Return the calls that somebody has to judge, or has judged, by a card."""
        query = sa.select(reviews.c.call_id).where(reviews.c.card == card)
        with self._engine.connect() as connection:
            return set(connection.scalars(query))

    def _select(self, *conditions: sa.ColumnElement[bool]) -> list[Review]:
        query = sa.select(reviews).where(*conditions).order_by(reviews.c.review_id)
        with self._engine.connect() as connection:
            return [_review(row) for row in connection.execute(query)]


def call_score(connection: sa.Connection, call_id: str) -> float:
    """The score a call has now: of its newest second opinion, else of its review."""
    query = sa.select(reviews.c.purpose, reviews.c.score).where(
        reviews.c.call_id == call_id,
        reviews.c.done_at.is_not(None),
        reviews.c.score.is_not(None),
        reviews.c.purpose != Purpose.CALIBRATION,
    )
    scores: dict[str, float] = {
        row.purpose: row.score
        for row in connection.execute(query.order_by(reviews.c.done_at))
    }
    return scores.get(Purpose.SECOND, scores.get(Purpose.REVIEW, NOT_REVIEWED))


def visible(found: Iterable[Review], reviewer: str) -> list[Review]:
    """Leave out what would sway a reviewer.

    Whoever still has a call to calibrate on does not see how others judged it.
    """
    all_found = list(found)
    waiting = any(
        review.reviewer == reviewer
        and review.purpose == Purpose.CALIBRATION
        and review.done_at is None
        for review in all_found
    )
    return [
        review
        for review in all_found
        if review.reviewer == reviewer or (review.done_at is not None and not waiting)
    ]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _new(
    call_id: str, card: Scorecard, reviewer: str, purpose: Purpose
) -> dict[str, object]:
    return {
        "call_id": call_id,
        "card": card.id,
        "card_version": card.version,
        "purpose": purpose,
        "reviewer": reviewer,
        "batch": "",
        "answers": {},
        "automatic": {},
        "comment": "",
        "score": None,
        "failed": [],
        "assigned_at": datetime.now(UTC),
        "done_at": None,
        "dispute": sa.null(),
    }


def _review(row: sa.Row[Any]) -> Review:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    for name in ("assigned_at", "done_at"):
        moment = values[name]
        if moment is not None:
            values[name] = moment.replace(tzinfo=UTC).isoformat(timespec="seconds")
    return Review(**values)
