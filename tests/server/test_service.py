"""The service as its clients meet it: real sockets, fake models."""

import asyncio
import json
import logging
import os
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from websockets.asyncio.client import connect

from audio.codec import decode, encode
from models.ports import Transcriber, Transcript
from server.engine import Models
from server.service import Addresses
from service_under_test import (
    HELLO,
    MULAW,
    closed_with,
    end,
    get,
    in_loop,
    line,
    quick_models,
    wait_acknowledged,
    wait_for,
)
from service_under_test import service as running

pytestmark = pytest.mark.service

CLIENTS = ("websockets.client", "httpx", "httpcore.http11", "httpcore.connection")
"""Loggers of the test's own clients, which may log what they send."""

PLANTED = "my secret pineapple you are useless i will sue you"


class BrokenTranscriber(Transcriber):
    def transcribe(self, pcm: NDArray[np.float32], language: str | None) -> Transcript:
        raise RuntimeError(f"a bug on {len(pcm)} samples of {language}")


MODELS = quick_models(PLANTED)


def service(
    tmp_path: Path, models: Models = MODELS, **changes: Any
) -> AbstractAsyncContextManager[Addresses]:
    return running(tmp_path, models, **changes)


def talk(seconds: float = 4.0) -> bytes:
    """The customer speaks from 0.5 s to one second before the end."""
    pcm = np.zeros((round(seconds * 8000), 2), np.float32)
    times = np.arange(4000, len(pcm) - 8000)
    pcm[4000 : len(pcm) - 8000, 0] = 0.4 * np.sin(times / 3)
    return encode(pcm, MULAW)


async def wait_ended(addresses: Addresses, call_id: str) -> dict[str, Any]:
    """Wait until a call is over; return its summary."""
    while True:
        response = await get(addresses, f"/v1/calls/{call_id}")
        summary: dict[str, Any] = response.json()
        if summary["end_reason"]:
            return summary
        await asyncio.sleep(0.1)


async def play(addresses: Addresses, data: bytes, **changes: Any) -> dict[str, Any]:
    """Play a whole call; return what the service says at its end."""
    async with line(addresses, **changes) as (socket, _):
        for at in range(0, len(data), 320):
            await socket.send(data[at : at + 320])
        ended = await end(socket)
        assert await closed_with(socket) == 1000
        return ended


@in_loop
async def test_a_call_is_stored_whole(tmp_path: Path) -> None:
    data = talk()
    async with service(tmp_path) as addresses:
        ended = await play(addresses, data)
        summary = (await get(addresses, "/v1/calls/c1")).json()
        entries = (await get(addresses, "/v1/calls/c1/entries")).json()
        audio = await get(addresses, "/v1/calls/c1/audio")

    assert ended["reason"] == "completed"
    assert ended["duration_s"] == pytest.approx(4.0, abs=0.04)
    assert summary["end_reason"] == "completed"
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    kinds = {entry["kind"] for entry in entries}
    assert {"TranscriptFinal", "VoiceReading", "HostilityPoint", "AlertOpened"} <= kinds
    (tmp_path / "c1.flac").write_bytes(audio.content)
    pcm, _ = soundfile.read(tmp_path / "c1.flac", dtype="float32")
    np.testing.assert_array_equal(pcm, decode(data, MULAW))


@in_loop
async def test_finished_calls_are_there_after_a_restart(tmp_path: Path) -> None:
    async with service(tmp_path) as addresses:
        await play(addresses, talk())

    async with service(tmp_path) as addresses:
        calls = (await get(addresses, "/v1/calls?state=ended")).json()

    assert [call["call_id"] for call in calls] == ["c1"]


@in_loop
async def test_a_screen_sees_a_snapshot_then_everything_that_happens(
    tmp_path: Path,
) -> None:
    async with service(tmp_path) as addresses:
        feed = addresses.http_url.replace("http", "ws") + "/v1/live?topic=agent:a7"
        async with connect(feed) as screen:
            first = json.loads(await screen.recv())
            await play(addresses, talk())
            entries: list[dict[str, Any]] = []
            while not entries or entries[-1]["kind"] != "CallEnded":
                entries += json.loads(await screen.recv()).get("entries", [])
        stored = (await get(addresses, "/v1/calls/c1/entries")).json()

    assert first == {"type": "snapshot", "calls": []}
    assert entries == stored


