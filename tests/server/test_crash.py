"""`kill -9` in the middle of ten calls, a few times: nothing acknowledged is lost."""

import asyncio
import json
import random
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from audio.codec import AudioFormat, Encoding, decode, encode

pytestmark = pytest.mark.service

SERVICE = """
from models.fake import FakeDetector, FakeTranscriber, FakeVoiceReader
from server.cli import main
from server.engine import Models
from server.factory import CallFactory

fakes = Models(FakeDetector, FakeTranscriber(), FakeVoiceReader(), ("fake",))
main(["--config", "calmline.toml", "serve"], lambda _: CallFactory.of(fakes))
"""
MULAW = AudioFormat(Encoding.MULAW, 8000, 2)
SECOND = 16_000
N_CALLS = 10
LENGTH_S = 12
SPEED = 8
N_KILLS = 3


def speech(seed: int) -> bytes:
    """Both parties talk now and then, the customer ever louder."""
    rng = np.random.default_rng(seed)
    times = np.arange(LENGTH_S * 8000) / 8000
    pcm = np.zeros((len(times), 2), np.float32)
    for channel, louder in ((0, 0.6), (1, 0.0)):
        at_s = float(rng.uniform(0.2, 1.0))
        while at_s < LENGTH_S:
            end_s = at_s + float(rng.uniform(0.8, 4.0))
            heard = (at_s <= times) & (times < end_s)
            level = 0.05 + louder * at_s / LENGTH_S
            pcm[heard, channel] = level * np.sin(2 * np.pi * 300 * times[heard])
            at_s = end_s + float(rng.uniform(0.7, 3.0))
    return encode(pcm, MULAW)


