"""The demo call, as a supervisor, an agent and an auditor see it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.service

ROOT = Path(__file__).parents[2]
CALL = ROOT / "evaluation" / "demo" / "demo-en.flac"
COMMAND = Path(sys.executable).with_name("calmline")
LONGEST_CALL_MS = 180_000

# Notes in the page what the board shows, so that nothing depends on how often the
# test looks.
WATCH_BOARD = """
window.seen = {phases: [], peak: 0, last: 0, alerts: []};
const look = () => {
  const call = document.querySelector('[data-testid=board-call]');
  const add = (list, value) => {
    if (value && !list.includes(value)) list.push(value);
  };
  if (call) {
    const phase = call.querySelector('[data-testid=board-phase]');
    add(window.seen.phases, phase?.dataset.phase);
    const score = call.querySelector('[data-testid=board-score]');
    window.seen.last = Number.parseFloat(score?.textContent) || 0;
    window.seen.peak = Math.max(window.seen.peak, window.seen.last);
    for (const alert of document.querySelectorAll('[data-testid=board-alert]'))
      add(window.seen.alerts, alert.dataset.rule);
  }
  requestAnimationFrame(look);
};
look();
"""


@dataclass
class Seen:
    """What the pages showed while the call went on."""

    board: dict[str, Any]
    agent: dict[str, Any]
    transcript: list[str]
    http_url: str
    problems: list[str] = field(default_factory=list)


def open_page(browser: Browser, url: str, problems: list[str]) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(url)
    return page


@pytest.fixture(scope="module")
def seen(browser: Browser, service: Any, watch_cue: str) -> Iterator[Seen]:
    problems: list[str] = []
    board = open_page(browser, f"{service.http_url}/board?lang=en", problems)
    agent = open_page(browser, f"{service.http_url}/agent/demo?lang=en", problems)
    board.evaluate(WATCH_BOARD)
    agent.evaluate(watch_cue)
    with subprocess.Popen(
        [
            str(COMMAND),
            "stream",
            str(CALL),
            "--url",
            service.audio_url,
            "--agent",
            "demo",
        ]
    ) as streaming:
        expect(board.get_by_test_id("board-call")).to_be_visible(timeout=20_000)
        assert streaming.wait(timeout=LONGEST_CALL_MS / 1000) == 0
    result = Seen(
        board=board.evaluate("window.seen"),
        agent=agent.evaluate("window.seen"),
        transcript=agent.get_by_test_id("transcript-line").all_inner_texts(),
        http_url=service.http_url,
        problems=problems,
    )
    yield result
    board.close()
    agent.close()


def in_order(wanted: tuple[str, ...], found: list[str]) -> bool:
    rest = iter(found)
    return all(state in rest for state in wanted)


def test_the_board_shows_the_call_rise_and_cool_down(seen: Seen) -> None:
    assert seen.board["peak"] >= 60
    phases = seen.board["phases"]
    assert in_order(("rational", "take_off", "peak", "slow_down"), phases)
    assert seen.board["last"] <= seen.board["peak"] / 2


def test_the_board_shows_alerts(seen: Seen) -> None:
    assert seen.board["alerts"]


def test_the_agent_is_told_to_pause_and_what_to_say(seen: Seen) -> None:
    # The exact count is tested with quick models, in test_cue_count.py: on a busy
    # machine the real ones may be late for a moment of it.
    assert in_order(("armed", "counting", "followed"), seen.agent["states"])
    assert seen.agent["counts"]
    assert seen.agent["lines"]


def test_the_agent_sees_what_both_parties_say(seen: Seen) -> None:
    said = " ".join(seen.transcript).lower()

    assert len(seen.transcript) >= 8
    assert "third" in said
    assert "sorry" in said


def test_no_page_threw_an_error(seen: Seen) -> None:
    assert seen.problems == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_auditor_finds_the_finished_call(
    seen: Seen, browser: Browser, language: str
) -> None:
    page = open_page(browser, f"{seen.http_url}/audit?lang={language}", seen.problems)
    page.get_by_test_id("audit-call").first.click()

    expect(page).to_have_url(re.compile(r"/audit/\w+"))
    expect(page.get_by_test_id("audit-curve")).to_be_visible()
    expect(page.get_by_test_id("transcript-line").first).to_be_visible()
    page.get_by_test_id("audit-play").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('audio')].some(a => a.currentTime > 0.3)"
        " || document.querySelector('[data-testid=audit-play]')"
        ".getAttribute('aria-pressed') === 'true'",
        timeout=15_000,
    )
    page.close()
