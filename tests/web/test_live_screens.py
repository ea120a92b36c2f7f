"""The live screens in a real browser: a real service, streamed calls, quick models.

One service and two live calls for all tests, which go on as the tests change them:
the customer of `hot` rages at first, that of `cold` says nothing. `past` is over.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from audio.frame import CustomerWindow
from models.fake import FakeDetector
from models.ports import Transcriber, Transcript, VoiceReading
from server.engine import Models
from service_under_test import Caller, serving

pytestmark = pytest.mark.service

AXE = Path(__file__).parents[2] / "server/web/node_modules/axe-core/axe.min.js"
TIMEOUT_MS = 20_000
"""What a busy machine may take."""

THANKS = "all right thank you that is very kind of you"
RAGE = "this is ridiculous you are all completely useless"
UNTAKEN_S = 12.0
LANGUAGES = ("en", "zh")
TEXTS = {
    "en": {
        "taken": "Taken by Kim · after 0:",
        "untaken": "nobody took it",
        "help": "I am being abused",
        "on_it": "Kim is on it",
        "listening": "Kim is listening",
        "closed": "False alarm, Kim",
        "why": "anger",
        "lost": "Not live",
    },
    "zh": {
        "taken": "Kim 已受理 · 用时 0:",
        "untaken": "无人处理",
        "help": "我受到辱骂",
        "on_it": "Kim 正在处理",
        "listening": "Kim 正在监听",
        "closed": "误报",
        "why": "愤怒",
        "lost": "非实时",
    },
}

# Adds up what moved on the page without anybody having done anything to it.
WATCH_SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const it of list.getEntries()) if (!it.hadRecentInput) window.shifts += it.value;
}).observe({ type: 'layout-shift', buffered: true });
"""
# Notes what is heard and what the browser is asked to show; the page is out of sight.
WATCH_RINGS = """
window.tones = [];
window.notices = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...at) {
  window.tones.push(this.frequency.value);
  return start.apply(this, at);
};
const Real = Notification;
window.Notification = class extends Real {
  constructor(title, options) {
    super(title, options);
    window.notices.push(`${title} ${options.body}`);
  }
};
Object.defineProperty(document, 'hidden', { get: () => true });
"""
# Notes where a call is drawn, picture by picture, and whatever is animated.
WATCH_MOVES = """
window.places = [];
window.animated = [];
const follow = () => {
  const row = document.querySelector('[data-call=cold]')?.parentElement;
  const top = Math.round(row?.getBoundingClientRect().top ?? 0);
  if (row && window.places.at(-1) !== top) window.places.push(top);
  for (const it of document.getAnimations()) {
    if (it.effect.getComputedTiming().duration > 1) window.animated.push(`${it}`);
  }
  requestAnimationFrame(follow);
};
requestAnimationFrame(follow);
"""
# How many points of the opened curve have the colour of an alert's flag.
COUNT_FLAGS = """
() => {
  const canvas = document.querySelector('.uplot canvas');
  const style = getComputedStyle(document.documentElement);
  const colour = style.getPropertyValue('--critical').trim().slice(1);
  const wanted = [0, 2, 4].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const {width, height} = canvas;
  const {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (wanted.every((it, part) => data[at + part] === it)) found += 1;
  }
  return found;
}
"""

_STORED_S = 0.3


class Mood(Transcriber):
    """Words and voice of whoever speaks; a test changes them while calls go on."""

    name = model = "mood"

    def __init__(self) -> None:
        self.rages = True

    def transcribe(
        self,
        pcm: NDArray[np.float32],  # noqa: ARG002 - only the mood decides
        language: str | None,
    ) -> Transcript:
        return Transcript(RAGE if self.rages else THANKS, language or "en", 1.0, 0.9)

    def read(self, window: CustomerWindow) -> VoiceReading:
        anger = 0.95 if self.rages else 0.02
        return VoiceReading(window.end_s, anger, -20.0, self.model)


