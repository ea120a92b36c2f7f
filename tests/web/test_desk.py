"""The auditor's desk in a real browser: made calls, no models, both languages."""

import json
import random
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from audio.events import SpeechEnded
from audio.frame import Party
from emotion.word_model import parse_word_model
from evaluation.desk import fill
from evaluation.desk_calls import MadeCall, made_call, made_calls
from models.ports import Transcriber, Transcript
from server.cli import main
from server.desk.intake import AT_ONCE
from server.events import CallEnded, CallEndReason, LogEntry, TranscriptFinal
from server.store import Store
from service_under_test import quick_models, serving, settings_in

pytestmark = pytest.mark.service

RATE = 8000
N_CALLS = 60


LONG_S = 4 * 3600


@dataclass
class Desk:
    """A service with made calls.

    Attributes:
        data: its folder of data.
        watched: a folder whose recordings are taken in by themselves.
        words: cleared, no utterance is written down until it is set again.
    """

    url: str
    calls: list[MadeCall]
    data: Path
    watched: Path
    words: threading.Event


class Gated(Transcriber):
    """A transcriber that waits at a gate."""

    def __init__(self, gate: threading.Event, inner: Transcriber) -> None:
        self._gate = gate
        self._inner = inner

    def transcribe(self, pcm: NDArray[np.float32], language: str | None) -> Transcript:
        self._gate.wait(60)
        return self._inner.transcribe(pcm, language)


def long_call() -> MadeCall:
    """A call of four hours, the longest that is taken."""
    call = made_call(random.Random(5), 99_999, n_turns=1450)  # noqa: S311 - not for secrets
    end = LogEntry(
        len(call.entries), LONG_S, CallEnded(CallEndReason.COMPLETED, LONG_S)
    )
    before = [entry for entry in call.entries[:-1] if entry.at_s < LONG_S]
    return replace(call, entries=(*before, replace(end, seq=len(before) + 1)))


