"""The service: both servers, the engine and the storage, started and stopped."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

import uvicorn
from fastapi import FastAPI
from websockets.asyncio.server import serve

from server.bus import Bus, News
from server.calls import LiveCalls
from server.config import ServiceSettings
from server.desk.desk import Desk
from server.desk.http import add_desk
from server.engine import Engine
from server.errors import ServerError
from server.factory import CallFactory
from server.floor import COUNTED, Floor
from server.hello import MAX_MESSAGE_BYTES
from server.http import build_app
from server.ingest import PATH, Ingest
from server.live import Outside
from server.metrics import Metrics
from server.overload import LadderParams
from server.recovery import recover_calls
from server.reports.fact_table import FactTable
from server.reports.http import report_router
from server.roles_http import roles_router
from server.screens import Feeds
from server.storage import Storage
from server.store import Store
from server.team_books import TeamBooks
from server.team_pages import team_pages
from server.trust.access import Access, AccessParams
from server.trust.audit import AuditLog
from server.trust.http import add_trust, keep_daily
from server.trust.keeping import Keeping
from server.trust.people import People
from server.trust.retention import RetentionSettings
from server.watch import Watch

logger = logging.getLogger(__name__)

_CLOSE_SCREENS_S = 1
"""How long open screens may take to go away when the service stops."""

_SCREEN_MESSAGE_BYTES = 1 << 16
"""What a screen may say at once; it has little to say."""

_CLOSE_LINE_S = 2.0
"""How long a client may take to close; one that is gone never does."""


class _HttpServer(uvicorn.Server):
    """uvicorn without its own signal handlers: the service decides when to stop."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]  # the same protocol: a context manager
        return nullcontext()


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running service is reached."""

    audio_url: str
    http_url: str


@dataclass(frozen=True, slots=True)
class _House:
    """What a service has before its first call and after its last one."""

    settings: ServiceSettings
    factory: CallFactory
    storage: Storage
    desk: Desk
    outside: Outside
    metrics: Metrics
    floor: Floor
    access: Access
    keeping: Keeping
    books: TeamBooks

    @classmethod
    async def opened(
        cls,
        settings: ServiceSettings,
        factory: CallFactory,
        retention: RetentionSettings,
    ) -> Self:
        """Open the database and start the engine.

        Raises:
            ServerError: the database cannot be used.
        """
        store = await asyncio.to_thread(Store, settings.url)
        storage = Storage(store)
        metrics, floor = Metrics(), Floor()
        books = await asyncio.to_thread(TeamBooks, store.engine)
        params = AccessParams(settings.session_hours, settings.proxy_user_header)
        outside = Outside(Engine(factory.models, metrics), Bus(), storage, metrics)
        outside.bus.add_listener(lambda news: _count(floor, news))
        return cls(
            settings=settings,
            factory=replace(factory, books=books),
            storage=storage,
            desk=Desk(store, settings.data_dir),
            outside=outside,
            metrics=metrics,
            floor=floor,
            access=Access(
                People(store.engine), AuditLog(store.engine), storage, params
            ),
            keeping=Keeping(store.engine, settings.data_dir, retention),
            books=books,
        )

    async def close(self) -> None:
        self.outside.engine.close()
        await asyncio.to_thread(self.storage.close)

    def pages(self, calls: LiveCalls) -> FastAPI:
        """Return everything that is served over HTTP."""
        feeds = Feeds(calls.by_id, self.outside.bus, self.floor, self.outside.health)
        app = build_app(
            self.settings, calls, feeds, self.storage, self.metrics, self.access
        )
        facts = FactTable(self.desk.store.engine)
        add_trust(app, self.access, self.keeping, self.settings.data_dir)
        app.include_router(report_router(self.access, facts, self.storage))
        app.include_router(team_pages(self.books, self.storage, self.access))
        add_desk(app, self.desk, self.access)
        app.include_router(roles_router(calls, self.desk, self.access))
        return app

    @asynccontextmanager
    async def calls(
        self, tasks: asyncio.TaskGroup, ladder: LadderParams
    ) -> AsyncIterator[LiveCalls]:
        """Take up what an earlier run left open; look after calls while it lasts."""
        settings, outside, metrics = self.settings, self.outside, self.metrics
        calls = LiveCalls(settings, self.factory, outside, metrics, tasks)
        await recover_calls(calls, self.storage, settings.recordings)
        watch = Watch(
            calls, outside.health, self.storage, settings.recordings, metrics, ladder
        )
        daily = keep_daily(self.keeping, self.access.audit, settings.data_dir)
        beside = [
            tasks.create_task(watch.run()),
            tasks.create_task(daily, name="retention"),
        ]
        try:
            yield calls
        finally:
            for task in beside:
                task.cancel()


@asynccontextmanager
async def running_service(
    settings: ServiceSettings,
    factory: CallFactory,
    retention: RetentionSettings | None = None,
    ladder: LadderParams | None = None,
) -> AsyncIterator[Addresses]:
    """Run the service while the context lasts, then end every call and stop.

    Args:
        settings: where it listens and keeps its data.
        factory: makes the calls.
        retention: how long what is kept; None: everything for ever.
        ladder: when what gives way under load; None: the usual.

    Raises:
        ServerError: a port is taken, or the database cannot be used.
        OSError: the data folder cannot be written.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (
        _listen(settings.host, settings.audio_port) as audio_socket,
        _listen(settings.host, settings.http_port) as http_socket,
    ):
        house = await _House.opened(settings, factory, retention or RetentionSettings())
        failure: Exception | None = None
        try:
            await _recall_today(house.floor, house.storage)
            async with (
                asyncio.TaskGroup() as tasks,
                house.calls(tasks, ladder or LadderParams()) as calls,
                house.desk.running(
                    settings, house.factory, house.outside.engine, calls.by_id
                ),
                _http_server(house.pages(calls), http_socket, tasks),
                _audio_server(
                    Ingest(calls, house.metrics, settings.hello_timeout_s),
                    audio_socket,
                    settings,
                ),
            ):
                try:
                    yield _addresses(settings.host, audio_socket, http_socket)
                except Exception as error:  # noqa: BLE001 - raised again below, as itself: a task group would wrap it
                    failure = error
                finally:
                    await calls.close()
        finally:
            await house.close()
        if failure is not None:
            raise failure


