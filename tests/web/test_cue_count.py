"""The cue's three moments on the agent's screen, with models that are quick."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import async_playwright
from websockets.asyncio.client import connect

from audio.codec import AudioFormat, Encoding, encode
from models.fake import FakeDetector, FakeTranscriber, FakeVoiceReader
from server.config import ServiceSettings
from server.engine import Models
from server.factory import CallFactory
from server.service import Addresses, running_service

pytestmark = pytest.mark.service

MULAW = AudioFormat(Encoding.MULAW, 8000, 2)
STEP_S = 0.02
HELLO = {
    "agent_id": "a7",
    "consent": "granted",
    "channels": ["customer", "agent"],
    "encoding": "mulaw",
    "rate": 8000,
    "language": "en",
}


def tone(*spans: tuple[float, float], total_s: float) -> NDArray[np.float32]:
    times = np.arange(round(total_s * 8000)) / 8000
    sounds = sum((times >= start) & (times < end) for start, end in spans)
    return (0.4 * np.sin(2 * np.pi * 300 * times) * sounds).astype(np.float32)


def call() -> bytes:
    """The customer raves for twelve seconds; the agent answers six seconds later."""
    customer = tone((0.5, 12), total_s=21)
    agent = tone((18, 20.5), total_s=21)
    return encode(np.stack([customer, agent], axis=1), MULAW)


async def play(addresses: Addresses, data: bytes) -> None:
    step = round(STEP_S * 8000) * 2
    clock = asyncio.get_running_loop().time
    async with connect(addresses.audio_url) as socket:
        await socket.send(json.dumps(HELLO))
        start = clock()
        for number, at in enumerate(range(0, len(data), step)):
            await socket.send(data[at : at + step])
            await asyncio.sleep(max(0.0, start + number * STEP_S - clock()))
        await socket.send('{"type":"end"}')
        async for message in socket:
            if json.loads(message)["type"] == "ended":
                return


async def watch(
    tmp_path: Path, chromium: str, flags: tuple[str, ...], script: str, query: str
) -> dict[str, Any]:
    words = ["this is ridiculous you are all completely useless"] * 9
    angry = FakeVoiceReader([0.95] * 99)
    models = Models(FakeDetector, FakeTranscriber(words), angry, ("fake",))
    settings = ServiceSettings(audio_port=0, http_port=0, data_dir=tmp_path)
    async with (
        running_service(settings, CallFactory.of(models)) as addresses,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=list(flags)
        )
        page = await browser.new_page()
        await page.goto(f"{addresses.http_url}/agent/a7?{query}")
        await page.evaluate(script)
        await play(addresses, call())
        await page.wait_for_function("window.seen.states.includes('followed')")
        seen: dict[str, Any] = await page.evaluate("window.seen")
        await browser.close()
    return seen


@pytest.mark.parametrize("query", ["lang=en", "lang=zh", "lang=en&overlay"])
def test_the_cue_is_armed_counts_to_one_and_is_released(
    tmp_path: Path,
    chromium: str,
    chromium_flags: tuple[str, ...],
    watch_cue: str,
    query: str,
) -> None:
    seen = asyncio.run(watch(tmp_path, chromium, chromium_flags, watch_cue, query))

    states = [state for state in seen["states"] if state != "idle"]
    assert states == ["armed", "counting", "released", "followed"]
    assert [count for count in seen["counts"] if count != "0"] == list("54321")
    assert len(seen["lines"]) == 1
