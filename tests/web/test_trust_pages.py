"""Log-in, reports, trust and the printed call, in a real browser."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from evaluation.desk import fill
from evaluation.desk_calls import made_calls
from models.fake import FakeDetector, FakeTranscriber, FakeVoiceReader
from server.config import ServiceSettings
from server.engine import Models
from server.factory import CallFactory
from server.service import running_service
from server.store import Store
from server.trust.people import People, Person, Role

pytestmark = pytest.mark.service

expect.set_options(timeout=30_000)  # A password takes its time, more so beside others.

PASSWORD = "correct horse battery"  # noqa: S105 - made for this test
PEOPLE = (
    Person("abe", Role.AUDITOR),
    Person("root", Role.ADMIN),
    Person("amy", Role.AGENT, "a1"),
)
MODELS = Models(FakeDetector, FakeTranscriber([]), FakeVoiceReader([]), ("fake",))
TEXTS = {
    "en": {
        "log_in": "Log in",
        "wrong": "Name or password is wrong.",
        "whole": "The audit log is whole",
        "viewed": "Viewed",
        "uncovered": "Viewed uncovered",
        "forbidden": "Your role may not see or do this.",
        "took_off": "Took off",
        "no_reference": "no call has this customer reference",
        "cause": "regression to the mean",
        "covered": "Numbers and addresses are covered.",
    },
    "zh": {
        "log_in": "登录",
        "wrong": "用户名或密码不对。",
        "whole": "审计日志完好",
        "viewed": "查看",
        "uncovered": "查看未遮盖内容",
        "forbidden": "您的角色无权查看或操作。",
        "took_off": "起飞",
        "no_reference": "没有通话属于这个客户编号",
        "cause": "均值回归",
        "covered": "号码和地址已遮盖。",
    },
}


@asynccontextmanager
async def opened(
    tmp_path: Path, chromium: str, flags: tuple[str, ...], language: str
) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page of a service with people and calls in it; and what went wrong there."""
    settings = ServiceSettings(audio_port=0, http_port=0, data_dir=tmp_path)
    store = Store(settings.url)
    fill(store, made_calls(60, seed=3))
    for person in PEOPLE:
        People(store.engine).add(person, PASSWORD)
    store.close()
    problems: list[str] = []
    async with (
        running_service(settings, CallFactory.of(MODELS)) as addresses,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=list(flags)
        )
        page = await browser.new_page(
            base_url=addresses.http_url, viewport={"width": 1280, "height": 900}
        )
        page.on("pageerror", lambda error: problems.append(str(error)))
        await page.goto(f"/audit?lang={language}")
        yield page, problems
        await browser.close()


async def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    await page.fill("input[name=name]", name)
    await page.fill("input[name=password]", password)
    await page.click("[data-testid=log-in] button")


async def look_as_an_agent(page: Page, texts: dict[str, str]) -> None:
    await page.get_by_test_id("person").locator("button").click()
    await expect(page.locator("h1")).to_have_text(texts["log_in"])
    await log_in(page, "amy")
    await expect(page.locator("header nav a")).to_have_count(1)
    await page.goto("/audit")
    await expect(page.get_by_test_id("desk-rooms").locator("a")).to_have_count(1)
    await page.goto("/desk/import")
    await expect(page.locator("main")).to_have_text(texts["forbidden"])
    await page.goto("/board")
    await page.wait_for_url("**/agent/a1")


async def look_around(
    tmp_path: Path, chromium: str, flags: tuple[str, ...], language: str
) -> None:
    texts = TEXTS[language]
    async with opened(tmp_path, chromium, flags, language) as (page, problems):
        await expect(page.locator("h1")).to_have_text(texts["log_in"])
        await log_in(page, "root", "not the password")
        await expect(page.get_by_role("alert")).to_have_text(texts["wrong"])
        await log_in(page, "root")
        await expect(page.get_by_test_id("person")).to_contain_text("root")
        call_id = (await (await page.request.get("/v1/calls")).json())[0]["call_id"]

        await page.goto(f"/print/{call_id}")
        printed = page.get_by_test_id("printed")
        await expect(printed).to_contain_text(texts["covered"])
        await expect(printed.locator("svg path")).to_have_count(1)
        assert await printed.locator("ol li").count() > 3

        await page.goto(f"/audit/{call_id}")
        async with page.expect_response("**/entries?unredacted=true") as shown:
            await page.get_by_test_id("uncover").check()
        assert (await shown.value).ok
        await expect(page.get_by_test_id("uncover")).to_be_checked()

        await page.goto("/reports")
        await expect(page.get_by_test_id("report")).to_contain_text(texts["took_off"])
        await expect(page.locator(".cause")).to_contain_text(texts["cause"])
        assert await page.get_by_test_id("shape").count() >= 2
        await page.select_option("[data-testid=report-by]", "hour")
        await expect(page.get_by_test_id("report")).to_contain_text(":00")

        await page.goto("/trust")
        await expect(page.get_by_test_id("verdict")).to_contain_text(texts["whole"])
        log = page.get_by_test_id("audit-log")
        await expect(log).to_contain_text(texts["viewed"])
        await expect(log).to_contain_text(texts["uncovered"])
        summary = await (await page.request.get(f"/v1/calls/{call_id}")).json()
        reference = summary["customer_ref"]
        await page.fill("input[name=held]", reference)
        await page.fill("input[name=reason]", "court")
        await page.locator("form:has([name=held]) button").click()
        await expect(page.get_by_test_id("holds")).to_contain_text(reference)
        await page.get_by_test_id("holds").locator("button").click()
        await expect(page.get_by_test_id("holds")).not_to_contain_text(reference)
        for field in ("reference", "again"):
            await page.fill(f"input[name={field}]", "nobody's")
        await page.locator(".danger").click()
        refused = page.get_by_role("alert").filter(has_text=texts["no_reference"])
        await expect(refused).to_be_visible()
        await page.fill("input[name=reference]", reference)
        await expect(page.locator(".danger")).to_be_disabled()
        await page.fill("input[name=again]", reference)
        await page.locator(".danger").click()
        await expect(page.get_by_test_id("erased")).to_be_visible()
        assert (await page.request.get(f"/v1/calls/{call_id}")).status == 404

        await look_as_an_agent(page, texts)
    assert problems == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_people_log_in_report_and_keep_what_they_may(
    tmp_path: Path, chromium: str, chromium_flags: tuple[str, ...], language: str
) -> None:
    # In a thread of its own: other browser tests keep a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        watched = look_around(tmp_path, chromium, chromium_flags, language)
        thread.submit(asyncio.run, watched).result()
