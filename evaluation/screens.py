"""How quick the live screens are: made-up calls, the real service side, Chromium.

First useful paint: from the start of loading to the picture in which the first call
is on the board. Event to pixel: from the moment the service has an entry to the
picture in which the board shows it; the page's and the service's clock are the same
machine's. Only calls in sight are asked for: one that leaves the window before it was
drawn has no pixel, and is counted by itself; one that stays and never shows it counts
as the slowest. Memory: the page's JavaScript heap after a forced collection, every
minute (or five times, where there is less time); growth is the slope of the line
through those of them in which no call of the beginning is left, so that every place on
the board has held a whole call. Calls begin and end all the while. Frames: how
many pictures a second the page draws meanwhile, and the longest time between two.
"""

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import CDPSession, Page, async_playwright
from playwright.async_api import TimeoutError as NotSeenError

from audio.frame import Party
from evaluation.fake_floor import FakeCall, FakeFloor, FakeParams, serving
from evaluation.interval import trend
from evaluation.report import Figure, Report
from server.events import TranscriptFinal

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--enable-precise-memory-info",
)
_PERCENTILES = (50, 95)
_PROBE_EVERY_S = 0.5
_PROBED_CALLS = 8
_SHOWN_WITHIN_S = 5.0
_SETTLE_S = 5.0
_HEAP_EVERY_S = 60.0
_HEAP_SAMPLES = 5
_TREND_S = 600.0
"""A line through less than this says nothing about half an hour."""

_LIFE_S = 420
"""How long a made-up call is: on a floor for half an hour all calls come and go."""

# Counts pictures, and tells in which one the words asked for are on the board. It keeps
# nothing, so that what grows is the page's.
_WATCH = """
(() => {
  window.watch = {painted: null, frames: 0, longest: 0, wanted: null, shown: null};
  const watch = window.watch;
  let last = performance.now();
  const look = (now) => {
    watch.frames += 1;
    watch.longest = Math.max(watch.longest, now - last);
    last = now;
    if (watch.painted === null && document.querySelector('[data-testid=board-score]')) {
      watch.painted = performance.now() / 1000;
    }
    if (watch.wanted !== null && watch.shown === null) {
      const [call, words] = watch.wanted;
      const row = document.querySelector(`[data-call="${call}"]`);
      if (row === null || !watch.inSight(row)) watch.shown = watch.GONE;
      else if (row.textContent.includes(words)) watch.shown = Date.now() / 1000;
    }
    requestAnimationFrame(look);
  };
  watch.GONE = -1;
  watch.inSight = (row) => {
    const {top, bottom} = row.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  };
  requestAnimationFrame(look);
})()
"""
_PAINTED = "() => window.watch.painted"
_ASK = "wanted => Object.assign(window.watch, {wanted, shown: null})"
_SHOWN = "() => window.watch.shown"
_IN_SIGHT = """rows => rows
  .filter(row => window.watch.inSight(row)).map(row => row.dataset.call)"""


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
        notes=(
            "Event to pixel is measured on the calls that are in sight.",
            "One that leaves the window meanwhile has no pixel: it is in probes_gone.",
        ),
    )


@dataclass(slots=True)
class _Seen:
    """What a page was seen to do.

    Attributes:
        latencies_s: from event to pixel, of each probe.
        unseen: those of them that were never answered.
        gone: probes of calls that left the window before it was drawn.
        heap: megabytes in use, by seconds since the board had settled.
    """

    latencies_s: list[float] = field(default_factory=list)
    unseen: int = 0
    gone: int = 0
    heap: list[tuple[float, float]] = field(default_factory=list)
    frames_hz: float = 0.0
    longest_s: float = 0.0


