"""A live call with one channel as clients and pages meet it: real sockets, fakes."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.asyncio.client import connect

from audio.codec import AudioFormat, Encoding, encode
from audio.speakers import Turn
from made_mono_call import ByLength
from models.fake import FakeDetector, FakeDiariser, FakeTracker, FakeVoiceReader
from server.config import ServiceSettings
from server.engine import Models
from server.factory import CallFactory
from server.service import Addresses, running_service
from server.store import Store

pytestmark = pytest.mark.service

RATE = 8000
LENGTH_S = 22.0
LIVE = (
    Turn(1.0, 4.0, "v1"),
    Turn(5.0, 11.0, "v2"),
    Turn(12.0, 16.0, "v1"),
    Turn(16.5, 21.0, "v2"),
)
WHOLE = tuple(
    Turn(turn.start_s, turn.end_s, {"v1": "s0", "v2": "s1"}[turn.speaker])
    for turn in LIVE
)
"""The same voices, under other names."""

MODELS = Models(
    FakeDetector,
    ByLength(),
    FakeVoiceReader([0.5] * 1000),
    ("fake",),
    diariser=FakeDiariser(WHOLE),
    new_tracker=lambda: FakeTracker(LIVE),
)
HELLO = {
    "call_id": "c1",
    "agent_id": "a7",
    "consent": "granted",
    "channels": ["mono"],
    "encoding": "mulaw",
    "rate": RATE,
    "language": "en",
}


def talk() -> bytes:
    pcm = np.zeros((round(LENGTH_S * RATE), 1), np.float32)
    for turn in LIVE:
        pcm[round(turn.start_s * RATE) : round(turn.end_s * RATE)] = 0.3
    return encode(pcm, AudioFormat(Encoding.MULAW, RATE, 1))


async def play(client: httpx.AsyncClient, addresses: Addresses) -> None:
    """Play the call; somebody turns the parties round before it ends."""
    data = talk()
    async with connect(addresses.audio_url) as socket:
        await socket.send(json.dumps(HELLO))
        for at in range(0, len(data), 800):
            await socket.send(data[at : at + 800])
        entries = await over(client, 1)
        assert parties_of(entries) == {"v1": "agent", "v2": "customer"}
        wrong = await client.post("/v1/calls/c1/roles", json=says("v9"))
        assert wrong.status_code == 409
        turned = await client.post("/v1/calls/c1/roles", json=says("v1"))
        assert turned.status_code == 204
        assert parties_of(await over(client, 2)) == {"v1": "customer", "v2": "agent"}
        await socket.send('{"type":"end"}')
        while json.loads(await socket.recv())["type"] != "ended":
            pass


def says(customer: str) -> dict[str, str]:
    return {"customer": customer, "by": "mia"}


async def over(client: httpx.AsyncClient, n_over: int) -> list[dict[str, Any]]:
    """Wait until a call has started over so often and has its roles; what holds."""
    seen: list[dict[str, Any]] = []
    while True:
        async with asyncio.timeout(30):
            answer = await client.get("/v1/calls/c1/entries?whole=true")
        seen = answer.json() if answer.status_code == 200 else []
        kinds = [entry["kind"] for entry in seen]
        if kinds.count("StartedOver") >= n_over:
            last = len(kinds) - 1 - kinds[::-1].index("StartedOver")
            if "RolesAssigned" in kinds[last:]:
                return seen
        await asyncio.sleep(0.05)


def parties_of(entries: list[dict[str, Any]]) -> dict[str, str]:
    assigned = [e for e in entries if e["kind"] == "RolesAssigned"][-1]["body"]
    return {each["speaker"]: each["party"] for each in assigned["speakers"]}


def test_a_live_call_is_told_apart_turned_round_and_heard_again_at_its_end(
    tmp_path: Path,
) -> None:
    settings = ServiceSettings(audio_port=0, http_port=0, data_dir=tmp_path / "data")

    async def run() -> tuple[list[dict[str, Any]], ...]:
        factory = CallFactory.of(MODELS)
        async with (
            running_service(settings, factory) as addresses,
            httpx.AsyncClient(base_url=addresses.http_url) as client,
        ):
            await play(client, addresses)
            final = await over(client, 3)
            again = await client.post("/v1/calls/c1/roles", json=says("s1"))
            assert again.status_code == 202
            turned = await over(client, 4)
            holds = (await client.get("/v1/calls/c1/entries")).json()
            wrong = await client.post("/v1/calls/c1/roles", json=says("v1"))
            assert wrong.status_code == 404
            gone = await client.post("/v1/calls/c9/roles", json=says("v1"))
            assert gone.status_code == 404
            return final, turned, holds

    final, turned, holds = asyncio.run(asyncio.wait_for(run(), 60))

    assert turned[: len(final)] == final  # Nothing in a log is rewritten.
    assert [e["seq"] for e in turned] == list(range(1, len(turned) + 1))
    # What was said while the call was live holds, under the voice's new name.
    assert parties_of(final) == {"s0": "customer", "s1": "agent"}
    assert parties_of(holds) == {"s0": "agent", "s1": "customer"}
    assert holds[0]["kind"] == "CallStarted"
    assert holds[0]["body"]["parties"] == ["customer", "agent"]
    kinds = [entry["kind"] for entry in holds]
    assert kinds.count("CallStarted") == kinds.count("TurnsFound") == 1
    points = [e["body"]["score"] for e in holds if e["kind"] == "HostilityPoint"]
    store = Store(settings.url)
    summary = store.call("c1")
    store.close()
    assert summary is not None
    assert summary.peak_score == pytest.approx(max(points))
