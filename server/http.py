"""Pages, the screens' feed and the HTTP interface. docs/protocol.md has the list."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
from fastapi import FastAPI, Query, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.websockets import WebSocketDisconnect

from alerts.faults import Fault
from models.ports import WordTimes
from server.bodies import NUL, BodyLimit
from server.calls import LiveCalls
from server.config import ServiceSettings
from server.errors import RefusedError, StoreUnavailableError, ToldError
from server.events import LogEntry
from server.health_http import health_routes
from server.listen import listening
from server.live_actions import live_actions
from server.metrics import Metrics
from server.refusals import Reader, Refusal, field_path
from server.screens import Feeds, Screen, Topic, read_have
from server.storage import Storage
from server.store import CallSummary
from server.trust.access import (
    PUBLIC,
    Access,
    Permission,
    Viewer,
    check_routes,
    needs,
)
from server.trust.audit import Action
from server.trust.log_in import session_router
from server.trust.redacted_audio import RedactedRecordings
from server.trust.redacted_log import COVERED_KINDS, redacted_entries
from server.wire import StoredEntry, current_stored, entry_to_json

logger = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"

_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
_POLICY_VIOLATION = 1008
_HAVE_S = 2.0
"""How long a screen that comes back may take to say what it has."""
_NO_HAVE = "expected at once: a JSON object of call ids and numbers"
_SEND_S = 10.0
"""How long a screen may take to take one message."""
_NOT_LOGGED_IN = 4401
_FORBIDDEN = 4403
_TEAM_PAGES = ("/rules", "/playbook")
_NO_PAGES = "The pages have not been built. In a checkout of the project, run: make web"


def build_app(
    settings: ServiceSettings,
    calls: LiveCalls,
    feeds: Feeds,
    storage: Storage,
    metrics: Metrics,
    access: Access,
) -> FastAPI:
    """The office side of the service, around the calls that it shows."""
    app = FastAPI(title="Calmline", version="1", docs_url=None, redoc_url=None)
    app.state.access = access
    app.add_middleware(BodyLimit)
    _add_guard(app, settings)
    _add_problems(app)
    app.include_router(session_router(access))
    _add_calls(app, storage, settings.data_dir, calls.word_times)
    app.include_router(live_actions(calls, access))
    app.include_router(
        listening(calls, access, lambda headers: _is_ours(headers, settings))
    )
    _add_feed(app, settings, feeds, metrics)
    app.include_router(health_routes(feeds.health, metrics))
    _add_pages(app)
    check_routes(app)
    return app


def _is_ours(headers: Mapping[str, str], settings: ServiceSettings) -> bool:
    """Whether a request comes from our own pages, or from no page at all.

    Without a log-in, loopback is the only fence, and a foreign page in the same
    browser stands inside it: so its Origin is refused, and so is a Host name that
    somebody pointed at this machine (DNS rebinding).
    """
    host = headers.get("host", "")
    name = urlsplit(f"//{host}").hostname
    if not settings.behind_proxy and name not in _LOOPBACK_NAMES:
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == host


def _add_guard(app: FastAPI, settings: ServiceSettings) -> None:
    @app.middleware("http")
    async def guard(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        if not _is_ours(request.headers, settings):
            return _problem(request, 403, Refusal("own_pages_only"))
        if NUL in unquote(request.url.path):
            return _problem(request, HTTPStatus.NOT_FOUND, Refusal("no_page"))
        if NUL in unquote(request.url.query):
            refusal = Refusal("field_nul", {"field": field_path(())})
            return _problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, refusal)
        response = await call_next(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Referrer-Policy"] = "same-origin"
        if request.url.path.startswith("/v1/"):
            response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; style-src 'self' 'unsafe-inline'; "
            "media-src 'self' blob:; frame-ancestors 'self'"
        )
        return response


def _problem(
    request: Request,
    status: int,
    refusal: Refusal,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """RFC 9457 problem document, in the reader's language."""
    reader = Reader.of(request.headers.get("accept-language", ""))
    return JSONResponse(
        {
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": refusal.sentence(reader),
            "code": refusal.code,
            "params": refusal.params,
        },
        status_code=status,
        headers={**(headers or {}), "Content-Language": reader},
        media_type="application/problem+json",
    )


