"""A floor of made-up calls behind the real screens, for figures and pictures.

No audio and no models: each call writes the entries that a real one would, a curve
that rises and falls, words, turns, and alerts of the real rules, and the service's
own HTTP side sends them to real screens. Seeded: the same number gives the same
floor.
"""

import asyncio
import math
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvicorn

from alerts.rules import RuleEngine
from alerts.ruleset import load_rules
from audio.events import SpeechEnded
from audio.frame import Party
from emotion.events import (
    CustomerKind,
    CustomerKindChanged,
    Evidence,
    HostilityPoint,
    Phase,
    PhaseChanged,
    Source,
)
from models.ports import WordTimes
from server.bus import Bus, News
from server.calls import LiveCalls
from server.config import ServiceSettings
from server.controls import AcknowledgeAlert, CloseAlert, Control, SnoozeAlert
from server.events import (
    CallEnded,
    CallEndReason,
    CallStarted,
    Consent,
    Event,
    LogEntry,
    TranscriptFinal,
)
from server.floor import Floor
from server.health import Health
from server.http import build_app
from server.metrics import Metrics
from server.screens import Feeds
from server.storage import Storage
from server.store import Store
from server.team_books import TeamBooks
from server.team_pages import team_pages
from server.trust.access import Access, AccessParams
from server.trust.audit import AuditLog
from server.trust.people import People

_TEAMS = ("billing", "cards", "home", "售后")
_LINES = {
    "en": (
        (Party.CUSTOMER, "This is the third time I am calling about the same bill."),
        (Party.AGENT, "I can see why you feel that way. Let me look at it now."),
        (Party.CUSTOMER, "Nobody ever calls me back, this is ridiculous."),
        (Party.AGENT, "I hear how angry you are. Let us get to what happened."),
        (Party.CUSTOMER, "All right. So what can you do about it today?"),
    ),
    "zh": (
        (Party.CUSTOMER, "这件事我已经打了三次电话了"),
        (Party.AGENT, "我特别理解您现在的心情"),
        (Party.CUSTOMER, "每次都说会有人联系我从来没有过"),
        (Party.AGENT, "我听得出您非常生气我们一起把经过理清楚"),
        (Party.CUSTOMER, "好吧那你们现在打算怎么处理"),
    ),
}
_WAVE_S = 150.0
"""From one peak of a call to its next."""


@dataclass(frozen=True, slots=True)
class FakeParams:
    """What kind of floor.

    Attributes:
        calls: how many are live.
        seed: which floor.
        entries_hz: points, words and the like of each call in a second.
        past_s: how long the calls have gone on when the floor begins.
        life_s: how long a call is, after which another takes its place; 0: no call
            ends. Those that the floor begins with end by and by within that time.
    """

    calls: int = 100
    seed: int = 1
    past_s: int = 240
    life_s: int = 0


class FakeCall:
    """One made-up live call; what the screens ask of a `LiveCall` it answers.

    Attributes:
        heat: about the highest score that it reaches.
    """

    def __init__(
        self, number: int, params: FakeParams, bus: Bus, *, past_s: int = 0
    ) -> None:
        chance = random.Random(params.seed * 1000 + number)  # noqa: S311 - made-up calls, not secrets
        self._chance = chance
        self._language = "zh" if number % 2 else "en"
        self.heat = chance.choice((18.0, 25.0, 30.0, 34.0, 62.0, 88.0))
        self._offset_s = chance.uniform(0.0, _WAVE_S)
        self._bus = bus
        self._rules = RuleEngine(load_rules())
        self._phase = Phase.RATIONAL
        self._kind_known = False
        self._line = number
        self.started = CallStarted(
            call_id=f"call-{number:03}",
            agent_id=f"a{number + 1}",
            customer_ref=f"K-{20417 + 311 * number}",
            language=self._language,
            parties=(Party.CUSTOMER, Party.AGENT),
            consent=Consent.GRANTED,
            started_at=f"2026-01-01T09:{number // 60:02}:{number % 60:02}+00:00",
            models=("fake",),
            team=_TEAMS[number % len(_TEAMS)],
        )
        self.entries: list[LogEntry] = []
        self.live_s = 0.0
        self.behind_s = 0.0
        self.ended = asyncio.Event()
        self.consent = Consent.GRANTED
        self._add(self.started)
        for _ in range(past_s):
            self.advance()
        first = past_s > 0
        rest_s = chance.uniform(0.0, params.life_s) if first else params.life_s
        self._ends_s = self.live_s + rest_s if params.life_s else math.inf

    def advance(self) -> list[LogEntry]:
        """Let a second of the call pass; return what happened in it."""
        before = len(self.entries)
        self.live_s += 1.0
        now_s = self.live_s
        wave = math.sin(2 * math.pi * (now_s + self._offset_s) / _WAVE_S)
        noise = self._chance.uniform(-3.0, 3.0)
        score = min(100.0, max(0.0, self.heat * (0.55 + 0.45 * wave) + noise))
        phase = _phase_of(score, rising=wave < 1 and self._rising(now_s))
        if phase is not self._phase:
            self._add(PhaseChanged(now_s, self._phase, phase, score))
            self._phase = phase
            if phase is Phase.TAKE_OFF and not self._kind_known:
                kind = self._chance.choice(tuple(CustomerKind))
                self._add(CustomerKindChanged(now_s, None, kind, 0.8))
                self._kind_known = True
        why = (
            Evidence(Source.VOICE, "voice_anger", score / 2, score / 100, now_s, now_s),
        )
        self._add(HostilityPoint(now_s, score, score * 0.8, score + 8, phase, why))
        if round(now_s) % 6 == 0:
            self._speak(now_s)
        for event in self._rules.advance(now_s):
            self._add(event)
        return self.entries[before:]

    @property
    def is_over(self) -> bool:
        """Whether it has been as long as it was to be."""
        return self.live_s >= self._ends_s

    def end(self) -> None:
        """Write the last entries, and tell the screens."""
        before = len(self.entries)
        for event in self._rules.flush(self.live_s):
            self._add(event)
        self._add(CallEnded(CallEndReason.COMPLETED, self.live_s))
        self.publish(self.entries[before:])

    def _rising(self, now_s: float) -> bool:
        return math.cos(2 * math.pi * (now_s + self._offset_s) / _WAVE_S) > 0

    def _speak(self, now_s: float) -> None:
        lines = _LINES[self._language]
        party, text = lines[self._line % len(lines)]
        self._line += 1
        start_s, end_s = now_s - 5.0, now_s - 1.0
        self._add(SpeechEnded(party, start_s, end_s))
        self._add(
            TranscriptFinal(
                f"u{self._line}", party, start_s, end_s, text, self._language, 0.9
            )
        )

    def _add(self, event: Event) -> None:
        self.entries.append(LogEntry(len(self.entries) + 1, self.live_s, event))
        self._rules.feed(event)

    async def control(self, control: Control) -> None:
        """Take what a supervisor does with an alert, or a note."""
        before = len(self.entries)
        match control:
            case AcknowledgeAlert(alert_id=alert_id, by=by):
                self._add(self._rules.acknowledge(alert_id, by, self.live_s))
            case SnoozeAlert(alert_id=alert_id, by=by, for_s=for_s):
                until_s = self.live_s + for_s
                self._add(self._rules.snooze(alert_id, by, self.live_s, until_s))
            case CloseAlert(alert_id=alert_id, by=by, reason=reason, text=text):
                self._add(
                    self._rules.close(alert_id, reason, self.live_s, by=by, text=text)
                )
            case _:
                pass
        self.publish(self.entries[before:])

    def tell(self, event: Event) -> None:
        """Let this happen in the call now."""
        before = len(self.entries)
        self._add(event)
        self.publish(self.entries[before:])

    def publish(self, entries: list[LogEntry]) -> None:
        """Tell the screens."""
        if entries:
            self._bus.publish(News(self.started.call_id, self.live_s, tuple(entries)))


def _phase_of(score: float, *, rising: bool) -> Phase:
    if score >= 65:  # noqa: PLR2004 - made up
        return Phase.PEAK
    if score >= 40:  # noqa: PLR2004 - made up
        return Phase.TAKE_OFF if rising else Phase.SLOW_DOWN
    return Phase.RATIONAL


class FakeFloor:
    """The made-up calls, and the clock that lets them go on."""

    def __init__(self, params: FakeParams) -> None:
        self.bus = Bus()
        self.calls: dict[str, FakeCall] = {}
        self.word_times: WordTimes | None = None
        self._params = params
        self._n_calls = 0
        for _ in range(params.calls):
            self._begin(params.past_s)

    def _begin(self, past_s: int) -> None:
        call = FakeCall(self._n_calls, self._params, self.bus, past_s=past_s)
        self.calls[call.started.call_id] = call
        self._n_calls += 1

    @property
    def by_id(self) -> dict[str, FakeCall]:
        """The live calls, as `LiveCalls` has them."""
        return self.calls

    async def run(self, on_advance: Callable[[], None] = lambda: None) -> None:
        """Let a second pass in a second, the calls evenly spread over it."""
        loop = asyncio.get_running_loop()
        pause_s = 1.0 / max(1, len(self.calls))
        due_s = loop.time()
        while True:
            for call_id, call in list(self.calls.items()):
                call.publish(call.advance())
                if call.is_over:
                    call.end()
                    del self.calls[call_id]
                    self._begin(0)
                due_s += pause_s
                await asyncio.sleep(max(0.0, due_s - loop.time()))
            on_advance()


@asynccontextmanager
async def serving(floor: FakeFloor, data_dir: Path) -> AsyncIterator[str]:
    """Serve the screens of `floor` while the context lasts; gives the URL."""
    settings = ServiceSettings(http_port=0, audio_port=0, data_dir=data_dir)
    store = Store(settings.url)
    storage = Storage(store)
    access = Access(
        People(store.engine), AuditLog(store.engine), storage, AccessParams()
    )
    calls = cast("LiveCalls", floor)
    feeds = Feeds(calls.by_id, floor.bus, Floor(), Health())
    app = build_app(settings, calls, feeds, storage, Metrics(), access)
    app.include_router(team_pages(TeamBooks(store.engine), storage, access))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            lifespan="off",
            access_log=False,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
    )
    running = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        storage.close()
        listener.close()
