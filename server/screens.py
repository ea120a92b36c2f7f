"""The feed of one screen: a snapshot, then everything that happens."""

import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from server.bus import Bus, News, Subscription
from server.live import LiveCall
from server.wire import entry_to_json

_CLOCK_EVERY_S = 1.0
_BEHIND_S = 2.0
"""A call that is further behind its audio than this is said to be behind."""

Send = Callable[[str], Awaitable[None]]


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

    def holds(self, live: LiveCall) -> bool:
        """Whether the screen shows this call."""
        started = live.started
        return self.agent_id in (None, started.agent_id) and self.call_id in (
            None,
            started.call_id,
        )


async def feed(
    topic: Topic, calls: Mapping[str, LiveCall], bus: Bus, send: Send
) -> None:
    """Send a screen what it shows, until sending fails.

    A screen that falls behind loses what was queued and gets a fresh snapshot.
    """
    shown: set[str] = set()
    with bus.subscribe() as news:
        while True:
            shown = await _snapshot(topic, calls, news, send)
            await _follow(topic, calls, news, shown, send)


async def _snapshot(
    topic: Topic, calls: Mapping[str, LiveCall], news: Subscription, send: Send
) -> set[str]:
    news.missed = False
    lives = [live for live in calls.values() if topic.holds(live)]
    message = {
        "type": "snapshot",
        "calls": [
            {
                "call_id": live.started.call_id,
                "live_s": live.live_s,
                "entries": [entry_to_json(entry) for entry in live.entries],
            }
            for live in lives
        ],
    }
    shown = {live.started.call_id for live in lives}
    await send(json.dumps(message, ensure_ascii=False))
    return shown


async def _follow(
    topic: Topic,
    calls: Mapping[str, LiveCall],
    news: Subscription,
    shown: set[str],
    send: Send,
) -> None:
    """Pass news on until some was missed."""
    clock_at = time.monotonic() + _CLOCK_EVERY_S
    while not news.missed:
        item = await news.next(max(0.0, clock_at - time.monotonic()))
        if item is not None:
            live = calls.get(item.call_id)
            if item.call_id in shown or (live is not None and topic.holds(live)):
                shown.add(item.call_id)
                await send(json.dumps(_message(item), ensure_ascii=False))
        if time.monotonic() >= clock_at:
            clock_at += _CLOCK_EVERY_S
            lives = [calls[call_id] for call_id in shown if call_id in calls]
            await send(json.dumps(_clock(lives)))


def _message(news: News) -> dict[str, Any]:
    if news.partial is not None:
        return {
            "type": "partial",
            "call_id": news.call_id,
            "live_s": news.live_s,
            "party": news.partial.party,
            "start_s": news.partial.start_s,
            "text": news.partial.text,
        }
    return {
        "type": "entries",
        "call_id": news.call_id,
        "live_s": news.live_s,
        "entries": [entry_to_json(entry) for entry in news.entries],
    }


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