def write_long_audio(call: MadeCall, folder: Path) -> None:
    """Silence, and noise in its last minute."""
    minute = np.zeros((RATE * 60, 2), np.int16)
    path = folder / f"{call.started.call_id}.flac"
    with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16") as file:
        for _ in range(LONG_S // 60 - 1):
            file.write(minute)
        rng = np.random.default_rng(1)
        file.write(rng.integers(-3000, 3000, minute.shape, np.int16))


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
    calls = [*islice(made_calls(N_CALLS, seed=3), N_CALLS - 1), long_call()]
    store = Store(settings.url)
    fill(store, iter(calls))
    store.close()
    for call in calls[:3]:
        write_audio(call, settings.recordings)
    write_long_audio(calls[-1], settings.recordings)
    watched = folder / "收件 box"
    watched.mkdir()
    words = threading.Event()
    words.set()
    models = quick_models("I want my money back")
    models = replace(models, transcriber=Gated(words, models.transcriber))
    with serving(
        folder, models, watch_dir=str(watched), watch_every_s=0.5
    ) as addresses:
        yield Desk(addresses.http_url, calls, settings.data_dir, watched, words)


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


N_CORRECTED = 24
"""Fewer corrected calls than this are too few to hold customers out."""


def test_what_somebody_clicks_is_what_training_learns_from(
    browser: Browser, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = browser.new_page()
    english = [call for call in desk.calls if call.started.language == "en"]
    clicked, *others = english[:N_CORRECTED]
    page.goto(f"{desk.url}/audit/{clicked.started.call_id}")
    line = page.locator("[data-testid=transcript-line][data-party=customer]").nth(1)
    words = line.locator("p").first.inner_text()
    line.hover()
    line.get_by_test_id("correct").click()
    line.locator("[data-kind=missed_hostility]").click()
    line.locator("select").select_option("3")
    line.get_by_test_id("correct-send").click()
    expect(line.get_by_test_id("corrected")).to_have_count(1)
    for call in others:
        url = f"{desk.url}/v1/desk/calls/{call.started.call_id}/corrections"
        for correction in corrections_of(call):
            body = {"by": "Ann", "correction": correction}
            assert page.request.post(url, data=body).status == 201
    page.close()
    monkeypatch.setenv("CALMLINE_SERVICE_DATA_DIR", str(desk.data))
    lines, model = tmp_path / "out" / "words.jsonl", tmp_path / "words.npz"

    calmline("corrections", tmp_path / "out")
    rows = [json.loads(row) for row in lines.read_text("utf-8").splitlines()]
    calmline("train", "words", "--data", lines, "--out", model, "--language", "en")

    assert [row["level"] for row in rows if row["text"] == words] == [3]
    assert parse_word_model(model.read_bytes(), "words").language == "en"


def corrections_of(call: MadeCall) -> list[dict[str, object]]:
    """The customer's first words as calm, the next as abusive, as the page tells it."""
    said = [
        entry.event
        for entry in call.entries
        if isinstance(entry.event, TranscriptFinal)
        and entry.event.party is Party.CUSTOMER
    ]
    kinds: tuple[dict[str, object], ...] = (
        {"kind": "not_hostile"},
        {"kind": "missed_hostility", "level": 3},
    )
    return [
        {
            **kind,
            "start_s": one.start_s,
            "end_s": one.end_s,
            "utterance_id": one.utterance_id,
        }
        for one, kind in zip(said, kinds, strict=False)
    ]


def calmline(*arguments: str | Path) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([str(one) for one in arguments])
    assert exit_.value.code in (0, None)


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


def noise(path: Path, seconds: float = 3.0) -> Path:
    """A recording that no other test has, with one utterance in it."""
    pcm = np.zeros((round(RATE * seconds), 2), np.float32)
    spoken = pcm[4000:-8000, 0]
    spoken += 0.3 * np.random.default_rng().standard_normal(len(spoken))
    soundfile.write(path, pcm, RATE)
    return path


def test_a_call_of_four_hours_is_seen_whole_and_heard_at_its_end(
    page: Page, desk: Desk
) -> None:
    page.goto(f"{desk.url}/audit/made-99999")
    expect(page.get_by_test_id("audit-play")).to_be_enabled(timeout=30_000)
    position = page.get_by_test_id("audit-curve")
    expect(position).to_have_attribute("aria-valuemax", str(LONG_S))
    said = [e for e in desk.calls[-1].entries if isinstance(e.event, TranscriptFinal)]
    assert len(said) > 1000  # More than are drawn at once.
    expect(page.get_by_test_id("transcript-line")).to_have_count(len(said))

    page.keyboard.press("End")
    expect(position).to_have_attribute("aria-valuetext", "4:00:00")
    page.keyboard.press("ArrowUp")
    line = page.locator("[data-testid=transcript-line].playing")
    expect(line).to_contain_text("3:59")
    line.evaluate("line => line.parentElement.scrollIntoView({block: 'nearest'})")
    expect(line).to_be_in_viewport()
    page.get_by_test_id("audit-wave").scroll_into_view_if_needed()
    box = page.get_by_test_id("audit-wave").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)

    expect(page.get_by_test_id("audit-play")).to_have_attribute("data-state", "playing")
    # It is heard from there, a pixel being ten seconds, and goes on.
    expect(position).to_have_attribute(
        "aria-valuetext", re.compile(r"2:59:[45]\d|3:00:[01]\d")
    )
    began = position.get_attribute("aria-valuenow")
    expect(position).not_to_have_attribute("aria-valuenow", began or "")
    page.get_by_test_id("audit-play").click()
    see_a_minute_of(page)
    assert page.evaluate("performance.memory.usedJSHeapSize") < 150e6


def see_a_minute_of(page: Page) -> None:
    """Drag over a stretch, go nearer and on by keyboard, and back to the whole."""
    overview = page.get_by_test_id("overview")
    expect(overview).to_have_count(0)
    box = page.get_by_test_id("audit-wave").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] / 40, y, steps=3)
    page.mouse.up()

    # Six minutes from the middle; dragging is no click, so nothing plays.
    expect(overview).to_have_attribute("title", re.compile(r"2:00:\d\d.*2:0[56]:\d\d"))
    expect(page.get_by_test_id("audit-play")).to_have_attribute("data-state", "paused")
    page.get_by_test_id("audit-wave").click()
    page.keyboard.press(" ")
    position = page.get_by_test_id("audit-curve")
    expect(position).to_have_attribute("aria-valuetext", re.compile(r"2:0[23]:\d\d"))
    with page.expect_response(lambda it: "from_s=" in it.url) as fine:
        for _ in range(3):
            page.keyboard.press("+")
    assert fine.value.ok
    before = overview.get_attribute("title")
    page.keyboard.press("Shift+ArrowRight")
    expect(overview).not_to_have_attribute("title", before or "")
    page.keyboard.press("0")
    expect(overview).to_have_count(0)


