"""Takes the pictures of a whole floor in docs/screenshots: made-up calls, no models.

python -m evaluation.demo.floor_pictures docs/screenshots
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, async_playwright

from alerts.events import CueArmed, CueCounting, CueReleased
from evaluation.fake_floor import FakeCall, FakeFloor, FakeParams, serving
from server.events import Event, Note

_CALLS = 30
_LANGUAGES = ("en", "zh")
_SETTLE_MS = 2_000
_DRAW_MS = 600
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
_LINES = {
    "en": "I can hear how angry you are, and you have every reason to be.",
    "zh": "我听得出您很生气，换了我也会这样。您请讲，我在听。",  # noqa: RUF001 - as it is written
}
_NOTES = {"en": "Offer a call back today", "zh": "可以主动提出今天回电"}


@dataclass(frozen=True, slots=True)
class _Picture:
    """One page at one size; ``{hot}`` in the path is the hottest call."""

    name: str
    path: str
    width: int = 1440
    height: int = 900
    scheme: Literal["light", "dark"] = "light"
    tiles: bool = False


_PICTURES = (
    _Picture("floor", "/board"),
    _Picture("floor-dark", "/board?call={hot}", scheme="dark"),
    _Picture("floor-tiles", "/board", tiles=True),
    _Picture("floor-narrow", "/board", 400, 860),
    _Picture("floor-wall", "/board", 3840, 2160, "dark"),
    _Picture("rules", "/rules"),
    _Picture("playbook", "/playbook", scheme="dark"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Take every picture in both languages."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.demo.floor_pictures")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--only", default="", help="names that begin like this")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    args = parser.parse_args(arguments)
    args.out.mkdir(parents=True, exist_ok=True)
    asyncio.run(_take_all(args.out, args.only, args.chromium))
    return 0


async def _take_all(out: Path, only: str, chromium: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        floor = FakeFloor(FakeParams(calls=_CALLS))
        async with serving(floor, Path(folder)) as url, async_playwright() as tools:
            going_on = asyncio.create_task(floor.run())
            browser = await tools.chromium.launch(
                executable_path=chromium, args=list(_FLAGS)
            )
            for language in _LANGUAGES:
                call = _hottest(floor, language)
                for picture in _PICTURES:
                    if picture.name.startswith(only):
                        await _take(browser, url, picture, call, out)
                if "overlay".startswith(only):
                    await _take_overlays(browser, url, call, out)
            going_on.cancel()
            await browser.close()


def _hottest(floor: FakeFloor, language: str) -> FakeCall:
    calls = [c for c in floor.calls.values() if c.started.language == language]
    return max(calls, key=lambda call: call.heat)


async def _take(
    browser: Browser, url: str, picture: _Picture, call: FakeCall, out: Path
) -> None:
    language = call.started.language or ""
    page = await browser.new_page(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.scheme,
    )
    view = "tiles" if picture.tiles else "rows"
    await page.add_init_script(
        f"localStorage['calmline.view'] = '{view}';"
        f"localStorage['calmline.language'] = '{language}'"
    )
    await page.goto(url + picture.path.format(hot=call.started.call_id))
    await page.wait_for_timeout(_SETTLE_MS)
    await page.screenshot(path=out / f"{picture.name}-{language}.png")
    await page.close()


async def _take_overlays(browser: Browser, url: str, call: FakeCall, out: Path) -> None:
    """The agent's strip in the three moments of a cue."""
    language = call.started.language or ""
    page = await browser.new_page(viewport={"width": 420, "height": 150})
    await page.goto(f"{url}/agent/{call.started.agent_id}?overlay&lang={language}")
    call.tell(Note(_NOTES[language], "Kim"))
    for name in ("armed", "counting", "released"):
        call.tell(_moment(name, call.live_s, language))
        await page.wait_for_timeout(_DRAW_MS)
        await page.screenshot(path=out / f"overlay-{name}-{language}.png")
    await page.close()


def _moment(name: str, now_s: float, language: str) -> Event:
    match name:
        case "armed":
            return CueArmed("c1", now_s, 0.9)
        case "counting":
            return CueCounting("c1", now_s, now_s + 5.0)
        case _:
            return CueReleased("c1", now_s, "feel", _LINES[language], language)


if __name__ == "__main__":
    sys.exit(main())