@dataclass
class Floor:
    """A service, and two calls that go on."""

    url: str
    mood: Mood
    hot: Caller
    cold: Caller

    def get(self, path: str) -> Any:
        return httpx.get(self.url + path).raise_for_status().json()

    def is_there(self, call_id: str) -> bool:
        return httpx.get(f"{self.url}/v1/calls/{call_id}").is_success

    def post(self, path: str, body: dict[str, Any]) -> None:
        httpx.post(self.url + path, json=body).raise_for_status()

    def calm(self) -> None:
        """End the rage, and take what it has opened."""
        self.hot.talk.customer = False
        for opened in self.said("hot", "AlertOpened"):
            path = f"/v1/calls/hot/alerts/{opened['alert_id']}/acknowledge"
            httpx.post(self.url + path, json={"by": "Kim"})

    def said(self, call_id: str, kind: str) -> list[dict[str, Any]]:
        """What the log of a call says of this kind; stored just after it is shown."""
        sleep(_STORED_S)
        entries = self.get(f"/v1/calls/{call_id}/entries")
        return [entry["body"] for entry in entries if entry["kind"] == kind]


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    folder = tmp_path_factory.mktemp("floor")
    mood = Mood()
    models = Models(FakeDetector, mood, mood, (mood.name,))
    with serving(folder, models) as addresses:
        url = addresses.http_url
        rules = httpx.get(f"{url}/v1/rules").json()["body"]
        quick = {"team": "home", "by": "Kim", "body": rules | {"escalate_s": UNTAKEN_S}}
        httpx.put(f"{url}/v1/rules", json=quick).raise_for_status()
        hot = Caller(
            addresses,
            speed=3.0,
            call_id="hot",
            agent_id="a7",
            customer_ref="K-20417",
            team="home",
        )
        cold = Caller(
            addresses,
            call_id="cold",
            agent_id="b2",
            customer_ref="K-20728",
            team="cards",
            language="zh",
        )
        past = Caller(addresses, speed=15.0, call_id="past", team="home")
        with hot, cold, past:
            floor = Floor(url, mood, hot, cold)
            hot.talk.customer = past.talk.customer = True
            while not floor.is_there("past") or not floor.said("past", "AlertOpened"):
                sleep(0.1)
            past.hang_up()
            yield floor


Open = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, floor: Floor) -> Iterator[Open]:
    """Opens pages of the service; none may throw an error or ask again and again."""
    pages: list[Page] = []
    problems: list[str] = []

    def new_page(path: str, script: str = "", **options: Any) -> Page:
        width = options.pop("width", 1440)
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        pages.append(page)
        page.set_default_timeout(TIMEOUT_MS)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.add_init_script("localStorage['calmline.name'] = 'Kim'")
        if script:
            page.add_init_script(script)
        page.goto(f"{floor.url}/{path}")
        return page

    expect.set_options(timeout=TIMEOUT_MS)
    yield new_page
    for page in pages:
        page.close()
    assert problems == []


def call(page: Page, call_id: str) -> Locator:
    return page.locator(f"[data-testid=board-call][data-call={call_id}]")


def alert(page: Page, rule: str) -> Locator:
    """The latest alert of a rule in the opened call."""
    found = page.get_by_test_id("call-detail").get_by_test_id("board-alert")
    return found.and_(page.locator(f"[data-rule={rule}]")).first


def order(page: Page) -> list[str]:
    rows = page.get_by_test_id("board-call")
    places = rows.evaluate_all(
        "rows => rows.map(it => [it.getBoundingClientRect().top, it.dataset.call])"
    )
    return [call_id for _, call_id in sorted(places)]


