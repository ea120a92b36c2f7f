"""The cue's three moments on the agent's screens, with models that are quick."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser

from audio.codec import encode
from server.service import Addresses
from service_under_test import MULAW, line, quick_models, serving, wait_for

pytestmark = pytest.mark.service

STEP_S = 0.02
SCREENS = ("lang=en", "lang=zh", "lang=en&overlay")
STILL = "lang=zh&overlay"
"""Somebody who asked for no movement."""


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
    async with line(addresses) as (socket, _):
        start = clock()
        for number, at in enumerate(range(0, len(data), step)):
            await socket.send(data[at : at + step])
            await asyncio.sleep(max(0.0, start + number * STEP_S - clock()))
        await socket.send('{"type":"end"}')
        await wait_for(socket, "ended")


@pytest.fixture(scope="module")
def seen(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser, watch_cue: str
) -> Iterator[dict[str, dict[str, Any]]]:
    """What each screen showed of one call."""
    words = "this is ridiculous you are all completely useless"
    models = quick_models(words, anger=0.95)
    with serving(tmp_path_factory.mktemp("cue"), models) as addresses:
        pages = {query: browser.new_page() for query in SCREENS}
        pages[STILL] = browser.new_page(reduced_motion="reduce")
        for query, page in pages.items():
            page.goto(f"{addresses.http_url}/agent/a7?{query}")
            page.evaluate(watch_cue)
        # In a thread: this one has a loop of Playwright's.
        playing = threading.Thread(target=asyncio.run, args=(play(addresses, call()),))
        playing.start()
        for page in pages.values():
            page.wait_for_function(
                "() => window.seen.states.includes('followed')", timeout=60_000
            )
        playing.join(60)
        yield {query: page.evaluate("window.seen") for query, page in pages.items()}
        for page in pages.values():
            page.close()


@pytest.mark.parametrize("query", [*SCREENS, STILL])
def test_the_cue_is_armed_counts_to_one_and_is_released(
    seen: dict[str, dict[str, Any]], query: str
) -> None:
    states = [state for state in seen[query]["states"] if state != "idle"]

    assert states == ["armed", "counting", "released", "followed"]
    counts = [count for count in seen[query]["counts"] if count != "0"]
    assert counts == list("54321")
    assert len(seen[query]["lines"]) == 1


def test_the_ring_goes_by_steps_for_who_wants_no_movement(
    seen: dict[str, dict[str, Any]],
) -> None:
    assert len(seen[STILL]["rings"]) <= 6
    assert len(seen["lang=zh"]["rings"]) > 20
