"""Takes the pictures in docs/screenshots: the demo call on every page.

python -m evaluation.demo.screenshots docs/screenshots
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from audio.codec import Encoding
from audio.frame import Party
from server.config import ServiceSettings, Settings
from server.factory import CallFactory
from server.loading import load_models
from server.recording import open_recording
from server.service import Addresses, running_service
from server.stream import Line, stream

_HERE = Path(__file__).parent
_LANGUAGES = ("en", "zh")
_WIDE = (1440, 900)
_NARROW = (400, 800)
_LONGEST_MS = 180_000
_SHOWS = {
    "armed": "[data-testid=cue][data-state=armed]",
    "counting": "[data-testid=cue][data-state=counting]",
    "released": "[data-testid=cue-line]",
}
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def main(arguments: Sequence[str] | None = None) -> int:
    """Play each language's call and take its pictures."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.demo.screenshots")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--only", choices=_LANGUAGES, help="default: all")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    args = parser.parse_args(arguments)
    args.out.mkdir(parents=True, exist_ok=True)
    factory = CallFactory.of(load_models(Settings()))
    languages = [args.only] if args.only else list(_LANGUAGES)
    asyncio.run(_take_all(factory, args.out, args.chromium, languages))
    return 0


async def _take_all(
    factory: CallFactory, out: Path, chromium: str, languages: Sequence[str]
) -> None:
    with tempfile.TemporaryDirectory() as data_dir:
        settings = ServiceSettings(audio_port=0, http_port=0, data_dir=Path(data_dir))
        async with (
            running_service(settings, factory) as addresses,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(
                executable_path=chromium, args=list(_FLAGS)
            )
            for language in languages:
                await _take(browser, addresses, language, out)
            await browser.close()


async def _take(
    browser: Browser, addresses: Addresses, language: str, out: Path
) -> None:
    """The board while an alert waits, the agent's three moments, the audit."""
    base, query = addresses.http_url, f"?lang={language}"
    board = await _open(browser, f"{base}/board{query}", _WIDE)
    narrow = await _open(browser, f"{base}/board{query}", _NARROW)
    agent = await _open(browser, f"{base}/agent/{language}{query}", _WIDE)
    line = Line(
        url=addresses.audio_url,
        agent_id=language,
        customer_ref="K-20417",
        parties=(Party.CUSTOMER, Party.AGENT),
        language=None,
        encoding=Encoding.MULAW,
        speed=1.0,
    )
    recording = open_recording(_HERE / f"demo-{language}.flac")
    playing = asyncio.create_task(stream(recording, line, lambda _: None))
    for state in ("armed", "counting", "released"):
        await agent.wait_for_selector(_SHOWS[state], timeout=_LONGEST_MS)
        path = out / f"agent-{state}-{language}.png"
        await agent.screenshot(path=path, animations="disabled")
        if state == "released":
            row = board.get_by_test_id("board-call").first
            await board.screenshot(path=out / f"board-{language}.png")
            await narrow.screenshot(path=out / f"board-narrow-{language}.png")
            await row.click()
            await asyncio.sleep(1)
            await board.screenshot(path=out / f"board-call-{language}.png")
    await playing
    audit = await _open(browser, f"{base}/audit{query}", _WIDE)
    await audit.get_by_test_id("audit-call").first.click()
    await audit.get_by_test_id("transcript-line").first.wait_for()
    await asyncio.sleep(2)
    await audit.screenshot(path=out / f"audit-{language}.png")
    for page in (board, narrow, agent, audit):
        await page.close()


async def _open(browser: Browser, url: str, size: tuple[int, int]) -> Page:
    page = await browser.new_page(viewport={"width": size[0], "height": size[1]})
    await page.goto(url)
    return page


if __name__ == "__main__":
    sys.exit(main())
