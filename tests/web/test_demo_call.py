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
CUE_STATES = ("armed", "counting", "released", "followed")

# Notes in the page every state the cue goes through and every number it shows, so
# that nothing depends on how often the test looks.
WATCH_CUE = """
window.seen = {states: [], counts: [], lines: []};
const look = () => {
  const cue = document.querySelector('[data-testid=cue]');
  const add = (list, value) => {
    if (value && list.at(-1) !== value) list.push(value);
  };
  if (cue) {
    add(window.seen.states, cue.dataset.state);
    add(window.seen.counts,
        cue.querySelector('[data-testid=cue-count]')?.textContent.trim());
    add(window.seen.lines,
        cue.querySelector('[data-testid=cue-line]')?.textContent.trim());
  }
  requestAnimationFrame(look);
};
look();
"""

# Likewise for the board: phases and the highest score.
WATCH_BOARD = """
window.seen = {phases: [], peak: 0, alerts: []};
const look = () => {
  const call = document.querySelector('[data-testid=board-call]');
  const add = (list, value) => {
    if (value && !list.includes(value)) list.push(value);
  };
  if (call) {
    const phase = call.querySelector('[data-testid=board-phase]');
    add(window.seen.phases, phase?.dataset.phase);
    const score = call.querySelector('[data-testid=board-score]');
    window.seen.peak = Math.max(
      window.seen.peak, Number.parseFloat(score?.textContent) || 0);
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
def seen(browser: Browser, service: Any) -> Iterator[Seen]:
    problems: list[str] = []
    board = open_page(browser, f"{service.http_url}/board?lang=en", problems)
    agent = open_page(browser, f"{service.http_url}/agent/demo?lang=en", problems)
    board.evaluate(WATCH_BOARD)
    agent.evaluate(WATCH_CUE)
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
    assert {"rational", "take_off", "peak", "cool_down"} <= set(seen.board["phases"])


def test_the_board_shows_alerts(seen: Seen) -> None:
    assert seen.board["alerts"]


def test_the_agent_sees_the_cue_in_its_three_moments(seen: Seen) -> None:
    assert in_order(CUE_STATES, seen.agent["states"])
    assert in_order(("5", "4", "3", "2", "1"), seen.agent["counts"])
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