@in_loop
async def test_another_agents_screen_sees_nothing_of_the_call(tmp_path: Path) -> None:
    async with service(tmp_path) as addresses:
        feed = addresses.http_url.replace("http", "ws") + "/v1/live?topic=agent:b2"
        async with connect(feed) as screen:
            await play(addresses, talk())
            await asyncio.sleep(1.2)
            messages = [json.loads(await screen.recv()) for _ in range(2)]

    assert messages[0] == {"type": "snapshot", "calls": []}
    assert messages[1] == {"type": "clock", "calls": {}, "behind": {}, "problems": []}


@in_loop
async def test_a_client_that_lost_its_line_goes_on_where_it_was(tmp_path: Path) -> None:
    data = talk(6.0)
    half = len(data) // 2 + 1
    async with service(tmp_path) as addresses:
        async with line(addresses) as (socket, _):
            await socket.send(data[:half])
            await wait_acknowledged(socket, half)
            socket.transport.abort()
        await asyncio.sleep(0.2)
        async with line(addresses) as (socket, welcome):
            assert welcome["received_bytes"] == half
            await socket.send(data[half:])
            await socket.send('{"type":"end"}')
            await wait_for(socket, "ended")
        await play(addresses, data, call_id="c2")
        resumed = (await get(addresses, "/v1/calls/c1/entries")).json()
        straight = (await get(addresses, "/v1/calls/c2/entries")).json()

    assert resumed[1:] == straight[1:]  # the first entry has the call's id and start


@in_loop
async def test_a_client_that_never_comes_back_ends_the_call(tmp_path: Path) -> None:
    async with service(tmp_path, resume_window_s=0.2) as addresses:
        async with line(addresses) as (socket, _):
            await socket.send(talk())
            await wait_acknowledged(socket, len(talk()))
        summary = await wait_ended(addresses, "c1")

    assert summary["end_reason"] == "line_lost"


@in_loop
async def test_stopping_the_service_stores_the_call_with_a_reason(
    tmp_path: Path,
) -> None:
    data = talk()
    async with service(tmp_path) as addresses, line(addresses) as (socket, _):
        await socket.send(data)
        await wait_acknowledged(socket, len(data))
        closing = asyncio.create_task(closed_with(socket))
        await asyncio.sleep(0)
        stopping = asyncio.get_running_loop().time()
    async with service(tmp_path) as addresses:
        summary = (await get(addresses, "/v1/calls/c1")).json()
        audio = await get(addresses, "/v1/calls/c1/audio")

    assert await closing in (1000, 1001)
    assert asyncio.get_running_loop().time() - stopping < 30
    assert summary["end_reason"] == "service_stopped"
    assert audio.status_code == 200


@in_loop
async def test_a_call_that_nobody_comes_back_to_after_a_crash_is_finished_from_disk(
    tmp_path: Path,
) -> None:
    data = talk()
    async with service(tmp_path) as addresses, line(addresses) as (socket, _):
        await socket.send(data)
        await wait_acknowledged(socket, len(data))
        crashed = tmp_path / "crashed"
        for path in (tmp_path / "data").rglob("*"):
            if path.is_file():
                copy = crashed / "data" / path.relative_to(tmp_path / "data")
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(path.read_bytes())
    async with service(crashed, resume_window_s=0.1) as addresses:
        summary = await wait_ended(addresses, "c1")
        entries = (await get(addresses, "/v1/calls/c1/entries")).json()
        audio = await get(addresses, "/v1/calls/c1/audio")

    assert summary["end_reason"] == "line_lost"
    assert summary["duration_s"] == 4.0
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert audio.status_code == 200


