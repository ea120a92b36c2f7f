"""What goes wrong around a call: lines, disks, databases. The call goes on."""

import asyncio
import json
import random
import resource
import shutil
import socket as sockets
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from audio.codec import Encoding, decode, encode
from audio.frame import Party
from models.fake import FakeDetector, FakeTranscriber, FakeVoiceReader
from models.ports import Transcript
from server.engine import Models
from server.overload import LadderParams
from server.recording import open_recording
from server.service import Addresses
from server.stream import Line, StreamError, stream
from service_under_test import (
    HELLO,
    MULAW,
    end,
    get,
    in_loop,
    line,
    service,
    wait_acknowledged,
    wait_for,
)

pytestmark = pytest.mark.service

SECOND = 16_000
RUNGS = ("partials", "voice", "late")


def talk(seconds: float = 6.0) -> bytes:
    """The customer speaks in stretches of two seconds."""
    times = np.arange(round(seconds * 8000)) / 8000
    pcm = np.zeros((len(times), 2), np.float32)
    pcm[:, 0] = 0.4 * np.sin(2 * np.pi * 300 * times) * (times % 3.0 < 2.0)
    return encode(pcm, MULAW)


async def send(socket: ClientConnection, data: bytes) -> None:
    for at in range(0, len(data), 3200):
        await socket.send(data[at : at + 3200])


async def log(addresses: Addresses, call_id: str) -> list[dict[str, Any]]:
    entries = (await get(addresses, f"/v1/calls/{call_id}/entries")).json()
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    return list(entries)


async def straight(addresses: Addresses, data: bytes) -> list[dict[str, Any]]:
    """The log of a call with this audio to which nothing happens."""
    async with line(addresses, call_id="straight") as (socket, _):
        await send(socket, data)
        await end(socket)
    return await log(addresses, "straight")


async def refusal(addresses: Addresses, **changes: Any) -> int:
    """The code that a hello is refused with."""
    async with connect(addresses.audio_url) as socket:
        await socket.send(json.dumps(HELLO | changes))
        with suppress(ConnectionClosed):
            await socket.recv()
        return socket.close_code or 0


async def problems(addresses: Addresses) -> set[str]:
    state = (await get(addresses, "/healthz")).json()
    return {problem["problem"] for problem in state["problems"]}


async def wait_problem(addresses: Addresses, name: str, *, there: bool = True) -> None:
    while True:
        if (name in await problems(addresses)) == there:
            return
        await asyncio.sleep(0.1)


def recorded(tmp_path: Path, call_id: str = "c1") -> np.ndarray:
    pcm, _ = soundfile.read(
        tmp_path / "data" / "audio" / f"{call_id}.flac", dtype="float32"
    )
    return np.asarray(pcm)


# Lines.


@asynccontextmanager
async def breaking(
    addresses: Addresses, after_bytes: list[int]
) -> AsyncIterator[Addresses]:
    """A way to the service that breaks: each line after so many bytes, then none."""
    host, port = addresses.audio_url.removeprefix("ws://").split("/")[0].split(":")
    left = list(after_bytes)

    async def carry(
        source: asyncio.StreamReader, sink: asyncio.StreamWriter, most: float
    ) -> None:
        n_bytes = 0
        while (data := await source.read(1000)) and n_bytes < most:
            n_bytes += len(data)
            sink.write(data)
        sink.transport.abort()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port))
        most = left.pop(0) if left else float("inf")
        with suppress(OSError):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(carry(reader, back, most))
                tasks.create_task(carry(there, writer, float("inf")))
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    broken = server.sockets[0].getsockname()[1]
    try:
        yield replace(
            addresses, audio_url=addresses.audio_url.replace(port, str(broken))
        )
    finally:
        server.close()


@in_loop
async def test_a_stream_whose_line_breaks_goes_on_where_it_was(tmp_path: Path) -> None:
    data = talk()
    path = tmp_path / "call.wav"
    soundfile.write(path, decode(data, MULAW), 8000, "PCM_16")
    expected = encode(open_pcm(path), MULAW)
    opened: list[str] = []
    async with service(tmp_path) as addresses:
        async with breaking(addresses, [20_000, 30_000]) as way:
            line = Line(
                way.audio_url,
                "a7",
                "",
                (Party.CUSTOMER, Party.AGENT),
                "en",
                Encoding.MULAW,
                speed=10.0,
            )
            ended = await stream(open_recording(path), line, opened.append)
        calls = await log(addresses, opened[0])
        alike = await straight(addresses, expected)

    assert ended["reason"] == "completed"
    assert len(opened) == 1
    assert calls[1:] == alike[1:]
    np.testing.assert_array_equal(
        recorded(tmp_path, opened[0]), decode(expected, MULAW)
    )


