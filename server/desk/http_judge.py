"""Reviews over HTTP: cards, automatic answers, scores, disputes, samples."""

from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from server.bodies import Body, Name, RowId
from server.desk.agreement import Scale, krippendorff_alpha
from server.desk.desk import Desk
from server.desk.errors import UnknownError
from server.desk.measures import MEASURES, Measured, measure
from server.desk.query import query_from_json
from server.desk.reviews import Assignment, Given, Purpose, Review, visible
from server.desk.routes import Disputes, KeepsCards, Scores, SeesCalls
from server.desk.sampling import Method, draw, risks
from server.desk.scorecards import VALUES, Answer, Scorecard
from server.trust.access import Access, Permission, Viewer, needs
from server.trust.audit import Action, Detail

_Words = Annotated[str, Field(max_length=2000)]


class _NewCard(Body):
    card: Scorecard
    by: Name


class _NewReview(Body):
    card: str
    purpose: Purpose = Purpose.REVIEW
    by: Name
    answers: dict[str, Given]
    comment: _Words = ""


class _Signed(Body):
    by: Name
    text: Annotated[str, Field(min_length=1, max_length=2000)]


class _NewSample(Body):
    query: dict[str, Any] = Field(default_factory=dict)
    n_calls: Annotated[int, Field(ge=1, le=500)]
    method: Method = Method.RANDOM
    seed: int = 1
    card: str
    purpose: Purpose = Purpose.REVIEW
    reviewers: Annotated[tuple[Name, ...], Field(min_length=1, max_length=50)]
    together: bool = False
    batch: Annotated[str, Field(max_length=80)] = ""


def judge_router(desk: Desk, access: Access) -> APIRouter:
    """Return the routes of reviews."""
    router = APIRouter(prefix="/v1/desk")
    _add_cards(router, desk, access)
    _add_reviews(router, desk, access)
    _add_disputes(router, desk, access)
    _add_samples(router, desk, access)
    return router


async def _measured(desk: Desk, call_id: str) -> dict[str, Measured]:
    entries = await desk.do(desk.store.entries, call_id)
    if not entries:
        raise UnknownError("no_call")
    return await desk.do(measure, entries)


def _add_cards(router: APIRouter, desk: Desk, access: Access) -> None:
    @router.get("/cards", dependencies=[needs(Permission.CALLS)])
    async def cards() -> list[dict[str, Any]]:
        return [asdict(card) for card in await desk.do(desk.cards.offered)]

    @router.get("/measures", dependencies=[needs(Permission.CALLS)])
    async def names() -> list[str]:
        return list(MEASURES)

    @router.put("/cards/{card_id}")
    async def save(
        card_id: str,
        body: _NewCard,
        viewer: KeepsCards,
    ) -> dict[str, Any]:
        card = replace(body.card, id=card_id)
        kept = await desk.do(desk.cards.save, card, viewer.signature(body.by))
        detail: Detail = {"card": kept.id, "version": kept.version}
        await access.record(viewer, Action.CARD, "", detail)
        return asdict(kept)

    @router.delete("/cards/{card_id}", status_code=204)
    async def withdraw(
        card_id: str,
        viewer: KeepsCards,
    ) -> None:
        await desk.do(desk.cards.withdraw, card_id, viewer.actor.name)
        detail: Detail = {"card": card_id, "withdrawn": 1}
        await access.record(viewer, Action.CARD, "", detail)


def _add_reviews(router: APIRouter, desk: Desk, access: Access) -> None:
    @router.get("/calls/{call_id}/measures", dependencies=[needs(Permission.CALLS)])
    async def measures(call_id: str) -> dict[str, Any]:
        found = await _measured(desk, call_id)
        return {name: asdict(one) for name, one in found.items()}

    @router.get("/calls/{call_id}/reviews")
    async def of_call(
        call_id: str,
        viewer: SeesCalls,
        by: Annotated[str, Query(max_length=64)] = "",
    ) -> list[dict[str, Any]]:
        found = await desk.do(desk.reviews.of_call, call_id)
        return [asdict(one) for one in visible(found, viewer.signature(by))]

    @router.post("/calls/{call_id}/reviews", status_code=201)
    async def submit(
        call_id: str,
        body: _NewReview,
        viewer: Scores,
    ) -> dict[str, Any]:
        automatic = await _measured(desk, call_id)
        card = await desk.do(desk.cards.one, body.card)
        card.check({question: one.answer for question, one in body.answers.items()})
        by = viewer.signature(body.by)
        review_id = await desk.do(
            desk.reviews.open, call_id, body.card, by, body.purpose
        )
        done = await desk.do(
            desk.reviews.submit, review_id, body.answers, automatic, body.comment
        )
        detail: Detail = {"review": review_id, "card": done.card, "score": done.score}
        await access.record(viewer, Action.SCORE, call_id, detail)
        return asdict(done)

    @router.get("/reviews")
    async def mine(
        viewer: Scores,
        by: Annotated[str, Query(max_length=64)] = "",
    ) -> dict[str, Any]:
        name = viewer.signature(by)
        own, n_done = await desk.do(desk.reviews.of_reviewer, name)
        disputed = await desk.do(desk.reviews.disputed)
        call_ids = {one.call_id for one in (*own, *disputed)}
        return {
            "own": [asdict(one) for one in own],
            "n_done": n_done,
            "disputed": [asdict(one) for one in disputed],
            "calls": await desk.do(desk.search.summaries, sorted(call_ids)),
        }


