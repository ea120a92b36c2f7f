"""Search and saved searches over HTTP."""

from dataclasses import asdict, replace
from typing import Annotated, Any

import fastapi
from fastapi import APIRouter
from pydantic import Field

from server.bodies import Body, Name
from server.desk.desk import Desk
from server.desk.query import SearchQuery, query_from_json
from server.desk.routes import Scores, SeesCalls
from server.desk.search import Page
from server.trust.access import Access, Permission, Viewer, needs
from server.trust.audit import Action
from server.trust.redaction import redacted

_Title = Annotated[str, Field(min_length=1, max_length=80)]


class _NewSearch(Body):
    name: _Title
    by: Name
    query: dict[str, Any]


def find_router(desk: Desk, access: Access) -> APIRouter:
    """Return the routes of the search."""
    router = APIRouter(prefix="/v1/desk")

    @router.post("/search")
    async def search(
        query: Annotated[dict[str, Any], fastapi.Body()],
        viewer: SeesCalls,
    ) -> dict[str, Any]:
        wanted = _in_reach(query_from_json(query), viewer)
        page = await desk.do(desk.search.find, wanted)
        if wanted.text:
            await access.record(viewer, Action.SEARCH, detail={"found": page.total})
        return asdict(_redacted(page))

    @router.get("/choices")
    async def choices(
        viewer: SeesCalls,
    ) -> dict[str, Any]:
        found = await desk.do(desk.search.choices)
        if viewer.only_agent_id is not None:
            found = replace(found, agents=(viewer.only_agent_id,), teams=())
        return asdict(found)

    @router.get("/searches")
    async def searches(
        _: SeesCalls,
    ) -> list[dict[str, Any]]:
        return [asdict(saved) for saved in await desk.do(desk.saved.all)]

    @router.post("/searches", status_code=201)
    async def save(body: _NewSearch, viewer: Scores) -> dict[str, Any]:
        query = query_from_json(body.query)
        saved = await desk.do(
            desk.saved.save, body.name, viewer.signature(body.by), query
        )
        return asdict(saved)

    @router.delete(
        "/searches/{search_id}",
        status_code=204,
        dependencies=[needs(Permission.SCORE)],
    )
    async def remove(search_id: str) -> None:
        await desk.do(desk.saved.remove, search_id)

    return router


def _redacted(page: Page) -> Page:
    """Cover the numbers in what was found; as long as before, so marks stay right."""
    calls = [
        replace(
            call,
            said=tuple(replace(said, text=redacted(said.text)) for said in call.said),
        )
        for call in page.calls
    ]
    return replace(page, calls=tuple(calls))


def _in_reach(query: SearchQuery, viewer: Viewer) -> SearchQuery:
    """Leave of a search what somebody may see who may see only their own calls."""
    if viewer.only_agent_id is None:
        return query
    return replace(query, agents=(viewer.only_agent_id,))
