"""A real service, a real call and a real browser, shared by all browser tests."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

COMMAND = Path(sys.executable).with_name("calmline")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


# Notes in the page every state the cue goes through and every number it shows, so
# that nothing depends on how often the test looks.
WATCH_CUE = """
window.seen = {states: [], counts: [], lines: [], rings: []};
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
    add(window.seen.rings,
        cue.querySelector('.left')?.getAttribute('stroke-dashoffset'));
  }
  requestAnimationFrame(look);
};
look();
"""


@pytest.fixture(scope="session")
def watch_cue() -> str:
    """A script that collects what the cue shows in `window.seen`."""
    return WATCH_CUE


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the system's Chromium is; its tests are skipped where it is missing."""
    found = shutil.which("chromium")
    if found is None:
        reason = "Chromium is missing; on Debian: sudo apt-get install chromium"
        if os.environ.get("CALMLINE_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def chromium_flags() -> tuple[str, ...]:
    """What Chromium is started with."""
    return FLAGS


@dataclass(frozen=True)
class RunningService:
    """A service in a process of its own."""

    http_url: str
    audio_url: str
    data_dir: Path
    process: subprocess.Popen[str]


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    data_dir = tmp_path_factory.mktemp("calmline-data")
    environment = {
        **os.environ,
        "CALMLINE_SERVICE_HTTP_PORT": "0",
        "CALMLINE_SERVICE_AUDIO_PORT": "0",
        "CALMLINE_SERVICE_DATA_DIR": str(data_dir),
    }
    with subprocess.Popen(
        [str(COMMAND), "serve"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        log = process.stderr
        threading.Thread(target=lambda: list(log), daemon=True).start()
        lines = [process.stdout.readline(), process.stdout.readline()]
        urls = re.findall(r"\S+://\S+", " ".join(lines))
        assert len(urls) == 2, f"the service did not start: {lines}"
        yield RunningService(urls[0].removesuffix("/board"), urls[1], data_dir, process)
        process.terminate()
        process.wait(timeout=60)
