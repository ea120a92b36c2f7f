"""Logging in and out, over HTTP."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from server.bodies import Body
from server.errors import RefusedError
from server.trust.access import (
    PUBLIC,
    SESSION_COOKIE,
    Access,
    Viewer,
    comes_from_elsewhere,
    viewer_of,
)
from server.trust.audit import Action, Actor

_TRIES = 5
"""Wrong passwords for one name within `_TRIES_WITHIN_S` before it has to wait."""

_TRIES_IN_ALL = 60
"""Likewise for all names together: a guesser tries many."""

_TRIES_WITHIN_S = 300.0
_NAMES_REMEMBERED = 1000
_UNKNOWN = "unknown"


class Tries:
    """Counts wrong passwords, and says how long to wait. Event loop only.

    Args:
        now: a clock in seconds that never goes back.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque()

    def wait_s(self, name: str) -> float:
        """Seconds until this name may be tried again; 0: now."""
        waits = [_wait(self._all, _TRIES_IN_ALL, self._now())]
        if name in self._failed:
            waits.append(_wait(self._failed[name], _TRIES, self._now()))
        return max(waits)

    def failed(self, name: str) -> None:
        """A wrong password was given for this name."""
        times = self._failed.setdefault(name, deque(maxlen=_TRIES))
        times.append(self._now())
        self._all.append(self._now())
        self._failed.move_to_end(name)
        while len(self._failed) > _NAMES_REMEMBERED:
            self._failed.popitem(last=False)

    def succeeded(self, name: str) -> None:
        """The right one was given."""
        self._failed.pop(name, None)


def _wait(times: deque[float], most: int, now: float) -> float:
    while times and now - times[0] >= _TRIES_WITHIN_S:
        times.popleft()
    return _TRIES_WITHIN_S - (now - times[0]) if len(times) >= most else 0.0


class _LogIn(Body):
    name: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=256)]


def session_router(access: Access) -> APIRouter:
    """``/v1/session``: who is logged in; log in; log out."""
    router = APIRouter(prefix="/v1/session", dependencies=[PUBLIC])
    tries = Tries()
    # One password at a time: each takes 32 MiB and a tenth of a second.
    one_at_a_time = asyncio.Lock()

    @router.get("")
    async def session(request: Request) -> dict[str, Any]:
        viewer = await access.viewer(request)
        return {"log_in": viewer is None} | (_described(viewer) if viewer else {})

    @router.post("", status_code=204)
    async def log_in(request: Request, response: Response, body: _LogIn) -> None:
        _refuse_foreign(request)
        if access.params.proxy_header:
            raise RefusedError(403, "proxy_logs_in")
        async with one_at_a_time:
            wait_s = tries.wait_s(body.name)
            if wait_s:
                raise RefusedError(
                    429,
                    "too_many_tries",
                    {"Retry-After": str(round(wait_s) + 1)},
                )
            person = await asyncio.to_thread(
                access.people.check, body.name, body.password
            )
            if person is None:
                tries.failed(body.name)
        if person is None:
            # Whoever types a password into the name's field must not find it here.
            await asyncio.to_thread(
                access.audit.record, Actor(_UNKNOWN, "none"), Action.LOG_IN_FAILED
            )
            raise RefusedError(401, "wrong_password")
        tries.succeeded(person.name)
        lasts = access.params.session_lasts
        token = await asyncio.to_thread(access.people.open_session, person.name, lasts)
        await access.record(viewer_of(person), Action.LOG_IN)
        response.set_cookie(
            SESSION_COOKIE,
            token,
            max_age=round(lasts.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=_is_secure(request),
        )

    @router.delete("", status_code=204)
    async def log_out(request: Request, response: Response) -> None:
        _refuse_foreign(request)
        viewer = await access.viewer(request)
        token = request.cookies.get(SESSION_COOKIE, "")
        await asyncio.to_thread(access.people.close_session, token)
        if viewer is not None and viewer.person is not None:
            await access.record(viewer, Action.LOG_OUT)
        response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")

    return router


def _refuse_foreign(request: Request) -> None:
    if comes_from_elsewhere(request):
        raise RefusedError(403, "own_pages_only")


def _is_secure(request: Request) -> bool:
    """Whether the browser reached us over TLS, so that the cookie keeps to it."""
    return request.headers.get("x-forwarded-proto", request.url.scheme) == "https"


def _described(viewer: Viewer) -> dict[str, Any]:
    person = viewer.person
    return {
        "name": person.name if person else "",
        "role": str(person.role) if person else "",
        "agent_id": person.agent_id if person else "",
        "permissions": sorted(viewer.permissions),
    }
