"""A running service with quick models, and the clients that tests are to it."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from time import monotonic, sleep
from typing import Any, ParamSpec, Self

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as connect_blocking

from audio.codec import AudioFormat, Encoding, encode
from models.fake import FakeDetector, FakeTranscriber, FakeVoiceReader
from server.config import ServiceSettings
from server.engine import Models
from server.factory import CallFactory
from server.overload import LadderParams
from server.service import Addresses, running_service

HELLO: dict[str, Any] = {
    "call_id": "c1",
    "agent_id": "a7",
    "customer_ref": "K-77",
    "consent": "granted",
    "channels": ["customer", "agent"],
    "encoding": "mulaw",
    "rate": 8000,
    "language": "en",
}
MULAW = AudioFormat(Encoding.MULAW, 8000, 2)

_P = ParamSpec("_P")


def in_loop(
    test: Callable[_P, Coroutine[Any, Any, None]],
) -> Callable[_P, None]:
    """Run a coroutine test; none takes more than two minutes."""

    @wraps(test)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 120))

    return run


def quick_models(words: str | list[str] = "", anger: float = 0.9) -> Models:
    """Models that hear `words` (one for all utterances, or a script) in anger."""
    script = [words] * 1000 if isinstance(words, str) and words else list(words)
    voice = FakeVoiceReader([anger] * 1000)
    return Models(FakeDetector, FakeTranscriber(script), voice, ("fake",))


def settings_in(folder: Path, **changes: Any) -> ServiceSettings:
    """Settings on free ports, with everything in ``folder/data``."""
    settings = ServiceSettings(audio_port=0, http_port=0, data_dir=folder / "data")
    return replace(settings, **changes)


@asynccontextmanager
async def service(
    folder: Path,
    models: Models | None = None,
    ladder: LadderParams | None = None,
    **changes: Any,
) -> AsyncIterator[Addresses]:
    """A service with the settings of `settings_in`."""
    factory = CallFactory.of(models or quick_models())
    settings = settings_in(folder, **changes)
    async with running_service(settings, factory, ladder=ladder) as addresses:
        yield addresses


@contextmanager
def serving(
    folder: Path, models: Models | None = None, **changes: Any
) -> Iterator[Addresses]:
    """The same in a thread of its own, for tests that are not in a loop."""
    up: list[Addresses] = []
    ready, stop = threading.Event(), threading.Event()

    async def run() -> None:
        async with service(folder, models, **changes) as addresses:
            up.append(addresses)
            ready.set()
            await asyncio.to_thread(stop.wait)

    def serve() -> None:
        try:
            asyncio.run(run())
        finally:
            ready.set()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert ready.wait(60)
        yield up[0]
    finally:
        stop.set()
        thread.join(60)


@asynccontextmanager
async def line(
    addresses: Addresses, **changes: Any
) -> AsyncIterator[tuple[ClientConnection, dict[str, Any]]]:
    """A connection whose hello was answered: it, and the answer."""
    # Without pings: who sends for long before reading hears no answer to them.
    async with connect(addresses.audio_url, ping_interval=None) as socket:
        await socket.send(json.dumps(HELLO | changes))
        yield socket, json.loads(await socket.recv())


async def wait_for(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """Pass over messages until one of this type comes."""
    while True:
        message: dict[str, Any] = json.loads(await socket.recv())
        if message["type"] == kind:
            return message


async def wait_acknowledged(socket: ClientConnection, n_bytes: int) -> None:
    """Wait until so much is on disk."""
    while (await wait_for(socket, "ack"))["received_bytes"] < n_bytes:
        pass


async def closed_with(socket: ClientConnection) -> int:
    """Wait until the service closes; return its code."""
    with suppress(ConnectionClosed):
        while True:
            await socket.recv()
    assert socket.close_code is not None
    return socket.close_code


async def end(socket: ClientConnection) -> dict[str, Any]:
    """End the call; return what the service says then."""
    await socket.send('{"type":"end"}')
    return await wait_for(socket, "ended")


async def get(addresses: Addresses, path: str) -> httpx.Response:
    """Ask the service for something over HTTP."""
    async with httpx.AsyncClient(base_url=addresses.http_url) as client:
        return await client.get(path)


@dataclass
class Talk:
    """Who speaks now on a line; a test changes it while the call goes on.

    Attributes:
        customer: the customer speaks, with a breath every five seconds.
        agent: likewise.
    """

    customer: bool = False
    agent: bool = False


class Caller:
    """A call that goes on in a thread until it is told to end.

    Args:
        addresses: of the service.
        speed: how much faster than life.
        hello: what is different from `HELLO`.
    """

    _STEP_S = 0.04
    _BREATH_S = (4.0, 5.0)

    def __init__(self, addresses: Addresses, speed: float = 1.0, **hello: Any) -> None:
        self.talk = Talk()
        self._url = addresses.audio_url
        self._speed = speed
        self._hello = HELLO | hello
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """End the call; returns when the service has ended it."""
        self._over.set()
        self._thread.join(60)

    def _run(self) -> None:
        with connect_blocking(self._url) as socket:
            socket.send(json.dumps(self._hello))
            threading.Thread(target=self._speak, args=(socket.send,)).start()
            for message in socket:
                if json.loads(message)["type"] == "ended":
                    return

    def _speak(self, send: Callable[[str | bytes], None]) -> None:
        start_s = monotonic()
        now_s = 0.0
        while not self._over.is_set():
            send(self._sound(now_s))
            now_s += self._STEP_S
            sleep(max(0.0, start_s + now_s / self._speed - monotonic()))
        send('{"type":"end"}')

    def _sound(self, now_s: float) -> bytes:
        times = now_s + np.arange(round(self._STEP_S * 8000)) / 8000
        spoken_s, breath_s = self._BREATH_S
        tone = 0.4 * np.sin(2 * np.pi * 300 * times) * (times % breath_s < spoken_s)
        parties = [tone * self.talk.customer, tone * self.talk.agent]
        return encode(np.stack(parties, axis=1).astype(np.float32), MULAW)