class Service:
    """A process that can be killed, and is started again on the same data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.up = asyncio.Event()
        self.audio_url = self.http_url = ""
        (folder / "calmline.toml").write_text(
            "[service]\naudio_port = 0\nhttp_port = 0\nresume_window_s = 20.0\n"
        )

    async def start(self) -> None:
        with (self._folder / "stderr").open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                SERVICE,
                cwd=self._folder,
                env={"PYTHONPATH": str(Path(__file__).parents[2])},
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        assert self._process.stdout is not None
        told = await self._process.stdout.readline()
        told += await self._process.stdout.readline()
        (self.http_url,) = re.findall(r"(http://\S+)/board", told.decode())
        (self.audio_url,) = re.findall(r"ws://\S+", told.decode())
        self.up.set()

    async def kill(self) -> None:
        self.up.clear()
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        self._process.terminate()
        await self._process.wait()

    async def get(self, path: str) -> Any:
        async with httpx.AsyncClient(base_url=self.http_url, timeout=30) as client:
            return (await client.get(path)).json()


@dataclass
class Caller:
    """A client that comes back with its token until its call is over.

    It sends a pause and its end at certain bytes; on coming back it sends again
    what the service does not know of.
    """

    service: Service
    call_id: str
    data: bytes
    pauses: tuple[tuple[int, bool], ...] = (
        (4 * SECOND + 1, True),
        (5 * SECOND + 2, False),
    )
    acknowledged: int = 0
    token: str | None = None
    n_lines: int = 0
    short: list[tuple[int, int]] = field(default_factory=list)
    ended: bool = False

    async def call(self) -> None:
        while not self.ended:
            await self.service.up.wait()
            try:
                async with connect(self.service.audio_url) as socket:
                    await self._bring(socket)
            except* (ConnectionClosed, InvalidHandshake, OSError, EOFError):
                pass  # The service was killed.
            await asyncio.sleep(0.02)

    async def _bring(self, socket: ClientConnection) -> None:
        hello = {
            "call_id": self.call_id,
            "agent_id": self.call_id,
            "consent": "granted",
            "channels": ["customer", "agent"],
            "encoding": "mulaw",
            "rate": 8000,
            "language": "en",
        }
        if self.token:
            hello["token"] = self.token
        await socket.send(json.dumps(hello))
        try:
            welcome = json.loads(await socket.recv())
        except ConnectionClosed:
            # The end had arrived: the service finishes the call by itself.
            self.ended = socket.close_code == 4409
            return
        self.token = welcome["token"]
        self.n_lines += 1
        at = welcome["received_bytes"]
        if at < self.acknowledged:
            self.short.append((at, self.acknowledged))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(socket))
            await self._send(socket, at, paused=welcome["paused"])

    async def _send(self, socket: ClientConnection, at: int, *, paused: bool) -> None:
        todo = [
            (byte, pause)
            for byte, pause in self.pauses
            if byte > at or (byte == at and pause != paused)
        ]
        while at < len(self.data):
            if todo and todo[0][0] == at:
                _, pause = todo.pop(0)
                await socket.send('{"type":"pause"}' if pause else '{"type":"resume"}')
            until = min(at + 640, todo[0][0] if todo else len(self.data))
            await socket.send(self.data[at:until])
            at = until
            await asyncio.sleep(640 / SECOND / SPEED)
        await socket.send('{"type":"end"}')

    async def _listen(self, socket: ClientConnection) -> None:
        while not self.ended:
            message = json.loads(await socket.recv())
            if message["type"] == "ack":
                self.acknowledged = message["received_bytes"]
            self.ended = message["type"] == "ended"


def heard(caller: Caller) -> bytes:
    """What may be on disk: silence while the call was paused."""
    (first, _), (last, _) = caller.pauses
    silence = MULAW.silence(last - first)
    return caller.data[:first] + silence + caller.data[last:]


async def crash(folder: Path, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - no secret
    service = Service(folder)
    callers = [
        Caller(service, f"c{number}", speech(seed + number))
        for number in range(N_CALLS)
    ]
    await service.start()
    async with asyncio.TaskGroup() as tasks:
        for caller in callers:
            tasks.create_task(caller.call())
        for _ in range(N_KILLS):
            await asyncio.sleep(rng.uniform(0.2, 0.8))
            await service.kill()
            promised = [caller.acknowledged for caller in callers]
            for caller, n_bytes in zip(callers, promised, strict=True):
                raw = folder / "calmline-data" / "audio" / f"{caller.call_id}.raw"
                stored = raw.read_bytes() if raw.exists() else b""
                assert len(stored) >= n_bytes
                assert stored == heard(caller)[: len(stored)]
            await service.start()
    # The same audio once more, and nobody kills anything.
    straight = [
        Caller(service, f"s{number}", caller.data)
        for number, caller in enumerate(callers)
    ]
    async with asyncio.TaskGroup() as tasks:
        for caller in straight:
            tasks.create_task(caller.call())
    for caller, reference in zip(callers, straight, strict=True):
        await check(service, caller, reference)
    assert sum(caller.n_lines for caller in callers) > N_CALLS
    await service.stop()
    assert not re.search(rb"\d\.\d seconds", (folder / "stderr").read_bytes())
    for caller in callers:
        flac = folder / "calmline-data" / "audio" / f"{caller.call_id}.flac"
        pcm, _ = soundfile.read(flac, dtype="float32")
        np.testing.assert_array_equal(pcm, decode(heard(caller), MULAW))
    # What the models "heard" is the length of each utterance in words.
    assert not list((folder / "calmline-data" / "audio").glob("*.raw"))
    assert not list((folder / "calmline-data" / "audio").glob("*.journal"))


async def check(service: Service, caller: Caller, reference: Caller) -> None:
    while True:
        if (await service.get(f"/v1/calls/{caller.call_id}"))["end_reason"]:
            break
        await asyncio.sleep(0.1)
    entries = await service.get(f"/v1/calls/{caller.call_id}/entries")
    expected = await service.get(f"/v1/calls/{reference.call_id}/entries")
    assert caller.short == []
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[1:] == expected[1:]  # the first has the call's id and start
    assert entries[-1]["body"]["reason"] == "completed"
    kinds = {entry["kind"] for entry in entries}
    assert {"Paused", "Resumed", "TranscriptFinal", "VoiceReading"} <= kinds


def test_ten_calls_survive_kill_9_three_times(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(crash(tmp_path, seed=1), 600))
