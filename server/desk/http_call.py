"""One call over HTTP: its picture, its neighbours, comments and corrections."""

from dataclasses import asdict
from typing import Annotated, Any

import soundfile
from fastapi import APIRouter, Query
from pydantic import Field

from server.bodies import Body, Name, RowId
from server.desk.corrections import NewCorrection
from server.desk.desk import Desk
from server.desk.errors import UnknownError
from server.desk.peaks import PEAKS, peaks_of, read_peaks
from server.desk.routes import Scores, SeesCalls
from server.desk.search import Neighbours
from server.trust.access import Access, Permission, needs
from server.trust.audit import Action

_Moment = Annotated[float, Query(ge=0, le=86_400, allow_inf_nan=False)]


class _NewComment(Body):
    at_s: Annotated[float, Field(ge=0)]
    text: Annotated[str, Field(min_length=1, max_length=1000)]
    by: Name


class _NewCorrection(Body):
    correction: NewCorrection
    by: Name


def call_router(desk: Desk, access: Access) -> APIRouter:
    """Return the routes about one call."""
    router = APIRouter(prefix="/v1/desk/calls/{call_id}")
    _add_looks(router, desk, access)
    _add_comments(router, desk, access)
    _add_corrections(router, desk, access)
    return router


async def _known(desk: Desk, call_id: str) -> None:
    if await desk.do(desk.store.call, call_id) is None:
        raise UnknownError("no_call")


def _add_looks(router: APIRouter, desk: Desk, access: Access) -> None:
    @router.get("")
    async def beside(
        call_id: str,
        viewer: SeesCalls,
    ) -> dict[str, Any]:
        await _known(desk, call_id)
        await access.record_look(viewer, Action.VIEW, call_id)
        neighbours = await desk.do(desk.search.neighbours, call_id)
        if viewer.only_agent_id is not None:
            # The calls around it may be a colleague's.
            neighbours = Neighbours(None, None)
        return {
            "neighbours": asdict(neighbours),
            "comments": [asdict(c) for c in await desk.do(desk.comments.of, call_id)],
            "corrections": [
                asdict(c) for c in await desk.do(desk.corrections.of, call_id)
            ],
        }

    @router.get("/peaks", dependencies=[needs(Permission.RECORDINGS)])
    async def peaks(
        call_id: str, from_s: _Moment = 0.0, to_s: _Moment | None = None
    ) -> dict[str, Any]:
        path = desk.recordings / f"{call_id}.flac"
        if not await desk.do(path.is_file):
            raise UnknownError("no_recording")
        whole = from_s == 0 and to_s is None
        try:
            if whole:
                return asdict(await desk.do(peaks_of, path))
            return asdict(await desk.do(read_peaks, path, PEAKS, from_s, to_s))
        except soundfile.LibsndfileError as error:
            raise UnknownError("no_audio") from error


def _add_comments(router: APIRouter, desk: Desk, access: Access) -> None:
    @router.post("/comments", status_code=204)
    async def add(
        call_id: str,
        body: _NewComment,
        viewer: Scores,
    ) -> None:
        await _known(desk, call_id)
        detail = {"at_s": round(body.at_s, 1), "characters": len(body.text)}
        await access.record(viewer, Action.COMMENT, call_id, detail)
        by = viewer.signature(body.by)
        await desk.do(desk.comments.add, call_id, body.at_s, by, body.text)

    @router.delete("/comments/{comment_id}", status_code=204)
    async def remove(
        call_id: str,
        comment_id: RowId,
        viewer: Scores,
    ) -> None:
        await desk.do(desk.comments.remove, call_id, comment_id)
        await access.record(viewer, Action.COMMENT, call_id, {"removed": comment_id})


def _add_corrections(router: APIRouter, desk: Desk, access: Access) -> None:
    @router.post("/corrections", status_code=201)
    async def add(
        call_id: str,
        body: _NewCorrection,
        viewer: Scores,
    ) -> dict[str, int]:
        await _known(desk, call_id)
        detail = {"kind": str(body.correction.kind)}
        await access.record(viewer, Action.CORRECT, call_id, detail)
        by = viewer.signature(body.by)
        made = await desk.do(desk.corrections.add, call_id, by, body.correction)
        return {"correction_id": made}

    @router.delete("/corrections/{correction_id}", status_code=204)
    async def withdraw(
        call_id: str,
        correction_id: RowId,
        viewer: Scores,
    ) -> None:
        await desk.do(desk.corrections.withdraw, call_id, correction_id)
        await access.record(
            viewer, Action.CORRECT, call_id, {"withdrawn": correction_id}
        )
