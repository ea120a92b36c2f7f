"""What each role may do, and the one way in which a route says what it needs.

Every route of the service declares `needs(Permission.X)`, or `PUBLIC` when it shows
nothing of any call; `check_routes` refuses to build a service with a route that
declares neither. A route with a ``{call_id}`` in its path is, for somebody who may
see only their own calls, a route of those calls: any other is not found.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from time import monotonic
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Mount, Route

from server.errors import RefusedError
from server.storage import Storage
from server.trust.audit import Action, Actor, AuditLog, Detail
from server.trust.people import People, Person, Role

SESSION_COOKIE = "calmline_session"

_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OF_THE_FRAMEWORK = ("static", "openapi")
_ONE_LOOK_S = 60.0
"""Looks at the same thing by the same person within this time are one look."""

_LOOKS_REMEMBERED = 10_000


class Permission(StrEnum):
    """What a route may need."""

    AGENT_SCREEN = "agent_screen"
    BOARD = "board"
    LISTEN_IN = "listen_in"
    ASSIST = "assist"
    CALLS = "calls"
    RECORDINGS = "recordings"
    UNREDACTED = "unredacted"
    EXPORT = "export"
    SCORE = "score"
    CARDS = "cards"
    DISPUTE = "dispute"
    REPORT = "report"
    AGENT_FIGURES = "agent_figures"
    RULES = "rules"
    IMPORT = "import"
    AUDIT = "audit"
    HOLD = "hold"
    DELETE = "delete"


_P = Permission
PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.AGENT: frozenset({_P.AGENT_SCREEN, _P.CALLS, _P.RECORDINGS, _P.DISPUTE}),
    Role.SUPERVISOR: frozenset(
        {
            _P.AGENT_SCREEN,
            _P.BOARD,
            _P.LISTEN_IN,
            _P.ASSIST,
            _P.CALLS,
            _P.RECORDINGS,
            _P.EXPORT,
            _P.SCORE,
            _P.REPORT,
            _P.AGENT_FIGURES,
            _P.RULES,
        }
    ),
    Role.AUDITOR: frozenset(
        {
            _P.CALLS,
            _P.RECORDINGS,
            _P.UNREDACTED,
            _P.EXPORT,
            _P.SCORE,
            _P.CARDS,
            _P.REPORT,
            _P.AGENT_FIGURES,
            _P.IMPORT,
            _P.AUDIT,
            _P.HOLD,
        }
    ),
    Role.ADMIN: frozenset(Permission),
}
"""What each role may do; docs/privacy.md has it as a table."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks.

    Attributes:
        person: None where nobody has been added: whoever sits at this machine.
        permissions: what they may do.
    """

    person: Person | None
    permissions: frozenset[Permission]

    @property
    def actor(self) -> Actor:
        """Who the audit log says it was."""
        if self.person is None:
            return Actor("local", "local")
        return Actor(self.person.name, str(self.person.role))

    @property
    def only_agent_id(self) -> str | None:
        """The agent whose calls alone they may see; None: everybody's."""
        if self.person is None or self.person.role is not Role.AGENT:
            return None
        return self.person.agent_id

    def may(self, permission: Permission) -> bool:
        """Whether they may do this."""
        return permission in self.permissions

    def may_see(self, agent_id: str) -> bool:
        """Whether they may see this agent's calls."""
        return self.only_agent_id in (None, agent_id)

    def signature(self, typed: str) -> str:
        """The name to sign with: their own where it is known, else the one typed."""
        return typed if self.person is None else self.person.name


LOCAL = Viewer(None, frozenset(Permission))
"""Whoever sits at this machine, while nobody has been added."""


def viewer_of(person: Person) -> Viewer:
    """What a person may do."""
    return Viewer(person, PERMISSIONS[person.role])


@dataclass(frozen=True, slots=True)
class AccessParams:
    """How people come in.

    Attributes:
        session_hours: how long a log-in lasts.
        proxy_header: header in which the proxy in front names the person; empty:
            people log in themselves.
    """

    session_hours: float = 12.0
    proxy_header: str = ""

    @property
    def session_lasts(self) -> timedelta:
        """How long a log-in lasts."""
        return timedelta(hours=self.session_hours)