def test_a_call_that_boils_over_is_on_top_with_all_there_is_to_see(
    opened: Open, floor: Floor
) -> None:
    page = opened("board?lang=en", WATCH_SHIFTS)
    asked: list[str] = []
    row = call(page, "hot")

    expect(row.get_by_test_id("board-alert")).to_be_visible()
    expect(row).to_contain_text(RAGE[:20])
    expect(row).to_contain_text("K-20417 · home")
    expect(row.get_by_test_id("board-phase")).to_have_attribute(
        "data-phase", re.compile("take_off|peak")
    )
    page.on("request", lambda request: asked.append(request.resource_type))
    first = page.get_by_test_id("board-call").first
    expect(first).to_have_attribute("data-call", "hot")
    score = float(row.get_by_test_id("board-score").inner_text())
    assert score >= 50
    assert re.match(r"\(\d+\) ", page.title())
    assert page.get_by_test_id("floor").inner_text().startswith("2\nlive calls\n1\n")
    drawn = row.locator("canvas").evaluate(
        "it => it.getContext('2d').getImageData(0, 0, it.width, it.height).data"
        ".some(value => value > 0)"
    )
    assert drawn
    expect(row).to_contain_text("Talk share: Customer 100 % · Agent 0 %")
    page.wait_for_timeout(2_000)
    assert not {"fetch", "xhr"} & set(asked)
    assert page.evaluate("window.shifts") < 0.02
    floor.calm()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_call_for_help_is_taken_put_off_and_closed_with_a_reason(
    opened: Open, floor: Floor, language: str
) -> None:
    texts = TEXTS[language]
    board = opened(f"board?lang={language}&call=cold")
    agent = opened(f"agent/b2?lang={language}")
    agent.get_by_test_id("help").click()
    agent.locator("[data-reason=abuse]").click()
    asked = alert(board, "help")
    expect(asked).to_contain_text(texts["help"])

    asked.get_by_test_id("alert-take").click()
    expect(asked).to_have_attribute("data-state", "acknowledged")
    expect(asked).to_contain_text(texts["taken"])
    expect(agent.get_by_test_id("help-asked")).to_contain_text(texts["on_it"])
    expect(board.get_by_test_id("floor-taken")).to_have_text(re.compile(r"\d:\d\d"))
    asked.get_by_test_id("alert-menu").click()
    board.get_by_test_id("alert-snooze").first.click()
    expect(asked).to_have_attribute("data-state", "snoozed")
    asked.get_by_test_id("alert-menu").click()
    board.locator(":popover-open input").fill("they were joking")
    board.locator(":popover-open [data-reason=false_alarm]").click()

    expect(asked).to_have_attribute("data-state", "closed")
    expect(asked).to_contain_text(texts["closed"])
    expect(agent.get_by_test_id("help")).to_be_visible()
    closed = floor.said("cold", "AlertClosed")[-1]
    assert (closed["reason"], closed["by"]) == ("false_alarm", "Kim")
    assert closed["text"] == "they were joking"
    assert floor.said("cold", "HelpAsked")[-1] == {
        "reason": "abuse",
        "text": "",
        "by": "b2",
    }
    waiting = floor.said("cold", "AlertSnoozed")[-1]
    assert waiting["until_s"] - waiting["at_s"] == pytest.approx(60)


def test_the_list_holds_still_under_the_pointer_and_moves_up_without_it(
    opened: Open, floor: Floor
) -> None:
    page = opened("board?lang=en")
    expect(page.get_by_test_id("board-call")).to_have_count(2)
    floor.calm()
    expect(page.get_by_test_id("alert-take")).to_have_count(0)
    before = order(page)
    call(page, "hot").hover()
    floor.post("/v1/calls/cold/help", {"reason": "question", "by": "b2"})

    expect(call(page, "cold").get_by_test_id("board-alert")).to_be_visible()
    expect(page.get_by_text("Order held while you point")).to_be_visible()
    assert order(page) == before == ["hot", "cold"]
    page.mouse.move(700, 20)

    expect(page.get_by_test_id("board-call").first).to_have_attribute(
        "data-call", "cold"
    )
    floor.post("/v1/calls/cold/help/withdraw", {"by": "b2"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_alert_that_nobody_takes_escalates(
    opened: Open, floor: Floor, language: str
) -> None:
    floor.post("/v1/calls/hot/help", {"reason": "question", "by": "a7"})
    page = opened(f"board?lang={language}&call=hot")

    asked = alert(page, "help")

    expect(asked).to_have_attribute(
        "data-state", "escalated", timeout=UNTAKEN_S * 1000 + TIMEOUT_MS
    )
    expect(asked).to_contain_text(TEXTS[language]["untaken"])
    floor.post("/v1/calls/hot/help/withdraw", {"by": "a7"})
    expect(asked).to_have_attribute("data-state", "closed")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_opened_call_says_what_happened_and_why(opened: Open, language: str) -> None:
    page = opened(f"board?lang={language}&call=hot")
    detail = page.get_by_test_id("call-detail")

    line = detail.locator("[data-testid=transcript-line][data-final=true]").first
    expect(line.locator("mark").first).to_be_visible()
    expect(line.locator(".signs")).not_to_be_empty()
    expect(detail.get_by_test_id("why")).to_contain_text(TEXTS[language]["why"])
    expect(detail.locator(".u-over")).to_be_visible()
    expect(detail.locator(".talk .bar").last).to_be_visible()
    expect(detail.locator(".talk").last).to_contain_text("100")


def test_an_alert_has_its_flag_on_the_curve(opened: Open, floor: Floor) -> None:
    page = opened("board?lang=en&call=cold")
    page.locator(".uplot canvas").wait_for()
    page.wait_for_timeout(500)
    before = page.evaluate(COUNT_FLAGS)

    floor.post("/v1/calls/cold/help", {"reason": "question", "by": "b2"})

    try:
        # As a function: the page's policy lets no expression be evaluated again.
        page.wait_for_function(
            f"(before) => ({COUNT_FLAGS})() > before", arg=before, timeout=20_000
        )
    finally:
        floor.post("/v1/calls/cold/help/withdraw", {"by": "b2"})


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_who_wants_no_movement_sees_none(
    opened: Open, floor: Floor, motion: str
) -> None:
    floor.calm()
    page = opened("board?lang=en", reduced_motion=motion)
    first = page.get_by_test_id("board-call").first
    expect(first).to_have_attribute("data-call", "hot")
    page.evaluate(WATCH_MOVES)

    floor.post("/v1/calls/cold/help", {"reason": "question", "by": "b2"})
    for _ in range(40):
        # The other call is silent by now, which opens an alert of its own.
        floor.calm()
        if first.get_attribute("data-call") == "cold":
            break
    expect(first).to_have_attribute("data-call", "cold")
    page.wait_for_timeout(600)

    places, animated = page.evaluate("[window.places, window.animated.length]")
    if motion == "reduce":
        assert len(places) == 2
        assert animated == 0
    else:
        assert len(places) > 2
    floor.post("/v1/calls/cold/help/withdraw", {"by": "b2"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_note_is_whispered_to_the_agent(opened: Open, language: str) -> None:
    note = {"en": "Offer a call back.", "zh": "可以主动提出回电。"}[language]
    board = opened(f"board?lang={language}&call=cold")
    agent = opened(f"agent/b2?lang={language}")
    overlay = opened(f"agent/b2?lang={language}&overlay", width=400)

    board.get_by_test_id("note-text").fill(note)
    board.get_by_test_id("note-send").click()

    expect(agent.get_by_test_id("note").first).to_contain_text(note)
    expect(overlay.get_by_test_id("note")).to_contain_text(f"Kim: {note}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_listens_in_is_seen_by_the_agent_and_in_the_audit_log(
    opened: Open, floor: Floor, language: str
) -> None:
    board = opened(f"board?lang={language}&call=hot")
    agent = opened(f"agent/a7?lang={language}")
    listen = board.get_by_test_id("listen")

    listen.click()

    expect(listen).to_have_attribute("data-state", "on")
    expect(listen).not_to_have_attribute("data-heard", "0")
    expect(agent.get_by_test_id("listened")).to_have_text(TEXTS[language]["listening"])
    listen.click()
    expect(agent.get_by_test_id("listened")).to_have_count(0)
    assert floor.said("hot", "ListeningStarted")[-1] == {"by": "Kim"}
    log = floor.get("/v1/audit/entries?limit=20&call_id=hot")
    assert "listen_in" in {entry["action"] for entry in log}


def test_a_cue_waits_for_a_customer_who_goes_on_and_goes_when_dismissed(
    opened: Open, floor: Floor
) -> None:
    page = opened("agent/a7?lang=en")
    cue = page.get_by_test_id("cue")

    floor.hot.talk.customer = True
    expect(cue).to_have_attribute("data-state", "armed")
    floor.hot.talk.customer = False
    expect(cue).to_have_attribute("data-state", "counting")
    floor.hot.talk.customer = True
    expect(cue).to_have_attribute("data-state", "armed")
    page.keyboard.press("Escape")

    expect(cue).to_have_attribute("data-state", "idle")
    assert floor.said("hot", "CueWithdrawn")[-1]["reason"] == "dismissed"
    floor.calm()


def test_a_cue_goes_when_the_customer_calms_while_they_speak(
    opened: Open, floor: Floor
) -> None:
    page = opened("agent/a7?lang=zh")
    cue = page.get_by_test_id("cue")

    floor.hot.talk.customer = True
    expect(cue).to_have_attribute("data-state", "armed")
    floor.mood.rages = False

    expect(cue).to_have_attribute("data-state", "idle")
    assert floor.said("hot", "CueWithdrawn")[-1]["reason"] == "calmed"
    floor.mood.rages = True
    floor.calm()


def test_the_agent_mutes_cues_and_asks_for_a_line_by_key(
    opened: Open, floor: Floor
) -> None:
    page = opened("agent/b2?lang=en")
    cue = page.get_by_test_id("cue")
    expect(cue).to_have_attribute("data-state", "idle")

    page.keyboard.press("m")
    expect(cue).to_have_attribute("data-state", "muted")
    page.keyboard.press("n")
    line = page.get_by_test_id("cue-line")
    expect(line).to_be_visible()
    first = line.inner_text()
    page.get_by_test_id("cue-next").click()
    expect(line).not_to_have_text(first)
    page.keyboard.press("m")

    expect(page.get_by_test_id("cue-mute")).to_have_attribute("aria-pressed", "false")
    lines = [it["text"] for it in floor.said("cold", "LineOffered")]
    assert lines[:1] == [first]
    assert len(set(lines)) == len(lines)
    assert floor.said("cold", "CuesMuted") == [{"by": "b2"}]
    assert floor.said("cold", "CuesUnmuted") == [{"by": "b2"}]


def test_the_board_shows_the_calls_that_fit(opened: Open) -> None:
    page = opened("board?lang=en&team=home")
    rows = page.get_by_test_id("board-call")
    expect(rows).to_have_count(1)
    expect(rows).to_have_attribute("data-call", "hot")
    page.get_by_test_id("filter-team").select_option("")
    expect(rows).to_have_count(2)

    page.get_by_test_id("filter-language").select_option("zh")
    expect(rows).to_have_count(1)
    expect(rows).to_have_attribute("data-call", "cold")
    page.get_by_test_id("filter-phase").select_option("peak")
    expect(page.get_by_test_id("nothing-fits")).to_be_visible()
    page.get_by_test_id("nothing-fits").get_by_role("button").click()
    expect(rows).to_have_count(2)
    page.get_by_test_id("sort").select_option("agent")
    expect(rows.first).to_have_attribute("data-call", "hot")
    page.get_by_role("button", name="Tiles").click()
    tiles = page.get_by_role("list", name="Calls").get_by_role("listitem")
    expect(tiles).to_have_count(2)
    left, right = (tiles.nth(at).bounding_box() for at in (0, 1))
    assert left is not None
    assert right is not None
    assert (left["y"], left["x"] < right["x"]) == (right["y"], True)
    expect(tiles.first).to_contain_text("K-20417 · home")


def test_the_board_is_worked_with_keys_alone(opened: Open) -> None:
    page = opened("board?lang=en")
    expect(page.get_by_test_id("board-call")).to_have_count(2)
    page.get_by_test_id("sort").select_option("agent")

    page.keyboard.press("/")
    page.keyboard.type("nobody")
    expect(page.get_by_test_id("nothing-fits")).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    expect(page.get_by_test_id("board-call")).to_have_count(2)
    call(page, "hot").get_by_role("link").focus()
    page.keyboard.press("ArrowDown")
    expect(call(page, "cold").get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("call-detail")).to_contain_text("K-20728")
    page.keyboard.press("Escape")

    expect(page.get_by_test_id("call-detail")).to_have_count(0)


def test_alerts_are_heard_and_shown_unless_that_is_switched_off(
    floor: Floor, browser: Browser
) -> None:
    context = browser.new_context(permissions=["notifications"])
    page = context.new_page()
    page.add_init_script(WATCH_RINGS)
    page.goto(f"{floor.url}/board?lang=en")
    sound = page.get_by_test_id("sound")
    page.get_by_role("button", name="Notices").click()

    def rings() -> tuple[int, int]:
        floor.post("/v1/calls/cold/help", {"reason": "question", "by": "b2"})
        waits = call(page, "cold").get_by_test_id("alert-take")
        expect(waits).to_be_visible()
        floor.post("/v1/calls/cold/help/withdraw", {"by": "b2"})
        expect(waits).to_have_count(0)
        tones, notices = page.evaluate("[window.tones.length, window.notices]")
        assert {"Agent calls for help Critical · Agent b2"} >= set(notices)
        return tones, len(notices)

    assert rings() == (2, 1)
    sound.click()
    assert rings() == (2, 2)
    context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_screen_says_that_it_is_not_live_and_goes_on_where_it_was(
    browser: Browser, floor: Floor, language: str
) -> None:
    page = browser.new_page()
    had: list[str] = []
    lines: list[WebSocketRoute] = []

    def connect(line: WebSocketRoute) -> None:
        lines.append(line)
        server = line.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            had.append(str(message))
            server.send(message)

        line.on_message(pass_on)

    page.route_web_socket(re.compile("/v1/live"), connect)
    page.goto(f"{floor.url}/board?lang={language}")
    expect(call(page, "hot")).to_be_visible()
    state = page.get_by_test_id("connection")
    expect(state).to_have_attribute("data-state", "live")
    page.evaluate(
        "new MutationObserver(() => { window.told ??= document.querySelector("
        "'[data-testid=connection][data-state=lost]')?.textContent }).observe("
        "document.body, {subtree: true, attributes: true, childList: true})"
    )

    lines[0].close()

    expect(state).to_have_attribute("data-state", "lost")
    expect(state).to_have_attribute("data-state", "live")
    assert TEXTS[language]["lost"] in page.evaluate("window.told")
    assert had[0] == "{}"
    assert re.search(r'"hot":[1-9]', had[1])
    page.close()


def test_rules_are_tried_on_past_calls_and_saved(opened: Open, floor: Floor) -> None:
    page = opened("rules?lang=en&team=home")
    page.get_by_test_id("rules-period").select_option("today")
    page.get_by_test_id("rules-try").click()
    trial = page.get_by_test_id("trial")
    expect(trial).to_have_text(re.compile("Would have fired .+ today, in 1 call:"))
    found = page.locator("a[href^='/audit/past?t=']").first
    expect(found).to_be_visible()

    page.locator("[data-rule=churn] input[type=checkbox]").uncheck()
    page.locator("[data-rule=hostility] .level input").first.fill("10")
    page.get_by_test_id("book-save").click()
    state = page.get_by_test_id("book-state")
    expect(state).to_contain_text("begin above clear_score")
    page.locator("[data-rule=hostility] .level input").first.fill("60")
    page.get_by_test_id("book-save").click()

    expect(state).to_have_text("Saved")
    page.reload()
    churn = page.locator("[data-rule=churn] input[type=checkbox]")
    expect(churn).not_to_be_checked()
    expect(page.locator(".edition")).to_contain_text("Kim")
    rules = floor.get("/v1/rules?team=home")["body"]["rule"]
    (score,) = [rule for rule in rules if rule["id"] == "hostility"]
    assert score["levels"][0]["score"] == 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_teams_playbook_is_previewed_and_saved(
    opened: Open, floor: Floor, language: str
) -> None:
    mine = {"en": "Take all the time you need.", "zh": "您慢慢说"}[language]
    page = opened(f"playbook?lang={language}&team=cards")
    tag = {"en": "en", "zh": "zh-CN"}[language]

    page.locator(f"[data-testid=playbook-line] div[lang={tag}] textarea").first.fill(
        mine
    )

    expect(page.get_by_test_id("playbook-preview")).to_contain_text(mine)
    page.get_by_test_id("book-save").click()
    expect(page.get_by_test_id("book-state")).not_to_be_empty()
    body = floor.get("/v1/playbook?team=cards")["body"]
    assert body["lines"][0]["text"][language] == mine
    assert floor.get("/v1/playbook?team=home")["edition"]["version"] == 0


FIND_VIOLATIONS = """
axe.run({resultTypes: ['violations']}).then(({violations}) => violations
  .filter((it) => ['serious', 'critical'].includes(it.impact))
  .map((it) => `${it.id}: ${it.nodes.map((node) => node.target)}`))
"""
PAGES = {
    "board": "[data-testid=board-call]",
    "board?call=hot": "[data-testid=transcript-line]",
    "agent/a7": "[data-testid=transcript-line]",
    "agent/a7?overlay": "[data-testid=cue]",
    "rules": "[data-testid=rule]",
    "playbook": "[data-testid=playbook-line]",
}
"""Where the pages are, and what is there once they are."""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("path", "there"), PAGES.items())
def test_no_page_has_a_serious_violation_or_is_wider_than_the_window(
    opened: Open, path: str, there: str, language: str
) -> None:
    dark = (list(PAGES).index(path) + LANGUAGES.index(language)) % 2
    address = f"{path}{'&' if '?' in path else '?'}lang={language}"
    page = opened(
        address, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    page.locator(there).first.wait_for()
    page.evaluate(AXE.read_text(encoding="utf-8"))

    found = page.evaluate(FIND_VIOLATIONS)
    wide = {}
    for width in (400, 3840):
        page.set_viewport_size({"width": width, "height": 800})
        wide[width] = page.evaluate(
            "document.scrollingElement.scrollWidth - innerWidth"
        )

    assert found == []
    assert max(wide.values()) <= 0, wide