_BY_STATUS: Mapping[int, str] = {
    400: "field_json",
    404: "no_page",
    405: "wrong_method",
    413: "body_too_large",
}
"""What the framework refuses by a number alone."""


def _add_problems(app: FastAPI) -> None:
    @app.exception_handler(ToldError)
    async def told(request: Request, error: ToldError) -> JSONResponse:
        headers = error.headers if isinstance(error, RefusedError) else None
        return _problem(request, error.status, error.refusal, headers)

    @app.exception_handler(StarletteHTTPException)
    async def http_error(
        request: Request, error: StarletteHTTPException
    ) -> JSONResponse:
        status = error.status_code
        refusal = Refusal(_BY_STATUS.get(status, "not_done"), {"status": status})
        return _problem(request, status, refusal, error.headers)

    @app.exception_handler(RequestValidationError)
    async def wrong_input(
        request: Request, error: RequestValidationError
    ) -> JSONResponse:
        refusal = Refusal.of_fault(Fault.of(error.errors()[0]))
        return _problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, refusal)

    @app.exception_handler(StoreUnavailableError)
    @app.exception_handler(sa.exc.OperationalError)
    async def no_database(request: Request, error: Exception) -> JSONResponse:
        logger.warning("asked in vain", extra={"error": type(error).__name__})
        refusal = Refusal("database_unusable")
        return _problem(request, HTTPStatus.SERVICE_UNAVAILABLE, refusal)