@in_loop
async def test_a_stream_gives_up_where_nobody_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    soundfile.write(path, decode(talk(), MULAW), 8000, "PCM_16")
    async with service(tmp_path) as addresses:
        line = Line(
            addresses.audio_url,
            "a7",
            "",
            (Party.CUSTOMER, Party.AGENT),
            "en",
            Encoding.MULAW,
            speed=1.0,
        )
        async with breaking(addresses, [20_000]) as way:
            going = asyncio.create_task(
                stream(
                    open_recording(path),
                    replace(line, url=way.audio_url),
                    lambda _: None,
                    patience_s=0.0,
                )
            )
            with pytest.raises(StreamError, match="the connection broke"):
                await going


def open_pcm(path: Path) -> NDArray[np.float32]:
    return np.concatenate(list(open_recording(path).blocks()))


@in_loop
async def test_who_has_the_token_takes_the_call_from_a_line_that_is_half_open(
    tmp_path: Path,
) -> None:
    data = talk()
    half = len(data) // 2 + 1
    async with service(tmp_path) as addresses:
        async with line(addresses) as (old, welcome):
            await send(old, data[:half])
            await wait_acknowledged(old, half)
            async with line(addresses, token=welcome["token"]) as (new, again):
                assert again["received_bytes"] == half
                with suppress(ConnectionClosed):
                    await send(old, b"\x00" * 32_000)  # too late: not this line's call
                await send(new, data[half:])
                await end(new)
                with suppress(ConnectionClosed):
                    await wait_for(old, "never")
                assert old.close_code == 4409
        assert (await log(addresses, "c1"))[1:] == (await straight(addresses, data))[1:]

    np.testing.assert_array_equal(recorded(tmp_path), decode(data, MULAW))


@in_loop
async def test_nobody_takes_a_call_that_is_held_without_its_token(
    tmp_path: Path,
) -> None:
    async with service(tmp_path) as addresses, line(addresses) as (socket, _):
        assert await refusal(addresses) == 4409
        assert await refusal(addresses, token=HELLO["agent_id"]) == 4409
        await send(socket, talk())
        assert (await end(socket))["reason"] == "completed"


@in_loop
async def test_a_client_may_send_again_what_is_there_but_leave_nothing_out(
    tmp_path: Path,
) -> None:
    data = talk()
    async with service(tmp_path) as addresses:
        async with line(addresses) as (socket, welcome):
            await send(socket, data[:20_001])
            await wait_acknowledged(socket, 20_001)
        token = welcome["token"]
        assert await refusal(addresses, token=token, from_byte=20_002) == 4416
        async with line(addresses, token=token, from_byte=1_111) as (socket, again):
            assert again["received_bytes"] == 20_001
            await send(socket, data[1_111:])
            await end(socket)
        assert await refusal(addresses, call_id="new", from_byte=1) == 4416
        assert (await log(addresses, "c1"))[1:] == (await straight(addresses, data))[1:]


@in_loop
async def test_a_storm_of_reconnects_leaves_one_call_and_one_log(
    tmp_path: Path,
) -> None:
    data = talk()
    rng = random.Random(3)  # noqa: S311 - no secret
    lines: list[ClientConnection] = []
    async with service(tmp_path) as addresses:
        async with line(addresses) as (_, welcome):
            token = welcome["token"]
            at = 0
            for _ in range(40):
                socket = await connect(addresses.audio_url)
                lines.append(socket)
                await socket.send(json.dumps(HELLO | {"token": token}))
                at = json.loads(await socket.recv())["received_bytes"]
                await socket.send(data[at : at + rng.randint(1, 9000)])
                if rng.random() < 0.3:
                    socket.transport.abort()
        async with line(addresses, token=token, from_byte=0) as (socket, _):
            await send(socket, data)
            await end(socket)
        for old in lines:
            old.transport.abort()
        assert (await log(addresses, "c1"))[1:] == (await straight(addresses, data))[1:]

    assert at > 0