def _add_disputes(router: APIRouter, desk: Desk, access: Access) -> None:
    async def record(viewer: Viewer, review: Review, step: str) -> None:
        if not await access.is_in_reach(viewer, review.call_id):
            raise UnknownError("no_review")
        detail: Detail = {"review": review.review_id, "step": step}
        await access.record(viewer, Action.DISPUTE, review.call_id, detail)

    @router.post("/reviews/{review_id}/dispute", status_code=204)
    async def dispute(
        review_id: RowId,
        body: _Signed,
        viewer: Disputes,
    ) -> None:
        review = await desk.do(desk.reviews.one, review_id)
        await record(viewer, review, "disputed")
        by = viewer.signature(body.by)
        await desk.do(desk.reviews.dispute, review_id, by, body.text)

    @router.post("/reviews/{review_id}/answer", status_code=204)
    async def answer(
        review_id: RowId,
        body: _Signed,
        viewer: Scores,
    ) -> None:
        review = await desk.do(desk.reviews.one, review_id)
        await record(viewer, review, "answered")
        by = viewer.signature(body.by)
        await desk.do(desk.reviews.answer_dispute, review_id, by, body.text)


def _add_samples(router: APIRouter, desk: Desk, access: Access) -> None:
    @router.post("/samples", status_code=201)
    async def sample(
        body: _NewSample,
        viewer: Scores,
    ) -> dict[str, int]:
        await desk.do(desk.cards.one, body.card)
        call_ids = await desk.do(desk.search.ids, query_from_json(body.query))
        taken = await desk.do(desk.reviews.assigned_call_ids, body.card)
        free = [call_id for call_id in call_ids if call_id not in taken]
        weights = dict.fromkeys(free, 1.0)
        if body.method is Method.RISK:
            found = await desk.do(risks, desk.store.engine, free)
            weights = {call_id: risk.weight for call_id, risk in found.items()}
        drawn = draw(weights, body.n_calls, body.seed)
        together = body.together or body.purpose is Purpose.CALIBRATION
        assignment = Assignment(
            body.card, body.purpose, body.reviewers, body.batch, together
        )
        n_assigned = await desk.do(desk.reviews.assign, drawn, assignment)
        detail: Detail = {
            "calls": len(drawn),
            "reviews": n_assigned,
            "method": body.method,
        }
        await access.record(viewer, Action.SCORE, "", detail)
        return {"calls": len(drawn), "reviews": n_assigned}

    @router.get("/agreement", dependencies=[needs(Permission.SCORE)])
    async def agreement(
        card: str, batch: Annotated[str, Query(max_length=80)] = ""
    ) -> dict[str, Any]:
        wanted = await desk.do(desk.cards.one, card)
        found = await desk.do(desk.reviews.calibrations, card, batch)
        questions = [question.id for question in wanted.question]
        return {
            "reviews": len(found),
            "reviewers": sorted({one.reviewer for one in found}),
            "calls": len({one.call_id for one in found}),
            "answers": krippendorff_alpha(_answers(found, questions), Scale.ORDINAL),
            "scores": krippendorff_alpha(_scores(found), Scale.INTERVAL),
            "questions": {
                question: krippendorff_alpha(_answers(found, [question]), Scale.ORDINAL)
                for question in questions
            },
        }


def _answers(
    found: list[Review], questions: list[str]
) -> dict[tuple[str, str], list[float]]:
    """The values that each question of each call got; what does not apply is none."""
    units: dict[tuple[str, str], list[float]] = {}
    for review in found:
        for question in questions:
            if question not in review.answers:
                continue  # An older version of the card did not ask it.
            answer = Answer(review.answers[question]["answer"])
            if answer in VALUES:
                units.setdefault((review.call_id, question), []).append(VALUES[answer])
    return units


def _scores(found: list[Review]) -> dict[str, list[float]]:
    units: dict[str, list[float]] = {}
    for review in found:
        if review.score is not None:
            units.setdefault(review.call_id, []).append(review.score)
    return units