def _add_calls(
    app: FastAPI, storage: Storage, data_dir: Path, words: WordTimes | None
) -> None:
    access: Access = app.state.access
    recordings = RedactedRecordings(data_dir / "audio", data_dir / "redacted", words)

    @app.get("/v1/calls")
    async def list_calls(
        viewer: Annotated[Viewer, needs(Permission.CALLS)],
        state: Literal["live", "ended"] = "ended",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        found = await storage.calls(live=state == "live", limit=limit)
        return [asdict(call) for call in found if viewer.may_see(call.agent_id)]

    @app.get("/v1/calls/{call_id}")
    async def one_call(
        call_id: str, viewer: Annotated[Viewer, needs(Permission.CALLS)]
    ) -> dict[str, Any]:
        summary = await _known(storage, call_id)
        await access.record_look(viewer, Action.VIEW, call_id)
        return asdict(summary)

    @app.get("/v1/calls/{call_id}/entries")
    async def entries(
        call_id: str,
        viewer: Annotated[Viewer, needs(Permission.CALLS)],
        *,
        unredacted: bool = False,
        whole: bool = False,
    ) -> Response:
        await _known(storage, call_id)
        stored = await storage.stored_log(call_id)
        log = stored if whole else current_stored(stored)
        if unredacted:
            await access.record_unredacted(viewer, Action.VIEW_UNREDACTED, call_id)
        else:
            await access.record_look(viewer, Action.VIEW, call_id)
        # A call of hours has megabytes: nothing of it is done in the event loop.
        content = await asyncio.to_thread(_as_json, log, redact=not unredacted)
        return Response(content, media_type="application/json")

    @app.get("/v1/calls/{call_id}/audio")
    async def audio(
        call_id: str,
        viewer: Annotated[Viewer, needs(Permission.RECORDINGS)],
        *,
        unredacted: bool = False,
    ) -> FileResponse:
        await _known(storage, call_id)
        if unredacted:
            await access.record_unredacted(viewer, Action.LISTEN_UNREDACTED, call_id)
            path = recordings.original(call_id)
        else:
            # A player asks for a recording piece by piece.
            seq = await storage.read_seq(call_id)
            path = await asyncio.to_thread(recordings.known, call_id, seq)
            if path is None:
                log = await storage.entries(call_id)
                path = await asyncio.to_thread(recordings.covered, call_id, log)
        if path is None:
            raise RefusedError(404, "no_recording")
        if not unredacted:
            await access.record_look(viewer, Action.LISTEN, call_id)
        return FileResponse(path, media_type="audio/flac")


def _as_json(log: Sequence[StoredEntry], *, redact: bool) -> bytes:
    covered: dict[int, LogEntry] = {}
    if redact:
        said = [entry.entry() for entry in log if entry.kind in COVERED_KINDS]
        covered = {entry.seq: entry for entry in redacted_entries(said)}
    texts = [
        json.dumps(entry_to_json(covered[entry.seq]))
        if entry.seq in covered
        else entry.text()
        for entry in log
    ]
    return f"[{', '.join(texts)}]".encode()


async def _known(storage: Storage, call_id: str) -> CallSummary:
    summary = await storage.call(call_id)
    if summary is None:
        raise RefusedError(404, "no_call")
    return summary


def _add_feed(
    app: FastAPI, settings: ServiceSettings, feeds: Feeds, metrics: Metrics
) -> None:
    access: Access = app.state.access

    @app.websocket("/v1/live", dependencies=[PUBLIC])
    async def live(
        socket: WebSocket, topic: str = "board", *, resume: bool = False
    ) -> None:
        # Accepted before it is checked: a browser tells its page no close code of a
        # connection that never was.
        await socket.accept()
        if not _is_ours(socket.headers, settings):
            await socket.close(_POLICY_VIOLATION, "only this service's own pages")
            return
        try:
            parsed = Topic.parse(topic)
        except ValueError as error:
            await socket.close(_POLICY_VIOLATION, str(error))
            return
        viewer = await access.viewer(socket)
        if viewer is None:
            await socket.close(_NOT_LOGGED_IN, "log in first")
            return
        if not await _may_watch(access, viewer, parsed):
            await socket.close(_FORBIDDEN, "your role may not watch this")
            return
        await access.record_look(viewer, Action.WATCH, parsed.call_id or "")
        send = partial(_send_in_time, socket, metrics)
        # A screen was closed, or takes nothing any more.
        with suppress(WebSocketDisconnect, TimeoutError), metrics.watched():
            screen = Screen(parsed, send)
            if resume:
                try:
                    async with asyncio.timeout(_HAVE_S):
                        screen.have = read_have(await socket.receive_text())
                except (ValueError, KeyError, TimeoutError):
                    await socket.close(_POLICY_VIOLATION, _NO_HAVE)
                    return
            await feeds.serve(screen)


async def _send_in_time(socket: WebSocket, metrics: Metrics, text: str) -> None:
    """Send a screen one message.

    Raises:
        TimeoutError: it has taken nothing for a while; it is let go, and comes back.
    """
    try:
        async with asyncio.timeout(_SEND_S):
            await socket.send_text(text)
    except TimeoutError:
        metrics.screens_dropped.inc()
        raise
    except RuntimeError as error:
        # The line was closed below us, for a message that was too long.
        raise WebSocketDisconnect from error


async def _may_watch(access: Access, viewer: Viewer, topic: Topic) -> bool:
    if topic.call_id is not None:
        return await access.is_in_reach(viewer, topic.call_id) and (
            viewer.may(Permission.BOARD) or viewer.only_agent_id is not None
        )
    if topic.agent_id is not None:
        return viewer.may(Permission.AGENT_SCREEN) and viewer.may_see(topic.agent_id)
    return viewer.may(Permission.BOARD)


def _add_pages(app: FastAPI) -> None:
    index = STATIC / "index.html"

    async def page() -> Response:
        if not index.is_file():
            return Response(_NO_PAGES, status_code=503, media_type="text/plain")
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    for path in (
        "/",
        "/board",
        "/agent/{_}",
        "/audit",
        "/audit/{_}",
        "/desk/{_}",
        "/reports",
        "/trust",
        "/print/{_}",
        *_TEAM_PAGES,
    ):
        app.add_api_route(path, page, dependencies=[PUBLIC])
    if STATIC.is_dir():
        app.mount("/static", StaticFiles(directory=STATIC), name="static")
