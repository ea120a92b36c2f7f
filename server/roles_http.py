"""Somebody says which voice on a line with one channel is the customer's."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from server.bodies import Body, Name
from server.calls import LiveCalls
from server.controls import AssignRoles
from server.desk.desk import Desk
from server.errors import RefusedError
from server.events import RolesAssigned, current
from server.live import LiveCall
from server.trust.access import Access, Permission, Viewer, needs
from server.trust.audit import Action

_ACCEPTED = 202


class _Roles(Body):
    customer: Annotated[str, Field(min_length=1, max_length=64)]
    by: Name


def roles_router(calls: LiveCalls, desk: Desk, access: Access) -> APIRouter:
    """Return the route that assigns roles, in a live call or in one that is over."""
    router = APIRouter(prefix="/v1/calls/{call_id}")

    @router.post("/roles", status_code=204)
    async def assign_roles(
        call_id: str,
        body: _Roles,
        viewer: Annotated[Viewer, needs(Permission.SCORE)],
        response: Response,
    ) -> None:
        roles = AssignRoles(body.customer, viewer.signature(body.by))
        live = calls.by_id.get(call_id)
        if live is not None:
            _check_heard(live, body.customer)
            await access.record(viewer, Action.CORRECT, call_id, {"kind": "roles"})
            await live.control(roles)
            return
        await desk.do(desk.assign_roles, call_id, roles)
        await access.record(viewer, Action.CORRECT, call_id, {"kind": "roles"})
        response.status_code = _ACCEPTED

    return router


def _check_heard(live: LiveCall, speaker: str) -> None:
    """See that a live call has such a speaker.

    Raises:
        RefusedError: it has not.
    """
    known = {
        each.speaker
        for entry in current(live.entries)
        if isinstance(entry.event, RolesAssigned)
        for each in entry.event.speakers
    }
    if speaker not in known:
        raise RefusedError(409, "not_told_apart_yet")
