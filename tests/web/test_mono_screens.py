"""Who is who on one channel, in a real browser: a live call, and one that is over."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from websockets.sync.client import connect

from audio.codec import AudioFormat, Encoding, encode
from made_mono_call import TURNS, ByLength
from models.fake import FakeDetector, FakeDiariser, FakeTracker, FakeVoiceReader
from server.engine import Models
from service_under_test import HELLO, serving

pytestmark = pytest.mark.service

AXE = Path(__file__).parents[2] / "server/web/node_modules/axe-core/axe.min.js"
FIND_VIOLATIONS = """
axe.run({resultTypes: ['violations']}).then(({violations}) => violations
  .filter((it) => ['serious', 'critical'].includes(it.impact))
  .map((it) => `${it.id}: ${it.nodes.map((node) => node.target)}`))
"""
LENGTH_S = 27.0
NARROW = {"width": 400, "height": 800}
TIMEOUT_MS = 20_000


@dataclass
class Line:
    """A service with one live call and one that is over, each on one channel."""

    url: str

    def n_over(self, call_id: str) -> int:
        """How often the call was listened to again."""
        address = f"{self.url}/v1/calls/{call_id}/entries?whole=true"
        answer = httpx.get(address)
        entries: list[dict[str, Any]] = answer.json() if answer.is_success else []
        return sum(entry["kind"] == "StartedOver" for entry in entries)


def talk() -> bytes:
    pcm = np.zeros((round(LENGTH_S * 8000), 1), np.float32)
    for turn in TURNS:
        pcm[round(turn.start_s * 8000) : round(turn.end_s * 8000)] = 0.3
    return encode(pcm, AudioFormat(Encoding.MULAW, 8000, 1))


@pytest.fixture(scope="module")
def mono(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    models = Models(
        FakeDetector,
        ByLength(),
        FakeVoiceReader([0.5] * 1000),
        ("fake",),
        diariser=FakeDiariser(TURNS),
        new_tracker=lambda: FakeTracker(TURNS),
    )
    folder = tmp_path_factory.mktemp("mono")
    with serving(folder, models) as addresses, connect(addresses.audio_url) as live:
        hello = HELLO | {"channels": ["mono"]}
        live.send(json.dumps(hello | {"call_id": "live"}))
        live.send(talk())
        draining = threading.Thread(target=lambda: list(live))
        draining.start()
        with connect(addresses.audio_url) as other:
            other.send(json.dumps(hello | {"call_id": "past"}))
            other.send(talk())
            other.send('{"type":"end"}')
            list(other)
        line = Line(addresses.http_url)
        # The words tell who is who; the call that is over is then heard as a whole.
        while line.n_over("live") < 1 or line.n_over("past") < 2:
            sleep(0.1)
        yield line
        live.close()
        draining.join()


@pytest.fixture(params=["en", "zh"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    problems: list[str] = []
    page = browser.new_page(
        viewport={"width": 1440, "height": 900},
        color_scheme="dark" if request.param == "zh" else "light",
        reduced_motion="reduce",
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_default_timeout(TIMEOUT_MS)
    page.add_init_script(f"localStorage['calmline.language'] = '{request.param}'")
    page.add_init_script("localStorage['calmline.name'] = 'Kim'")
    yield page
    page.close()
    assert problems == []


@pytest.mark.parametrize("path", ["board?call=live", "audit/past"])
def test_who_is_who_is_turned_round_by_one_click_on_a_narrow_screen_too(
    page: Page, mono: Line, path: str
) -> None:
    page.goto(f"{mono.url}/{path}")
    roles = page.get_by_test_id("roles")
    customer = roles.locator(".who.customer")
    expect(customer).to_be_visible(timeout=TIMEOUT_MS)
    # Not while the player's button fades in.
    expect(page.locator("button.play:disabled")).to_have_count(0, timeout=TIMEOUT_MS)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(FIND_VIOLATIONS)
    before = "v1" if "v1" in customer.inner_text() else "v2"
    after = "v2" if before == "v1" else "v1"
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # it is such a dict

    page.get_by_test_id("roles-swap").click()

    expect(customer).to_contain_text(after, timeout=TIMEOUT_MS)
    expect(roles).to_contain_text("Kim", timeout=TIMEOUT_MS)
    wide = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
    assert wide <= 0
    assert found == []
