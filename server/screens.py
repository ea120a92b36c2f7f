"""The feed of one screen: a snapshot, then everything that happens."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from server.board_view import glanced, shown, thinned
from server.bus import Bus, News, Subscription
from server.events import LogEntry
from server.floor import Floor
from server.health import Health
from server.live import LiveCall
from server.trust.redacted_log import redacted_live, redacted_partial
from server.wire import entry_to_json

_CLOCK_EVERY_S = 1.0
_PAST_AFTER_S = 0.4
_PAST_EVERY_S = 0.01
"""A new board draws itself first; then it gets the past of one call after the other."""

_BEHIND_S = 2.0
"""A call that is further behind its audio than this is said to be behind."""

Send = Callable[[str], Awaitable[None]]

_HAVE: TypeAdapter[dict[str, int]] = TypeAdapter(dict[str, int])


@dataclass(frozen=True, slots=True)
class Topic:
    """Which calls a screen shows: all, an agent's, or one; None means any.

    Raises:
        ValueError: from `parse`, when the text names no topic.
    """

    agent_id: str | None = None
    call_id: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``board``, ``agent:<agent_id>`` or ``call:<call_id>``."""
        kind, _, name = text.partition(":")
        if text == "board":
            return cls()
        if kind == "agent" and name:
            return cls(agent_id=name)
        if kind == "call" and name:
            return cls(call_id=name)
        raise ValueError("topic must be board, agent:<agent_id> or call:<call_id>")

    @property
    def is_board(self) -> bool:
        """Whether it shows every call, each with less of its log."""
        return self.agent_id is None and self.call_id is None

    def holds(self, live: LiveCall) -> bool:
        """Whether the screen shows this call."""
        started = live.started
        return self.agent_id in (None, started.agent_id) and self.call_id in (
            None,
            started.call_id,
        )


def read_have(text: str) -> dict[str, int]:
    """Read what a screen says it has: the last seq it knows of each call.

    Raises:
        ValueError: it is not a JSON object of integers.
    """
    try:
        return _HAVE.validate_json(text)
    except ValidationError:
        raise ValueError("expected a JSON object of call ids and numbers") from None


@dataclass(slots=True)
class Screen:
    """One screen.

    Attributes:
        topic: which calls it shows.
        send: takes one message; raises when the screen is gone.
        have: the last seq it has of each call, so that it gets only the rest.
        past: calls of which it has been told no more than where they stand.
    """

    topic: Topic
    send: Send
    have: dict[str, int] = field(default_factory=dict)
    past: deque[str] = field(default_factory=deque)


class Feeds:
    """Serves screens. Event loop only.

    Args:
        calls: the live calls.
        bus: where what happens in them is told.
        floor: the floor's figures, for boards.
        health: what is wrong with the service.
    """

    def __init__(
        self,
        calls: Mapping[str, LiveCall],
        bus: Bus,
        floor: Floor,
        health: Health,
    ) -> None:
        self.health = health
        self._calls = calls
        self._bus = bus
        self._floor = floor

    async def serve(self, screen: Screen) -> None:
        """Send a screen what it shows, until sending fails.

        A screen that falls behind loses what was queued and gets a snapshot, in
        which there is only what it does not have.
        """
        with self._bus.subscribe() as news:
            while True:
                news.missed = False
                await self._snapshot(screen)
                await self._follow(screen, news)

    async def _snapshot(self, screen: Screen) -> None:
        """Tell a screen what it lacks; a new board only where every call stands."""
        lives = [live for live in self._calls.values() if screen.topic.holds(live)]
        first = screen.topic.is_board and not screen.have
        have, screen.have = screen.have, {}
        calls = []
        for live in lives:
            call_id = live.started.call_id
            screen.have[call_id] = len(live.entries)
            known = have.get(call_id, 0)
            calls.append(_call(screen.topic, live, known, glance=first))
            await asyncio.sleep(0)
        if first:
            screen.past.extend(screen.have)
        await screen.send(_text({"type": "snapshot", "calls": calls}))

    async def _follow(self, screen: Screen, news: Subscription) -> None:
        """Pass news on, and the past of calls in between, until some was missed."""
        clock_at = time.monotonic() + _CLOCK_EVERY_S
        past_at = time.monotonic() + _PAST_AFTER_S
        while not news.missed:
            due_at = min(clock_at, past_at) if screen.past else clock_at
            item = await news.next(max(0.0, due_at - time.monotonic()))
            if item is not None:
                await self._pass_on(screen, item)
            if screen.past and time.monotonic() >= past_at:
                live = self._calls.get(screen.past.popleft())
                if live is not None:
                    await self._introduce(screen, live)
                past_at = time.monotonic() + _PAST_EVERY_S
            if time.monotonic() >= clock_at:
                clock_at += _CLOCK_EVERY_S
                lives = [
                    self._calls[call_id]
                    for call_id in screen.have
                    if call_id in self._calls
                ]
                clock = _clock(lives)
                clock["problems"] = self.health.problems
                if screen.topic.is_board:
                    clock["floor"] = asdict(self._floor.figures)
                await screen.send(json.dumps(clock))

    async def _pass_on(self, screen: Screen, news: News) -> None:
        live = self._calls.get(news.call_id)
        known = screen.have.get(news.call_id)
        if known is None:
            if live is not None and news.entries and screen.topic.holds(live):
                # News of it may begin in its middle: it is told whole.
                await self._introduce(screen, live)
            return
        message: dict[str, Any] = {"call_id": news.call_id, "live_s": news.live_s}
        if news.partial is not None:
            message |= {"type": "partial"} | asdict(redacted_partial(news.partial))
        else:
            entries = [entry for entry in news.entries if entry.seq > known]
            if not entries:
                return
            screen.have[news.call_id] = entries[-1].seq
            message |= {"from": entries[0].seq - 1, "to": entries[-1].seq}
            so_far = entries if live is None else live.entries
            if screen.topic.is_board:
                entries = shown(entries)
            message |= {
                "type": "entries",
                "entries": [
                    entry_to_json(entry) for entry in redacted_live(entries, so_far)
                ],
            }
        await screen.send(_text(message))

    async def _introduce(self, screen: Screen, live: LiveCall) -> None:
        """Tell a screen all that it shows of one call."""
        message = {"type": "call", **_call(screen.topic, live, 0)}
        screen.have[live.started.call_id] = len(live.entries)
        await screen.send(_text(message))


def _text(message: Mapping[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False)


def _call(
    topic: Topic, live: LiveCall, known: int, *, glance: bool = False
) -> dict[str, Any]:
    """One call of a snapshot: what a screen with its first `known` entries lacks."""
    if not 0 <= known <= len(live.entries):
        known = 0
    message: dict[str, Any] = {
        "call_id": live.started.call_id,
        "live_s": live.live_s,
        "from": known,
        "to": len(live.entries),
    }
    # The list grows at its end only, so an entry with seq n stands at n - 1.
    fresh: Sequence[LogEntry] = live.entries[known:]
    if topic.is_board and known == 0:
        fresh, totals = (glanced if glance else thinned)(live.entries)
        message["totals"] = asdict(totals)
    elif topic.is_board:
        fresh = shown(fresh)
    covered = redacted_live(fresh, live.entries)
    return message | {"entries": [entry_to_json(entry) for entry in covered]}


def _clock(lives: Iterable[LiveCall]) -> dict[str, Any]:
    return {
        "type": "clock",
        "calls": {live.started.call_id: live.live_s for live in lives},
        "behind": {
            live.started.call_id: live.behind_s
            for live in lives
            if live.behind_s > _BEHIND_S
        },
    }