@in_loop
async def test_a_resumed_call_must_have_the_format_it_began_with(
    tmp_path: Path,
) -> None:
    async with service(tmp_path) as addresses:
        async with line(addresses) as (_, welcome):
            token = welcome["token"]
        assert await refusal(addresses, token=token, rate=16000) == 4400
        swapped = ["agent", "customer"]
        assert await refusal(addresses, token=token, channels=swapped) == 4400


@in_loop
async def test_a_client_that_comes_back_is_told_that_it_had_paused(
    tmp_path: Path,
) -> None:
    async with service(tmp_path) as addresses:
        async with line(addresses) as (socket, first):
            await socket.send('{"type":"pause"}')
            await send(socket, talk())
            await wait_acknowledged(socket, len(talk()))
        async with line(addresses, token=first["token"]) as (_, again):
            pass

    assert (first["paused"], again["paused"]) == (False, True)
    assert again["consent"] == "granted"


# Disks and databases.


@contextmanager
def no_file_grows_beyond(n_bytes: int) -> Iterator[None]:
    """The operating system takes nothing more for any file of this size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@in_loop
async def test_a_full_disk_costs_no_audio_and_no_cue_and_clears_by_itself(
    tmp_path: Path,
) -> None:
    data = talk(12.0)
    full = 3 * SECOND
    async with service(tmp_path) as addresses:
        feed = addresses.http_url.replace("http", "ws") + "/v1/live?topic=board"
        async with connect(feed) as screen, line(addresses) as (socket, _):
            with no_file_grows_beyond(full):
                await send(socket, data)
                await wait_problem(addresses, "disk")
                ready = await get(addresses, "/readyz")
                raw = tmp_path / "data" / "audio" / "c1.raw"
                assert raw.stat().st_size == full
                # Nothing is acknowledged, and the call is listened to all the same.
                alerted, told = False, False
                while not (alerted and told):
                    message = json.loads(await screen.recv())
                    told |= "disk" in message.get("problems", ())
                    alerted |= any(
                        entry["kind"] == "AlertOpened"
                        for entry in message.get("entries", ())
                    )
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.2):
                        while True:
                            ack = await wait_for(socket, "ack")
                            assert ack["received_bytes"] <= full
            await wait_acknowledged(socket, len(data))
            await end(socket)
        await wait_problem(addresses, "disk", there=False)
        ready_again = await get(addresses, "/readyz")
        assert (await log(addresses, "c1"))[1:] == (await straight(addresses, data))[1:]

    assert (ready.status_code, ready_again.status_code) == (503, 200)
    np.testing.assert_array_equal(recorded(tmp_path), decode(data, MULAW))


@in_loop
async def test_a_folder_that_is_gone_is_made_again_with_all_that_was_acknowledged(
    tmp_path: Path,
) -> None:
    data = talk()
    half = len(data) // 2
    async with service(tmp_path) as addresses:
        async with line(addresses) as (socket, _):
            await socket.send('{"type":"pause"}')
            await socket.send('{"type":"resume"}')
            await send(socket, data[:half])
            await wait_acknowledged(socket, half)
            await asyncio.to_thread(shutil.rmtree, tmp_path / "data")
            await asyncio.sleep(1.1)
            await send(socket, data[half:])
            await wait_acknowledged(socket, len(data))
            assert (tmp_path / "data" / "audio" / "c1.journal").read_text().count(
                "\n"
            ) == 3
            await end(socket)
        entries = await log(addresses, "c1")

    assert entries[-1]["kind"] == "CallEnded"
    np.testing.assert_array_equal(recorded(tmp_path), decode(data, MULAW))


@in_loop
async def test_a_locked_database_delays_no_call_and_gets_the_whole_log_later(
    tmp_path: Path,
) -> None:
    data = talk()
    async with service(tmp_path) as addresses:
        locking = sqlite3.connect(
            tmp_path / "data" / "calmline.db", isolation_level=None
        )
        locking.execute("BEGIN EXCLUSIVE")
        async with line(addresses) as (socket, _):  # a new call is taken
            await send(socket, data)
            await wait_acknowledged(socket, len(data))
            await wait_problem(addresses, "database")
            ready = await get(addresses, "/readyz")
            figures = (await get(addresses, "/metrics")).text
            locking.execute("ROLLBACK")
            locking.close()
            await end(socket)
        await wait_problem(addresses, "database", there=False)
        assert (await log(addresses, "c1"))[1:] == (await straight(addresses, data))[1:]

    assert ready.status_code == 503
    details = {it["problem"]: it["detail"] for it in ready.json()["problems"]}
    assert details["database"].endswith("SQLITE_BUSY")
    assert "calmline_entries_unstored" in figures


# Screens.


@in_loop
async def test_a_screen_that_stops_reading_slows_no_call(tmp_path: Path) -> None:
    data = talk(60.0)
    async with service(tmp_path) as addresses:
        host, port = addresses.http_url.removeprefix("http://").split(":")
        stuck = sockets.socket()
        stuck.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 2048)
        await asyncio.to_thread(stuck.connect, (host, int(port)))
        stuck.sendall(
            b"GET /v1/live?topic=board HTTP/1.1\r\nHost: localhost\r\n"
            b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Version: 13\r\n\r\n"
        )
        started = asyncio.get_running_loop().time()
        async with line(addresses) as (socket, _):
            await send(socket, data)
            await end(socket)
        took_s = asyncio.get_running_loop().time() - started
        entries = await log(addresses, "c1")
        stuck.close()

    assert entries[-1]["body"]["reason"] == "completed"
    assert took_s < 40


# Too much to do.


class SlowTranscriber(FakeTranscriber):
    """Takes a fixed time for each utterance, however short."""

    seconds = 0.8

    def transcribe(self, pcm: NDArray[np.float32], language: str | None) -> Transcript:
        time.sleep(self.seconds)
        return super().transcribe(pcm, language)


async def speak_then_wait(
    addresses: Addresses, call_id: str, recovered: asyncio.Event
) -> int:
    """Speak in real time for 12 s, then be silent until the service has recovered.

    Returns:
        How many bytes were sent, all of which were acknowledged.
    """
    times = np.arange(12 * 8000) / 8000
    pcm = np.zeros((len(times), 2), np.float32)
    pcm[:, 0] = 0.4 * np.sin(2 * np.pi * 300 * times) * (times % 1.6 < 0.8)
    data = encode(pcm, MULAW)
    n_sent = 0
    async with line(addresses, call_id=call_id, agent_id=call_id) as (socket, _):
        began = time.monotonic()
        while n_sent < len(data) or not recovered.is_set():
            piece = data[n_sent : n_sent + 1600] or MULAW.silence(1600)
            await socket.send(piece)
            n_sent += len(piece)
            due = began + n_sent / SECOND
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await wait_acknowledged(socket, n_sent)
        await end(socket)
    return n_sent


@in_loop
async def test_twice_the_capacity_climbs_the_ladder_loses_no_words_and_comes_back(
    tmp_path: Path,
) -> None:
    n_calls = 4  # each has half of what the model can do
    ladder = LadderParams(from_s=(1.0, 2.0, 3.0), hold_s=1.0, clear_s=2.0)
    slow = Models(FakeDetector, SlowTranscriber(), FakeVoiceReader(), ("slow",))
    seen: list[str] = []
    recovered = asyncio.Event()
    async with service(tmp_path, slow, ladder) as addresses:
        async with asyncio.TaskGroup() as tasks:
            calls = [
                tasks.create_task(speak_then_wait(addresses, f"c{n}", recovered))
                for n in range(n_calls)
            ]
            while "late" not in seen or await problems(addresses):
                seen += sorted(await problems(addresses) - set(seen), key=RUNGS.index)
                await asyncio.sleep(0.1)
            recovered.set()
        logs = [await log(addresses, f"c{n}") for n in range(n_calls)]

    assert seen == list(RUNGS)
    for number, entries in enumerate(logs):
        finals = [entry for entry in entries if entry["kind"] == "TranscriptFinal"]
        assert len(finals) == 8  # 12 s, one every 1.6 s
        told = [
            (entry["kind"], entry["body"]["what"])
            for entry in entries
            if entry["kind"] in ("Degraded", "Recovered")
        ]
        # Once; more often on a machine that is busy with other things as well.
        pair = [("Degraded", "voice_sparse"), ("Recovered", "voice_sparse")]
        assert told
        assert told == pair * (len(told) // 2)
        n_samples = calls[number].result() // 2
        assert len(recorded(tmp_path, f"c{number}")) == n_samples