def test_a_watched_folder_is_taken_in_by_itself(
    page: Page, desk: Desk, tmp_path: Path
) -> None:
    language = page.evaluate("navigator.language")
    assert language
    page.goto(f"{desk.url}/desk/import")
    name = f"{tmp_path.name} 客户.wav"
    noise(desk.watched / name)

    job = page.locator("[data-testid=import-job][data-watched=true]")
    job.get_by_test_id("import-show").click(timeout=30_000)

    file = job.get_by_test_id("import-file").filter(has_text=name)
    expect(file).to_have_attribute("data-state", "done", timeout=30_000)
    file.get_by_role("link").click()
    expect(page.get_by_test_id("audit-play")).to_be_enabled()


def test_an_import_is_paused_and_gone_on_with(
    page: Page, desk: Desk, tmp_path: Path
) -> None:
    page.goto(f"{desk.url}/desk/import")
    n_files = AT_ONCE + 1
    recordings = [noise(tmp_path / f"{tmp_path.name}-{n}.wav") for n in range(n_files)]
    job = page.get_by_test_id("import-job").filter(has_text=tmp_path.name)
    files = job.get_by_test_id("import-file")
    working = job.locator("[data-testid=import-file][data-state=working]")
    desk.words.clear()
    try:
        page.get_by_test_id("import-files").set_input_files(recordings)
        job.get_by_test_id("import-show").click()
        expect(files.first).to_have_attribute("data-state", "working")
        job.get_by_test_id("import-pause").click()
        expect(job).to_have_attribute("data-state", "paused")
    finally:
        desk.words.set()
    # The files in work are finished or given back; the next is not begun.
    expect(working).to_have_count(0)
    expect(files.last).to_have_attribute("data-state", "waiting")
    job.get_by_test_id("import-resume").click()

    expect(job).to_have_attribute("data-state", "done")
    done = job.locator("[data-testid=import-file][data-state=done]")
    expect(done).to_have_count(n_files)


def test_what_is_no_recording_is_said_and_leaves_no_import(
    page: Page, desk: Desk, tmp_path: Path
) -> None:
    page.goto(f"{desk.url}/desk/import")
    (tmp_path / "notes.txt").write_text("no recording")
    problems = page.get_by_test_id("import-problems")
    page.get_by_test_id("import-files").set_input_files(tmp_path / "notes.txt")
    expect(problems).to_be_visible()

    noise(tmp_path / f"{tmp_path.name}.wav")
    (tmp_path / "calls.csv").write_text("file,colour\n")
    page.get_by_test_id("import-folder").set_input_files(tmp_path)

    expect(problems).to_contain_text("colour")
    expect(page.get_by_test_id("import-drop").get_by_role("progressbar")).to_have_count(
        0
    )
    jobs = page.get_by_test_id("import-job").filter(has_text=tmp_path.name)
    expect(jobs).to_have_count(0)


def drop(page: Page, path: Path) -> None:
    """Drop a file or folder on the page, as a file manager does."""
    box = page.get_by_test_id("import-drop").bounding_box()
    assert box is not None
    browser = page.context.new_cdp_session(page)
    for step in ("dragEnter", "dragOver", "drop"):
        event = {
            "type": step,
            "x": box["x"] + 9,
            "y": box["y"] + 9,
            "data": {"items": [], "files": [str(path)], "dragOperationsMask": 1},
        }
        browser.send("Input.dispatchDragEvent", event)


def test_files_are_imported_and_broken_ones_say_why(
    page: Page, desk: Desk, tmp_path: Path
) -> None:
    # A name of its own tells this import from that of the other language.
    recording = noise(tmp_path / f"{tmp_path.name}.wav")
    (tmp_path / f"{tmp_path.name}.mp3").write_text("no audio")

    page.goto(f"{desk.url}/desk/import")
    drop(page, tmp_path)

    jobs = page.get_by_test_id("import-job").filter(has_text=tmp_path.name)
    job = jobs.first
    expect(job).to_have_attribute("data-state", "done", timeout=60_000)
    job.get_by_test_id("import-show").click()
    expect(job.locator("[data-testid=import-file][data-state=done]")).to_have_count(1)
    failed = job.locator("[data-testid=import-file][data-state=failed]")
    expect(failed).to_contain_text(f"{tmp_path.name}.mp3")
    language = page.evaluate("localStorage['calmline.language']")
    reason = {"en": "not a recording that can be read", "zh": "不是可读取的录音"}
    expect(failed).to_contain_text(reason[language])

    page.get_by_test_id("import-files").set_input_files(recording)
    expect(jobs).to_have_count(2)
    again = jobs.first
    expect(again).to_have_attribute("data-state", "done", timeout=60_000)
    again.get_by_test_id("import-show").click()
    same = again.locator("[data-testid=import-file][data-state=duplicate]")
    expect(same).to_have_count(1)
