"""The auditor's desk in a real browser: made calls, no models, both languages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect

from audio.events import SpeechEnded
from evaluation.desk import fill
from evaluation.desk_calls import MadeCall, made_calls
from server.store import Store
from service_under_test import quick_models, serving, settings_in

pytestmark = pytest.mark.service

RATE = 8000
N_CALLS = 60


@dataclass
class Desk:
    """A service with made calls."""

    url: str
    calls: list[MadeCall]


def write_audio(call: MadeCall, folder: Path) -> None:
    """Noise where somebody speaks, each party on a channel of their own."""
    rng = np.random.default_rng(1)
    n_samples = round(call.entries[-1].at_s * RATE)
    pcm = np.zeros((n_samples, 2), np.float32)
    for entry in call.entries:
        if isinstance(entry.event, SpeechEnded):
            start, end = (
                round(at_s * RATE) for at_s in (entry.event.start_s, entry.event.end_s)
            )
            level = 0.15 * np.abs(np.sin(np.arange(end - start) / 900))
            channel = int(entry.event.party == "agent")
            spoken = pcm[start:end, channel]
            spoken += level[: len(spoken)] * rng.standard_normal(len(spoken))
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / f"{call.started.call_id}.flac", pcm, RATE)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    settings = settings_in(folder)
    settings.data_dir.mkdir()
    calls = list(islice(made_calls(N_CALLS, seed=3), N_CALLS))
    store = Store(settings.url)
    fill(store, iter(calls))
    store.close()
    for call in calls[:3]:
        write_audio(call, settings.recordings)
    with serving(folder, quick_models("I want my money back")) as addresses:
        yield Desk(addresses.http_url, calls)


@pytest.fixture(params=["en", "zh"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    problems: list[str] = []
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_default_timeout(20_000)
    page.add_init_script(f"localStorage['calmline.language'] = '{request.param}'")
    page.add_init_script("localStorage['calmline.name'] = 'Ann'")
    yield page
    page.close()
    assert problems == []


def test_a_call_is_found_by_two_characters_and_opened_where_they_were_said(
    page: Page, desk: Desk
) -> None:
    page.goto(f"{desk.url}/audit")
    expect(page.get_by_test_id("audit-call")).to_have_count(50)

    page.get_by_test_id("find-words").fill("退款")
    page.get_by_test_id("find-submit").click()
    expect(page.locator("[data-testid=find-said] mark").first).to_have_text("退款")
    page.get_by_test_id("find-said").first.click()

    expect(page).to_have_url(re.compile(r"/audit/made-\d+\?t=[\d.]+"))
    line = page.locator("[data-testid=transcript-line].playing")
    expect(line).to_contain_text("退款")
    page.go_back()
    expect(page.get_by_test_id("find-words")).to_have_value("退款")


def test_filters_narrow_and_a_search_is_saved(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/audit")
    expect(page.get_by_test_id("find-total")).to_contain_text(str(N_CALLS))
    page.get_by_test_id("find-filter-toggle").click()
    page.locator("[data-testid=filter-phases] [data-value=peak]").click()
    expect(page.get_by_test_id("find-total")).not_to_contain_text(str(N_CALLS))
    narrowed = page.get_by_test_id("find-total").inner_text()

    page.get_by_test_id("saved").locator("summary").click()
    page.get_by_test_id("saved-name").fill("Hot")
    page.get_by_test_id("saved-save").click()
    page.goto(f"{desk.url}/audit")
    expect(page.get_by_test_id("find-total")).to_contain_text(str(N_CALLS))
    page.get_by_test_id("saved").locator("summary").click()
    page.get_by_test_id("saved-open").first.click()

    expect(page.get_by_test_id("find-total")).to_have_text(narrowed)


def test_a_call_plays_skips_silence_and_takes_comments(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/audit/made-00000?t=5")
    expect(page.get_by_test_id("audit-play")).to_be_enabled()
    page.keyboard.press("]")
    expect(page.get_by_test_id("audit-speed")).to_have_value("1.25")
    page.keyboard.press("s")
    expect(page.get_by_test_id("audit-skip")).to_be_checked()
    page.keyboard.press("c")
    expect(page.get_by_test_id("comment-text")).to_be_focused()

    page.keyboard.type("well done")
    page.get_by_test_id("comment-add").click()

    comment = page.get_by_test_id("comment").filter(has_text="well done").last
    expect(comment).to_contain_text("0:05")
    expect(comment).to_contain_text("Ann")
    page.get_by_test_id("audit-link").click()
    expect(page).to_have_url(re.compile(r"\?t=5\.0$"))


def test_what_the_machine_got_wrong_is_corrected(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/audit/made-00001")
    line = page.locator("[data-testid=transcript-line][data-party=customer]").first
    line.hover()
    before = line.locator("[data-testid=corrected]").count()
    line.get_by_test_id("correct").click()
    line.locator("[data-kind=missed_hostility]").click()
    line.get_by_test_id("correct-send").click()

    expect(line.get_by_test_id("corrected")).to_have_count(before + 1)


def test_a_call_is_judged_beside_the_automatic_answers(page: Page, desk: Desk) -> None:
    language = page.evaluate("navigator.language")
    assert language
    call = "made-00002"
    page.goto(f"{desk.url}/audit/{call}")
    page.get_by_test_id("call-tab-score").click()
    page.get_by_test_id("review-begin").click()
    page.get_by_test_id("review-take-over").click()
    for question in page.get_by_test_id("question").all():
        if question.get_by_role("radio", checked=True).count() == 0:
            question.locator("[data-answer=yes]").first.click()
    n_before = page.get_by_test_id("review").count()
    # What a person points at takes the place of what the machine points at.
    page.get_by_test_id("evidence-here").first.click()
    chosen = page.get_by_test_id("evidence").first.locator(".time").inner_text()
    page.get_by_test_id("review-submit").click()

    expect(page.get_by_test_id("review")).to_have_count(n_before + 1)
    done = page.get_by_test_id("review").last
    done.get_by_test_id("given-answers").locator("summary").click()
    expect(done.get_by_test_id("given").first).to_contain_text(chosen)
    page.get_by_test_id("dispute").last.click()
    page.get_by_test_id("dispute-text").fill("the line was bad")
    page.get_by_test_id("dispute-send").click()
    expect(page.get_by_test_id("review").last).to_contain_text("the line was bad")


def test_a_scorecard_is_made_seen_beforehand_and_judged_by(
    page: Page, desk: Desk
) -> None:
    page.goto(f"{desk.url}/desk/cards")
    language = page.evaluate("localStorage['calmline.language']")
    page.get_by_test_id("card-open").first.wait_for()
    page.get_by_test_id("card-new").click()
    save = page.get_by_test_id("card-save")
    expect(save).to_be_disabled()
    page.get_by_test_id("card-title-en").fill(f"Ours {language}")
    page.get_by_test_id("card-title-zh").fill(f"自定 {language}")
    page.get_by_test_id("card-id").fill(f"own-{language}")
    page.get_by_test_id("question-en").fill("Said their name")
    page.get_by_test_id("question-zh").fill("报了姓名")
    page.get_by_test_id("question-auto").select_option("greeted")
    preview = page.get_by_test_id("card-preview")
    expect(preview).to_contain_text(
        {"en": "Said their name", "zh": "报了姓名"}[language]
    )
    expect(preview).to_contain_text("100 %")
    save.click()

    expect(page.get_by_test_id("card-told")).to_contain_text("1")
    page.goto(f"{desk.url}/audit/made-00001")
    page.get_by_test_id("call-tab-score").click()
    page.get_by_test_id("review-begin").click()
    page.get_by_test_id("review-card").select_option(f"own-{language}")
    expect(page.get_by_test_id("question")).to_have_count(1)


def test_reviewers_who_judge_alike_agree(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/desk/reviews")
    language = page.evaluate("localStorage['calmline.language']")
    batch = f"cal-{language}"
    reviewers = [f"Ann-{language}", f"Bob-{language}"]
    sample = {
        "n_calls": 3,
        "card": "service",
        "purpose": "calibration",
        "reviewers": reviewers,
        "batch": batch,
    }
    made = page.request.post(f"{desk.url}/v1/desk/samples", data=sample).json()
    assert made == {"calls": 3, "reviews": 6}
    questions = ["greeted", "finish", "problem", "blame", "closed"]
    for reviewer in reviewers:
        mine = page.request.get(f"{desk.url}/v1/desk/reviews?by={reviewer}").json()
        for number, review in enumerate(mine["own"]):
            # Both say the same, but of one question of one call.
            answers = {
                question: {"answer": "no" if (number + place) % 2 else "yes"}
                for place, question in enumerate(questions)
            }
            if number == 0 and reviewer.startswith("Bob"):
                answers["closed"] = {"answer": "partly"}
            body = {
                "card": "service",
                "purpose": "calibration",
                "by": reviewer,
                "answers": answers,
            }
            url = f"{desk.url}/v1/desk/calls/{review['call_id']}/reviews"
            assert page.request.post(url, data=body).status == 201

    page.goto(f"{desk.url}/desk/reviews")
    page.get_by_test_id("agreement-card").select_option("service")
    page.get_by_test_id("agreement-batch").fill(batch)

    alpha = page.get_by_test_id("alpha")
    expect(alpha).to_have_text(re.compile(r"0[.]9\d"))
    expect(page.get_by_test_id("agreement")).to_contain_text("6")


def test_a_sample_is_drawn_and_waits_for_its_reviewer(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/desk/reviews")
    waiting = page.locator("[data-testid=review-row][data-list=waiting]")
    expect(page.get_by_test_id("sample-form")).to_be_visible()
    before = waiting.count()

    page.get_by_test_id("sample-draw").click()

    expect(page.get_by_test_id("sample-told")).to_contain_text("10")
    expect(waiting).to_have_count(before + 10)
    expect(page.get_by_test_id("agreement")).to_be_visible()


def test_files_are_imported_and_broken_ones_say_why(
    page: Page, desk: Desk, tmp_path: Path
) -> None:
    pcm = np.zeros((RATE * 3, 2), np.float32)
    pcm[4000:16_000, 0] = 0.3 * np.random.default_rng().standard_normal(12_000)
    # A name of its own tells this import from that of the other language.
    recording = tmp_path / f"{tmp_path.name}.wav"
    soundfile.write(recording, pcm, RATE)
    (tmp_path / f"{tmp_path.name}.mp3").write_text("no audio")

    page.goto(f"{desk.url}/desk/import")
    page.get_by_test_id("import-folder").set_input_files(tmp_path)

    jobs = page.get_by_test_id("import-job").filter(has_text=tmp_path.name)
    job = jobs.first
    expect(job).to_have_attribute("data-state", "done", timeout=60_000)
    job.get_by_test_id("import-show").click()
    expect(job.locator("[data-testid=import-file][data-state=done]")).to_have_count(1)
    failed = job.locator("[data-testid=import-file][data-state=failed]")
    expect(failed).to_contain_text(f"{tmp_path.name}.mp3")

    page.get_by_test_id("import-files").set_input_files(recording)
    expect(jobs).to_have_count(2)
    again = jobs.first
    expect(again).to_have_attribute("data-state", "done", timeout=60_000)
    again.get_by_test_id("import-show").click()
    same = again.locator("[data-testid=import-file][data-state=duplicate]")
    expect(same).to_have_count(1)