def _count(floor: Floor, news: News) -> None:
    floor.begin(datetime.now().astimezone().date())
    floor.take(news.call_id, news.entries)


async def _recall_today(floor: Floor, storage: Storage) -> None:
    """Take what happened today before the service was started."""
    now = datetime.now().astimezone()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    floor.begin(now.date())
    for call_id, entry in await storage.happened(midnight.astimezone(UTC), COUNTED):
        floor.take(call_id, [entry])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ServerError(
            f"cannot listen on {host} port {port}: {error.strerror}. Stop what "
            "listens there, or set service.audio_port and service.http_port"
        ) from error


def _addresses(
    host: str, audio_socket: socket.socket, http_socket: socket.socket
) -> Addresses:
    name = f"[{host}]" if ":" in host else host
    audio_port = audio_socket.getsockname()[1]
    http_port = http_socket.getsockname()[1]
    logger.info("listening", extra={"audio_port": audio_port, "http_port": http_port})
    return Addresses(f"ws://{name}:{audio_port}{PATH}", f"http://{name}:{http_port}")


def _quiet_level() -> int:
    """Level for a library that would log whole messages at DEBUG."""
    return max(logging.INFO, logging.getLogger().getEffectiveLevel())


def _line_logger() -> logging.Logger:
    line = logging.getLogger("server.line")
    line.setLevel(_quiet_level())
    return line


@asynccontextmanager
async def _audio_server(
    ingest: Ingest, listener: socket.socket, settings: ServiceSettings
) -> AsyncIterator[None]:
    async with serve(
        ingest.handle,
        sock=listener,
        max_size=MAX_MESSAGE_BYTES,
        open_timeout=settings.hello_timeout_s,
        close_timeout=_CLOSE_LINE_S,
        ping_interval=None,  # A line that brings audio is alive; `Ingest` asks others.
        compression=None,  # Companded audio does not compress; trying costs time.
        logger=_line_logger(),
    ):
        yield


@asynccontextmanager
async def _http_server(
    app: FastAPI, listener: socket.socket, tasks: asyncio.TaskGroup
) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level=logging.WARNING,  # Below it, addresses with all that is in them.
        access_log=False,
        proxy_headers=False,  # Nothing here depends on where a client says it is.
        ws_max_size=_SCREEN_MESSAGE_BYTES,
        # Events are small; compressing each for every screen costs more than it saves.
        ws_per_message_deflate=False,
        lifespan="off",
        timeout_graceful_shutdown=_CLOSE_SCREENS_S,
    )
    server = _HttpServer(config)
    serving = tasks.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