GARBAGE = [
    ([os.urandom(300)], 4401),
    (["hello"], 4400),
    (["{}"], 4400),
    ([json.dumps(HELLO | {"rate": 1})], 4400),
    ([json.dumps(HELLO | {"consent": "refused"})], 4451),
    ([json.dumps(HELLO), "text where audio is due"], 4400),
    ([json.dumps(HELLO), '{"type":"explode"}'], 4400),
    ([json.dumps(HELLO), b"\xff" * ((1 << 20) + 1)], 1009),
    (["x" * ((1 << 20) + 1)], 1009),
]


@pytest.mark.parametrize(("messages", "code"), GARBAGE)
@in_loop
async def test_garbage_gets_its_close_code_and_disturbs_no_other_call(
    tmp_path: Path, messages: list[bytes | str], code: int
) -> None:
    data = talk()
    async with service(tmp_path) as addresses:
        async with line(addresses, call_id="good") as (good, _):
            await good.send(data[: len(data) // 2])
            async with connect(addresses.audio_url) as bad:
                for message in messages:
                    await bad.send(message)
                assert await closed_with(bad) == code
            await good.send(data[len(data) // 2 :])
            await good.send('{"type":"end"}')
            assert (await wait_for(good, "ended"))["reason"] == "completed"
        entries = (await get(addresses, "/v1/calls/good/entries")).json()

    assert any(entry["kind"] == "TranscriptFinal" for entry in entries)


@in_loop
async def test_random_bytes_on_the_port_are_no_call(tmp_path: Path) -> None:
    async with service(tmp_path) as addresses:
        port = int(addresses.audio_url.split(":")[2].split("/")[0])
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(os.urandom(500) + b"\r\n\r\n")
            await writer.drain()
            await reader.read()
            writer.close()
        ended = await play(addresses, talk())

    assert ended["reason"] == "completed"


@in_loop
async def test_a_wrong_path_a_silent_client_and_a_taken_call_are_told_apart(
    tmp_path: Path,
) -> None:
    async with service(tmp_path, hello_timeout_s=0.2, max_calls=1) as addresses:
        async with connect(addresses.audio_url + "x") as socket:
            assert await closed_with(socket) == 4404
        async with connect(addresses.audio_url) as socket:
            assert await closed_with(socket) == 4408
        async with line(addresses), connect(addresses.audio_url) as second:
            await second.send(json.dumps(HELLO))
            assert await closed_with(second) == 4409
        async with connect(addresses.audio_url) as third:
            await third.send(json.dumps(HELLO | {"call_id": "c9"}))
            assert await closed_with(third) == 4429


@in_loop
async def test_a_call_that_is_over_is_not_opened_again(tmp_path: Path) -> None:
    async with service(tmp_path) as addresses:
        await play(addresses, talk())
        async with connect(addresses.audio_url) as socket:
            await socket.send(json.dumps(HELLO))
            assert await closed_with(socket) == 4409


@in_loop
async def test_nothing_is_heard_before_consent_and_nothing_kept_after_refusal(
    tmp_path: Path,
) -> None:
    data = talk()
    async with service(tmp_path) as addresses:
        await play(addresses, data, call_id="unknown", consent="unknown")
        unknown = (await get(addresses, "/v1/calls/unknown/entries")).json()
        async with line(addresses, call_id="refuses") as (socket, _):
            await socket.send(data)
            await socket.send('{"type":"consent","consent":"refused"}')
            ended = await wait_for(socket, "ended")
            assert await closed_with(socket) == 4451
        refuses = (await get(addresses, "/v1/calls/refuses/entries")).json()
        audio = await get(addresses, "/v1/calls/refuses/audio")

    silence, _ = soundfile.read(tmp_path / "data" / "audio" / "unknown.flac")
    assert not silence.any()
    assert "TranscriptFinal" not in {entry["kind"] for entry in unknown}
    assert ended["reason"] == "consent_refused"
    assert [e["kind"] for e in refuses] == [
        "CallStarted",
        "ConsentChanged",
        "CallEnded",
    ]
    assert refuses[0]["body"]["customer_ref"] == ""
    assert audio.status_code == 404
    assert not list((tmp_path / "data" / "audio").glob("refuses*"))


@in_loop
async def test_a_call_whose_model_breaks_fails_alone(tmp_path: Path) -> None:
    broken = replace(MODELS, transcriber=BrokenTranscriber())
    async with service(tmp_path, broken) as addresses:
        async with line(addresses) as (socket, _):
            await socket.send(talk())
            await closed_with(socket)
        summary = (await get(addresses, "/v1/calls/c1")).json()
        health = await get(addresses, "/healthz")

    assert summary["end_reason"] == "service_failed"
    assert health.status_code == 200


@in_loop
async def test_a_supervisor_acknowledges_and_writes_a_note(tmp_path: Path) -> None:
    async with service(tmp_path) as addresses:
        async with (
            line(addresses) as (socket, _),
            httpx.AsyncClient(base_url=addresses.http_url) as client,
        ):
            await socket.send(talk(10.0))
            alert_id = ""
            while not alert_id:
                entries = (await client.get("/v1/calls/c1/entries")).json()
                opened = [e for e in entries if e["kind"] == "AlertOpened"]
                alert_id = opened[0]["body"]["alert_id"] if opened else ""
                await asyncio.sleep(0.05)
            path = f"/v1/calls/c1/alerts/{alert_id}/acknowledge"
            first = await client.post(path, json={"by": "Mia"})
            note = {"text": "breathe", "by": "Mia"}
            second = await client.post("/v1/calls/c1/notes", json=note)
            unknown = await client.post(
                "/v1/calls/c1/alerts/zz/acknowledge", json={"by": "Mia"}
            )
            empty = await client.post("/v1/calls/c1/notes", json={"text": ""})
            await socket.send('{"type":"end"}')
            await wait_for(socket, "ended")
        entries = (await get(addresses, "/v1/calls/c1/entries")).json()

    assert (first.status_code, second.status_code) == (204, 204)
    assert unknown.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"
    assert empty.status_code == 422
    bodies = {entry["kind"]: entry["body"] for entry in entries}
    assert bodies["AlertAcknowledged"]["by"] == "Mia"
    assert bodies["Note"] == note


@in_loop
async def test_foreign_pages_and_foreign_names_are_refused(tmp_path: Path) -> None:
    async with (
        service(tmp_path) as addresses,
        httpx.AsyncClient(base_url=addresses.http_url) as client,
    ):
        origin = await client.get("/v1/calls", headers={"Origin": "https://evil.test"})
        host = await client.get("/v1/calls", headers={"Host": "evil.test"})
        own = await client.get("/v1/calls", headers={"Origin": addresses.http_url})
        feed = addresses.http_url.replace("http", "ws") + "/v1/live"
        async with connect(feed, origin="https://evil.test") as screen:  # type: ignore[arg-type]  # a NewType of str
            refused = await closed_with(screen)

    assert (origin.status_code, host.status_code) == (403, 403)
    assert own.status_code == 200
    assert refused == 1008


@in_loop
async def test_figures_are_served(tmp_path: Path) -> None:
    async with service(tmp_path) as addresses:
        await play(addresses, talk())
        text = (await get(addresses, "/metrics")).text

    assert 'calmline_calls_total{reason="completed"} 1.0' in text
    assert "calmline_stage_seconds_count" in text


@in_loop
async def test_nothing_that_was_said_is_ever_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with service(tmp_path) as addresses:
        feed = addresses.http_url.replace("http", "ws") + "/v1/live"
        async with connect(feed) as screen:
            await play(addresses, talk())
            shown = "".join([str(await screen.recv()) for _ in range(3)])
        figures = (await get(addresses, "/metrics")).text

    ours = [record for record in caplog.records if record.name not in CLIENTS]
    logged = "".join(record.getMessage() + str(vars(record)) for record in ours)
    assert "call ended" in logged
    assert "K-77" in shown
    for secret in ("pineapple", "K-77"):
        assert secret not in logged + figures