async def _measure(calls: int, seconds: float, chromium: str) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        floor = FakeFloor(FakeParams(calls=calls, life_s=_LIFE_S))
        async with (
            serving(floor, Path(folder)) as url,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(
                executable_path=chromium, args=list(_FLAGS)
            )
            page = await browser.new_page(viewport={"width": 1440, "height": 900})
            await page.add_init_script(_WATCH)
            going_on = asyncio.create_task(floor.run())
            await page.goto(f"{url}/board?lang=en")
            painted = await page.wait_for_function(_PAINTED)
            paint_s = float(await painted.json_value())
            session = await page.context.new_cdp_session(page)
            await asyncio.sleep(min(_SETTLE_S, seconds / 4))
            seen = await _watch(page, session, floor, seconds)
            going_on.cancel()
            await browser.close()
    return [Figure("screens.first_useful_paint", paint_s, "s"), *_figures(seen)]


def _figures(seen: _Seen) -> list[Figure]:
    used = [megabytes for _, megabytes in seen.heap]
    settled = [(s / 1800, mb) for s, mb in seen.heap if s >= _LIFE_S]
    growth = []
    if settled and (settled[-1][0] - settled[0][0]) * 1800 >= _TREND_S:
        slope, low, high = trend(*zip(*settled, strict=True))
        name = "screens.heap_growth_in_half_an_hour"
        growth = [Figure(name, slope, "MB", low, high)]
    latencies = sorted(seen.latencies_s)
    return [
        Figure("screens.frames_per_second", seen.frames_hz, "count"),
        Figure("screens.longest_frame", seen.longest_s, "s"),
        *(
            Figure(f"screens.event_to_pixel.p{percent}", value, "s")
            for percent in _PERCENTILES
            for value in [_percentile(latencies, percent)]
        ),
        Figure("screens.probes", float(len(latencies)), "count"),
        Figure("screens.probes_unseen", float(seen.unseen), "count"),
        Figure("screens.probes_gone", float(seen.gone), "count"),
        Figure("screens.heap_before", used[0], "MB"),
        Figure("screens.heap_after", used[-1], "MB"),
        *growth,
    ]


def _percentile(values: Sequence[float], percent: int) -> float:
    at = min(len(values) - 1, len(values) * percent // 100)
    return values[at] if values else 0.0


async def _watch(
    page: Page, session: CDPSession, floor: FakeFloor, seconds: float
) -> _Seen:
    """Probe one call after the other until the time is over."""
    seen = _Seen()
    heap_every_s = min(_HEAP_EVERY_S, seconds / _HEAP_SAMPLES)
    start = time.monotonic()
    drawn = 0
    drawn_in_s = 0.0
    while (now_s := time.monotonic() - start) < seconds or len(seen.heap) < 2:  # noqa: PLR2004 - a line needs two points
        if now_s >= heap_every_s * len(seen.heap):
            seen.heap.append((now_s, await _heap(session)))
            # The collection stops the page; that is no frame of its own.
            await page.evaluate("() => { window.watch.longest = 0 }")
        ids = await page.eval_on_selector_all(
            "[data-testid=board-call]:not(.ended)", _IN_SIGHT
        )
        frames = await page.evaluate("() => window.watch.frames")
        began = time.monotonic()
        for call_id in ids[:_PROBED_CALLS]:
            call = floor.calls.get(call_id)
            if call is not None:
                await _probe(page, call, seen)
            await asyncio.sleep(_PROBE_EVERY_S)
        now = await page.evaluate("() => window.watch")
        seen.longest_s = max(seen.longest_s, now["longest"] / 1000)
        drawn += now["frames"] - frames
        drawn_in_s += time.monotonic() - began
    seen.frames_hz = drawn / drawn_in_s
    seen.heap.append((time.monotonic() - start, await _heap(session)))
    return seen


async def _probe(page: Page, call: FakeCall, seen: _Seen) -> None:
    """Let a customer say what nobody has said, and wait until it is seen.

    Words leave a call in its place; a score could take it out of sight.
    """
    words = f"probe {len(call.entries)}"
    await page.evaluate(_ASK, [call.started.call_id, words])
    told_s = time.time()
    at_s = call.live_s
    call.tell(
        TranscriptFinal(
            words, Party.CUSTOMER, max(0.0, at_s - 1.0), at_s, words, "en", 1.0, 1.0
        )
    )
    try:
        shown = await page.wait_for_function(_SHOWN, timeout=_SHOWN_WITHIN_S * 1000)
    except NotSeenError:
        seen.unseen += 1
        seen.latencies_s.append(_SHOWN_WITHIN_S)
        return
    shown_s = float(await shown.json_value())
    if shown_s < 0:
        seen.gone += 1
    else:
        seen.latencies_s.append(max(0.0, shown_s - told_s))


async def _heap(session: CDPSession) -> float:
    """Megabytes that the page's objects take once what is unused is gone."""
    await session.send("HeapProfiler.collectGarbage")
    usage = await session.send("Runtime.getHeapUsage")
    return round(float(usage["usedSize"]) / 1e6, 2)
