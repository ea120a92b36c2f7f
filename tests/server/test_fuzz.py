"""A thousand broken messages to both sockets: each its close code, nobody disturbed."""

import asyncio
import json
import logging
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from audio.codec import AudioFormat, Encoding, encode
from models.fake import FakeDetector, FakeTranscriber, FakeVoiceReader
from server.config import ServiceSettings
from server.engine import Models
from server.errors import CloseCode
from server.factory import CallFactory
from server.service import Addresses, running_service

pytestmark = pytest.mark.service

N_MESSAGES = 1000
PLANTED = "pineapple"
"""In every broken message; it must turn up in no log and no figure."""

HELLO: dict[str, Any] = {
    "call_id": "c1",
    "agent_id": "a7",
    "consent": "granted",
    "channels": ["customer", "agent"],
    "encoding": "mulaw",
    "rate": 8000,
}
MODELS = Models(
    FakeDetector, FakeTranscriber([PLANTED] * 99), FakeVoiceReader(), ("f",)
)
KNOWN_CODES = {int(code) for code in CloseCode} | {1007}
"""1007: what should be text is not UTF-8 (RFC 6455 7.4.1)."""


def junk(rng: random.Random) -> Any:
    """A value that no field expects."""
    return rng.choice(
        [
            None,
            True,
            -1,
            10**40,
            0.5,
            "",
            PLANTED * rng.randint(1, 3000),
            "\x00\ud7ff\U0001f600",
            [PLANTED],
            {"a": {"b": [PLANTED]}},
            "../../etc/passwd",
            [[[[]]]] * 50,
        ]
    )


def broken(rng: random.Random) -> Iterator[str | bytes]:
    """What one client says: a hello that is wrong, or a right one and then junk."""
    kind = rng.randrange(6)
    if kind == 0:
        yield rng.randbytes(rng.randint(0, 2000))
    elif kind == 1:
        yield json.dumps(HELLO | {rng.choice([*HELLO, "token", "x"]): junk(rng)})
        yield PLANTED  # Where the hello was right after all.
    elif kind == 2:
        whole = json.dumps(HELLO | {"customer_ref": PLANTED})
        yield whole[: rng.randrange(len(whole))]
    elif kind == 3:
        yield json.dumps(junk(rng))
    else:
        yield json.dumps(HELLO | {"call_id": f"f{rng.randrange(10**9)}"})
        for _ in range(rng.randint(0, 3)):
            yield rng.randbytes(rng.randint(0, 5000))
        yield rng.choice(
            [
                json.dumps({"type": junk(rng)}),
                json.dumps({"type": "consent", "consent": junk(rng)}),
                json.dumps({"type": "pause", PLANTED: 1}),
                "[" * 5000 + PLANTED,
                PLANTED,
            ]
        )


async def one_client(addresses: Addresses, seed: int) -> tuple[int, int]:
    """Say what a broken client says; return how many messages, and the close code."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    n_sent = 0
    async with connect(addresses.audio_url) as socket:
        try:
            for message in broken(rng):
                await socket.send(message)
                n_sent += 1
            if rng.random() < 0.2:
                socket.transport.abort()
            while True:
                await socket.recv()
        except ConnectionClosed:
            return n_sent, socket.close_code or 0


async def one_screen(addresses: Addresses, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - no secret
    feed = addresses.http_url.replace("http", "ws")
    path = rng.choice(["/v1/live", f"/v1/live?topic={PLANTED}", "/v1/live?resume=true"])
    with suppress(ConnectionClosed, InvalidHandshake):
        async with connect(feed + path) as socket:
            for _ in range(5):
                said: list[str | bytes] = [json.dumps(junk(rng)), rng.randbytes(300)]
                for message in rng.sample(said, 2):
                    await socket.send(message)
            await socket.send("x" * (1 << 17))
            async with asyncio.timeout(5):
                while True:
                    await socket.recv()


def talk() -> bytes:
    times = np.arange(4 * 8000) / 8000
    pcm = np.zeros((len(times), 2), np.float32)
    pcm[:, 0] = 0.4 * np.sin(2 * np.pi * 300 * times) * (times < 2.0)
    return encode(pcm, AudioFormat(Encoding.MULAW, 8000, 2))


async def read_to_the_end(socket: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        while True:
            await socket.recv()


async def fuzz(tmp_path: Path) -> tuple[Counter[int], list[dict[str, Any]], str, int]:
    settings = ServiceSettings(
        audio_port=0, http_port=0, data_dir=tmp_path, resume_window_s=0.1
    )
    codes: Counter[int] = Counter()
    n_sent = 0
    async with (
        running_service(settings, CallFactory.of(MODELS)) as addresses,
        httpx.AsyncClient(base_url=addresses.http_url) as client,
        connect(addresses.audio_url) as good,
    ):
        await good.send(json.dumps(HELLO | {"call_id": "good"}))
        ended = asyncio.create_task(read_to_the_end(good))
        data = talk()
        seed = 0
        while n_sent < N_MESSAGES:
            seeds = range(seed, seed + 50)
            seed += 50
            for number, code in await asyncio.gather(
                *(one_client(addresses, one) for one in seeds)
            ):
                n_sent += number
                codes[code] += 1
            await good.send(data[:200])
            data = data[200:]
        await asyncio.gather(*(one_screen(addresses, one) for one in range(10)))
        await good.send(data)
        await good.send('{"type":"end"}')
        await ended
        entries = (await client.get("/v1/calls/good/entries")).json()
        figures = (await client.get("/metrics")).text
        while len((await client.get("/v1/calls?state=live")).json()):  # noqa: ASYNC110 - over HTTP there is no event
            await asyncio.sleep(0.1)
        tasks = len(asyncio.all_tasks())
    return codes, entries, figures, tasks


def test_a_thousand_broken_messages(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    codes, entries, figures, n_tasks = asyncio.run(
        asyncio.wait_for(fuzz(tmp_path), 240)
    )

    assert set(codes) - {1006} <= KNOWN_CODES, codes
    assert codes[4400] > 50
    assert codes[4401] > 20
    assert entries[-1]["body"]["reason"] == "completed"
    assert any(entry["kind"] == "TranscriptFinal" for entry in entries)
    ours = [record for record in caplog.records if not record.name.startswith("http")]
    logged = "".join(record.getMessage() + str(vars(record)) for record in ours)
    assert PLANTED not in logged + figures
    assert not [record for record in ours if record.levelno >= logging.ERROR]
    assert n_tasks < 40
    assert not list((tmp_path / "audio").glob("*.raw"))


def test_a_client_that_says_hello_for_ever_is_let_go(tmp_path: Path) -> None:
    async def drip() -> float:
        settings = ServiceSettings(
            audio_port=0, http_port=0, data_dir=tmp_path, hello_timeout_s=0.5
        )
        async with running_service(settings, CallFactory.of(MODELS)) as addresses:
            port = int(addresses.audio_url.split(":")[2].split("/")[0])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            began = asyncio.get_running_loop().time()
            with suppress(ConnectionError):
                for byte in b"GET /v1/calls HTTP/1.1\r\nHost: localhost\r\nX: " * 99:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    if reader.at_eof():
                        break
                    await asyncio.sleep(0.02)
                await reader.read()
            writer.close()
            return asyncio.get_running_loop().time() - began

    assert asyncio.run(asyncio.wait_for(drip(), 60)) < 20
