"""The service: both servers, the engine and the storage, started and stopped."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI
from websockets.asyncio.server import serve

from server.bus import Bus
from server.calls import LiveCalls
from server.config import ServiceSettings
from server.engine import Engine
from server.factory import CallFactory
from server.hello import MAX_MESSAGE_BYTES
from server.http import build_app
from server.ingest import PATH, Ingest
from server.live import Outside
from server.metrics import Metrics
from server.recovery import finish_interrupted_calls
from server.storage import Storage
from server.store import Store

logger = logging.getLogger(__name__)

_CLOSE_SCREENS_S = 1
"""How long open screens may take to go away when the service stops."""


class _HttpServer(uvicorn.Server):
    """uvicorn without its own signal handlers: the service decides when to stop."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]  # the same protocol: a context manager
        return nullcontext()


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running service is reached."""

    audio_url: str
    http_url: str


@asynccontextmanager
async def running_service(
    settings: ServiceSettings, factory: CallFactory
) -> AsyncIterator[Addresses]:
    """Run the service while the context lasts, then end every call and stop.

    Raises:
        StoreError: the database cannot be used.
        OSError: a port is taken, or the data folder cannot be written.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    storage = Storage(await asyncio.to_thread(Store, settings.url))
    metrics = Metrics()
    engine = Engine(factory.models, metrics)
    bus = Bus()
    try:
        await finish_interrupted_calls(storage, settings.data_dir / "audio")
        async with asyncio.TaskGroup() as tasks:
            outside = Outside(engine, bus, storage)
            calls = LiveCalls(settings, factory, outside, metrics, tasks)
            app = build_app(settings, calls, bus, storage, metrics)
            ingest = Ingest(calls, metrics, settings.hello_timeout_s)
            async with (
                _http_server(settings, app, tasks) as http_port,
                _audio_server(settings, ingest) as audio_port,
            ):
                host = f"[{settings.host}]" if ":" in settings.host else settings.host
                logger.info(
                    "listening",
                    extra={"audio_port": audio_port, "http_port": http_port},
                )
                yield Addresses(
                    f"ws://{host}:{audio_port}{PATH}", f"http://{host}:{http_port}"
                )
                await calls.close()
    finally:
        engine.close()
        await asyncio.to_thread(storage.close)


@asynccontextmanager
async def _audio_server(
    settings: ServiceSettings, ingest: Ingest
) -> AsyncIterator[int]:
    async with serve(
        ingest.handle,
        settings.host,
        settings.audio_port,
        max_size=MAX_MESSAGE_BYTES,
        compression=None,  # Companded audio does not compress; trying costs time.
    ) as server:
        yield next(iter(server.sockets)).getsockname()[1]


@asynccontextmanager
async def _http_server(
    settings: ServiceSettings, app: FastAPI, tasks: asyncio.TaskGroup
) -> AsyncIterator[int]:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=_CLOSE_SCREENS_S,
    )
    server = _HttpServer(config)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.create_server(
        (settings.host, settings.http_port), family=family
    ) as listener:
        serving = tasks.create_task(server.serve([listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving
