"""Pages, the screens' feed and the HTTP interface. docs/protocol.md has the list."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import FastAPI, HTTPException, Query, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.websockets import WebSocketDisconnect

from alerts.events import AlertAcknowledged, AlertClosed, AlertOpened
from server.bus import Bus
from server.call import AcknowledgeAlert
from server.calls import LiveCalls
from server.config import ServiceSettings
from server.events import Note
from server.live import LiveCall
from server.metrics import Metrics
from server.screens import Topic, feed
from server.storage import Storage
from server.wire import entry_to_json

STATIC = Path(__file__).parent / "static"

_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
_POLICY_VIOLATION = 1008
_NO_PAGES = "The pages have not been built. In a checkout of the project, run: make web"


class _Acknowledge(BaseModel):
    by: Annotated[str, Field(min_length=1, max_length=64)]


class _NewNote(BaseModel):
    text: Annotated[str, Field(min_length=1, max_length=500)]
    by: Annotated[str, Field(min_length=1, max_length=64)]


def build_app(
    settings: ServiceSettings,
    calls: LiveCalls,
    bus: Bus,
    storage: Storage,
    metrics: Metrics,
) -> FastAPI:
    """The office side of the service, around the calls that it shows."""
    app = FastAPI(title="Calmline", version="1", docs_url=None, redoc_url=None)
    _add_guard(app, settings)
    _add_problems(app)
    _add_calls(app, calls, storage, settings.data_dir / "audio")
    _add_feed(app, settings, calls, bus)
    _add_health(app, metrics)
    _add_pages(app)
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
            return _problem(403, "only this service's own pages may ask")
        response = await call_next(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; style-src 'self' 'unsafe-inline'; "
            "media-src 'self' blob:; frame-ancestors 'self'"
        )
        return response


def _problem(status: int, detail: str) -> JSONResponse:
    """RFC 9457 problem document."""
    titles = {403: "Forbidden", 404: "Not found", 422: "Wrong input"}
    return JSONResponse(
        {"title": titles.get(status, "Error"), "status": status, "detail": detail},
        status_code=status,
        media_type="application/problem+json",
    )


def _add_problems(app: FastAPI) -> None:
    @app.exception_handler(StarletteHTTPException)
    async def http_error(_: Request, error: StarletteHTTPException) -> JSONResponse:
        return _problem(error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def wrong_input(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return _problem(422, f"{where}: {first['msg']}")


def _live(calls: LiveCalls, call_id: str) -> LiveCall:
    live = calls.by_id.get(call_id)
    if live is None:
        raise HTTPException(404, "there is no live call of this id")
    return live


def _waiting_alerts(live: LiveCall) -> set[str]:
    """Alerts of a call that are open and that nobody has taken."""
    waiting: set[str] = set()
    for entry in live.entries:
        match entry.event:
            case AlertOpened(alert_id=alert_id):
                waiting.add(alert_id)
            case AlertAcknowledged(alert_id=alert_id) | AlertClosed(alert_id=alert_id):
                waiting.discard(alert_id)
            case _:
                pass
    return waiting


def _add_calls(
    app: FastAPI, calls: LiveCalls, storage: Storage, recordings: Path
) -> None:
    @app.get("/v1/calls")
    async def list_calls(
        state: Literal["live", "ended"] = "ended",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        found = await storage.calls(live=state == "live", limit=limit)
        return [asdict(summary) for summary in found]

    @app.get("/v1/calls/{call_id}")
    async def one_call(call_id: str) -> dict[str, Any]:
        summary = await storage.call(call_id)
        if summary is None:
            raise HTTPException(404, "there is no call of this id")
        return asdict(summary)

    @app.get("/v1/calls/{call_id}/entries")
    async def entries(call_id: str) -> list[dict[str, Any]]:
        await one_call(call_id)
        return [entry_to_json(entry) for entry in await storage.entries(call_id)]

    @app.get("/v1/calls/{call_id}/audio")
    async def audio(call_id: str) -> FileResponse:
        await one_call(call_id)
        path = recordings / f"{call_id}.flac"
        if not path.is_file():
            raise HTTPException(404, "this call has no finished recording")
        return FileResponse(path, media_type="audio/flac")

    @app.post("/v1/calls/{call_id}/alerts/{alert_id}/acknowledge", status_code=204)
    async def acknowledge(call_id: str, alert_id: str, body: _Acknowledge) -> None:
        live = _live(calls, call_id)
        if alert_id not in _waiting_alerts(live):
            raise HTTPException(404, "no alert of this id waits in this call")
        await live.control(AcknowledgeAlert(alert_id, body.by))

    @app.post("/v1/calls/{call_id}/notes", status_code=204)
    async def note(call_id: str, body: _NewNote) -> None:
        await _live(calls, call_id).control(Note(body.text, body.by))


def _add_feed(
    app: FastAPI, settings: ServiceSettings, calls: LiveCalls, bus: Bus
) -> None:
    @app.websocket("/v1/live")
    async def live(socket: WebSocket, topic: str = "board") -> None:
        await socket.accept()
        if not _is_ours(socket.headers, settings):
            await socket.close(_POLICY_VIOLATION, "only this service's own pages")
            return
        try:
            parsed = Topic.parse(topic)
        except ValueError as error:
            await socket.close(_POLICY_VIOLATION, str(error))
            return
        with suppress(WebSocketDisconnect):  # A screen was closed.
            await feed(parsed, calls.by_id, bus, socket.send_text)


def _add_health(app: FastAPI, metrics: Metrics) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> dict[str, str]:
        # The server listens only once the models are loaded and the database is up.
        return {"status": "ready"}

    @app.get("/metrics")
    async def figures() -> Response:
        return Response(metrics.render(), media_type="text/plain; version=0.0.4")


def _add_pages(app: FastAPI) -> None:
    index = STATIC / "index.html"

    async def page() -> Response:
        if not index.is_file():
            return Response(_NO_PAGES, status_code=503, media_type="text/plain")
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    for path in ("/", "/board", "/agent/{_}", "/audit", "/audit/{_}"):
        app.add_api_route(path, page, include_in_schema=False)
    if STATIC.is_dir():
        app.mount("/static", StaticFiles(directory=STATIC), name="static")