class Access:
    """Tells who asks, and writes down what they look at. Event loop only.

    Args:
        people: who may log in.
        audit: where it is written down.
        storage: knows whose call is whose.
        params: how people come in.
    """

    def __init__(
        self, people: People, audit: AuditLog, storage: Storage, params: AccessParams
    ) -> None:
        self.people = people
        self.audit = audit
        self.params = params
        self._storage = storage
        self._looks: OrderedDict[tuple[str, Action, str, str], float] = OrderedDict()

    async def record(
        self,
        viewer: Viewer,
        action: Action,
        call_id: str = "",
        detail: Detail | None = None,
    ) -> None:
        """Write down what somebody does; it is written when this returns."""
        await asyncio.to_thread(
            self.audit.record, viewer.actor, action, call_id, detail
        )

    async def record_look(
        self,
        viewer: Viewer,
        action: Action,
        call_id: str = "",
        detail: Detail | None = None,
    ) -> None:
        """Write down a look; a page's many requests for it are one line."""
        key = (viewer.actor.name, action, call_id, str(detail))
        now = monotonic()
        before = self._looks.get(key)
        if before is not None and now - before < _ONE_LOOK_S:
            return
        await self.record(viewer, action, call_id, detail)
        self._looks[key] = now
        self._looks.move_to_end(key)
        while len(self._looks) > _LOOKS_REMEMBERED:
            self._looks.popitem(last=False)

    async def record_unredacted(
        self, viewer: Viewer, action: Action, call_id: str
    ) -> None:
        """Write down that somebody asks for what is covered, or refuse it.

        Raises:
            RefusedError: their role may not see it.
        """
        if not viewer.may(Permission.UNREDACTED):
            raise RefusedError(403, "role_covered")
        await self.record(viewer, action, call_id)

    async def viewer(self, connection: HTTPConnection) -> Viewer | None:
        """Who asks; None when nobody is logged in and somebody would have to be."""
        if not await asyncio.to_thread(self.people.anybody):
            return LOCAL
        header = self.params.proxy_header
        if header:
            name = connection.headers.get(header, "")
            person = await asyncio.to_thread(self.people.get, name)
        else:
            token = connection.cookies.get(SESSION_COOKIE, "")
            person = await asyncio.to_thread(self.people.in_session, token)
        return viewer_of(person) if person else None

    async def is_in_reach(self, viewer: Viewer, call_id: str) -> bool:
        """Whether this may be the id of a call that the viewer may see."""
        if not _CALL_ID.fullmatch(call_id):
            return False
        if viewer.only_agent_id is None:
            return True
        summary = await self._storage.call(call_id)
        return summary is not None and viewer.may_see(summary.agent_id)


def comes_from_elsewhere(connection: HTTPConnection) -> bool:
    """Whether a page that is not ours makes somebody's browser ask.

    The cookie is SameSite=Strict, but a page on another port of this host counts as
    the same site; its requests are told by this header, which pages cannot set.
    Source: W3C Fetch Metadata Request Headers, section 2.4.
    """
    site = connection.headers.get("sec-fetch-site", "none")
    return site not in ("same-origin", "none")


class _Needs:
    """A dependency: lets a request through to its route, or not."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, connection: HTTPConnection) -> Viewer:
        access: Access = connection.app.state.access
        viewer = await access.viewer(connection)
        if viewer is None:
            raise RefusedError(401, "log_in_first")
        if comes_from_elsewhere(connection):
            raise RefusedError(403, "own_pages_only")
        if not viewer.may(self.permission):
            raise RefusedError(403, "role", permission=str(self.permission))
        call_id = connection.path_params.get("call_id")
        if call_id is not None and not await access.is_in_reach(viewer, call_id):
            raise RefusedError(404, "no_call")
        return viewer


async def _public() -> None:
    """Marks a route that shows nothing of any call."""


PUBLIC = Depends(_public)
"""Declared by a route that everybody may ask: it shows nothing of any call."""


def needs(permission: Permission) -> Any:
    """What a route declares; as a parameter's default it gives the `Viewer`.

    ``viewer: Annotated[Viewer, needs(Permission.CALLS)]`` in the route's parameters,
    or ``dependencies=[needs(Permission.CALLS)]`` where it does not matter who asks.
    """
    return Depends(_Needs(permission))


def routes_of(app: FastAPI) -> Iterator[BaseRoute]:
    """Every route of the service, those of included routers too."""
    waiting = list(app.routes)
    while waiting:
        route = waiting.pop(0)
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            waiting += included.routes


def declared(route: BaseRoute) -> Permission | None:
    """The permission that a route needs; None: it is public.

    Declared on the route or on its own router; what ``include_router`` adds is not
    looked at.

    Raises:
        LookupError: it declares neither.
    """
    if isinstance(route, APIRoute | APIWebSocketRoute):
        for call in _calls(route.dependant):
            if isinstance(call, _Needs):
                return call.permission
            if call is _public:
                return None
    elif isinstance(route, Mount | Route) and route.name in _OF_THE_FRAMEWORK:
        return None
    raise LookupError(
        f"{getattr(route, 'path', route)} does not say who may ask: declare "
        "needs(Permission.X) or PUBLIC, see server/trust/access.py"
    )


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any] | None]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def check_routes(app: FastAPI) -> None:
    """Refuse a service with a route that does not say who may ask.

    Raises:
        LookupError: names the first such route.
    """
    for route in routes_of(app):
        declared(route)
