"""How quick the live screens are: made-up calls, the real service side, Chromium.

First useful paint: from the start of loading to the first call on the board.
Event to pixel: from the moment the service has an entry to the picture in which
the board shows it; the page's and the service's clock are the same machine's.
Memory: the page's JavaScript heap after a forced collection, at the beginning and
at the end. Frames: how many pictures a second the page draws while all calls go on.
"""

import argparse
import asyncio
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.async_api import CDPSession, Page, async_playwright
from playwright.async_api import TimeoutError as NotSeenError

from emotion.events import HostilityPoint
from evaluation.fake_floor import FakeCall, FakeFloor, FakeParams, serving
from evaluation.report import Figure, Report

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--enable-precise-memory-info",
)
_PERCENTILES = (50, 95)
_PROBE_EVERY_S = 0.5
_SHOWN_WITHIN_S = 5.0

# Tells when the first row's score has the wanted text, in the frame that shows it.
_WATCH = """
(() => {
  window.shown = new Map();
  window.frames = 0;
  const look = () => {
    window.frames += 1;
    for (const row of document.querySelectorAll('[data-testid=board-call]')) {
      const score = row.querySelector('[data-testid=board-score]')?.textContent.trim();
      const key = row.dataset.call + ' ' + score;
      if (!window.shown.has(key)) window.shown.set(key, Date.now() / 1000);
    }
    requestAnimationFrame(look);
  };
  look();
})()
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument(
        "--seconds",
        type=float,
        default=20.0,
        help="how long to watch; 1800: half an hour",
    )
    parser.add_argument("--chromium", default=shutil.which("chromium") or "chromium")


def run(args: argparse.Namespace) -> Report:
    """Measure."""
    figures = asyncio.run(_measure(args.calls, args.seconds, args.chromium))
    return Report(
        command=f"screens --calls {args.calls} --seconds {args.seconds:g}",
        data=f"{args.calls} made-up calls",
        figures=figures,
        notes=("Event to pixel is measured on the calls that are in sight.",),
    )


async def _measure(calls: int, seconds: float, chromium: str) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        floor = FakeFloor(FakeParams(calls=calls))
        async with (
            serving(floor, Path(folder)) as url,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(
                executable_path=chromium, args=list(_FLAGS)
            )
            page = await browser.new_page(viewport={"width": 1440, "height": 900})
            going_on = asyncio.create_task(floor.run())
            await page.goto(f"{url}/board?lang=en")
            await page.wait_for_selector("[data-testid=board-score]")
            paint_s = await page.evaluate("performance.now() / 1000")
            await page.evaluate(_WATCH)
            session = await page.context.new_cdp_session(page)
            before = await _heap(session)
            latencies, frames_hz = await _watch(page, floor, seconds)
            after = await _heap(session)
            going_on.cancel()
            await browser.close()
    figures = [
        Figure("screens.first_useful_paint", paint_s, "s"),
        Figure("screens.frames_per_second", frames_hz, "count"),
        Figure("screens.heap_before", before, "MB"),
        Figure("screens.heap_after", after, "MB"),
        Figure("screens.probes", float(len(latencies)), "count"),
    ]
    latencies.sort()
    for percent in _PERCENTILES:
        at = min(len(latencies) - 1, len(latencies) * percent // 100)
        value = latencies[at] if latencies else 0.0
        figures.append(Figure(f"screens.event_to_pixel.p{percent}", value, "s"))
    return figures


async def _watch(
    page: Page, floor: FakeFloor, seconds: float
) -> tuple[list[float], float]:
    """Probe one call after the other; give the delays, and pictures a second."""
    latencies: list[float] = []
    start = time.monotonic()
    frames = await page.evaluate("window.frames")
    while time.monotonic() < start + seconds:
        ids = await page.eval_on_selector_all(
            "[data-testid=board-call]", "rows => rows.map(row => row.dataset.call)"
        )
        for call_id in ids[:8]:
            latency = await _probe(page, floor.calls[call_id])
            if latency is not None:
                latencies.append(latency)
            await asyncio.sleep(_PROBE_EVERY_S)
    drawn = await page.evaluate("window.frames") - frames
    return latencies, drawn / (time.monotonic() - start)


async def _probe(page: Page, call: FakeCall) -> float | None:
    """Give a call a score that it does not have, and wait until it is seen."""
    last = next(
        entry.event
        for entry in reversed(call.entries)
        if isinstance(entry.event, HostilityPoint)
    )
    score = (round(last.score) + 37) % 100
    key = f"{call.started.call_id} {score}"
    await page.evaluate("key => window.shown.delete(key)", key)
    told_s = time.time()
    call.tell(HostilityPoint(call.live_s, score, score, score, last.phase, ()))
    try:
        shown: Any = await page.wait_for_function(
            "key => window.shown.get(key)", arg=key, timeout=_SHOWN_WITHIN_S * 1000
        )
    except NotSeenError:
        return None
    return max(0.0, float(await shown.json_value()) - told_s)


async def _heap(session: CDPSession) -> float:
    """Megabytes that the page's objects take once what is unused is gone."""
    await session.send("HeapProfiler.collectGarbage")
    usage = await session.send("Runtime.getHeapUsage")
    return round(float(usage["usedSize"]) / 1e6, 2)
