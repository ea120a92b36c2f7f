"""What a screen is told, and in which order."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, cast

import pytest

from alerts.events import AlertClosed, AlertOpened
from evaluation.fake_floor import FakeCall, FakeFloor, FakeParams
from server.board_view import glanced, thinned
from server.bus import News
from server.floor import Floor
from server.health import Health
from server.live import LiveCall
from server.screens import Feeds, Screen, Topic

pytestmark = pytest.mark.unit

Message = dict[str, Any]
Done = Callable[[list[Message]], bool]


async def told(
    floor: FakeFloor,
    done: Done,
    happens: Callable[[], Awaitable[None]],
    topic: str = "board",
) -> list[Message]:
    """What a new screen is told until `done`, when this happens after its snapshot."""
    messages: list[Message] = []
    begun, enough = asyncio.Event(), asyncio.Event()

    async def send(text: str) -> None:
        messages.append(json.loads(text))
        begun.set()
        if done(messages):
            enough.set()

    calls = cast("dict[str, LiveCall]", floor.by_id)
    feeds = Feeds(calls, floor.bus, Floor(), Health())
    serving = asyncio.create_task(feeds.serve(Screen(Topic.parse(topic), send)))
    async with asyncio.timeout(30):
        await begun.wait()
        await happens()
        await enough.wait()
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    return messages


def names(messages: list[Message]) -> list[str]:
    return [it["call_id"] for it in messages if it["type"] == "call"]


@pytest.mark.parametrize("topic", ["board", "agent:a9"])
def test_a_call_whose_news_begin_in_its_middle_is_told_whole(topic: str) -> None:
    floor = FakeFloor(FakeParams(calls=1))

    async def comes_back() -> None:
        call = FakeCall(8, FakeParams(), floor.bus, past_s=20)
        floor.calls["call-008"] = call
        call.publish(call.advance())
        await asyncio.sleep(0.05)
        call.publish(call.advance())

    def done(messages: list[Message]) -> bool:
        return bool(messages[-1]["type"] == "entries")

    messages = asyncio.run(told(floor, done, comes_back, topic))

    (whole,) = [it for it in messages if it.get("call_id") == "call-008"][:1]
    assert (whole["type"], whole["from"]) == ("call", 0)
    assert whole["entries"][0]["kind"] == "CallStarted"
    assert messages[-1]["from"] == whole["to"]


def test_a_new_board_stands_at_once_and_news_do_not_wait_for_the_past() -> None:
    floor = FakeFloor(FakeParams(calls=12))
    call = floor.calls["call-011"]

    async def goes_on() -> None:
        call.publish(call.advance())

    def done(messages: list[Message]) -> bool:
        return len(names(messages)) == 12

    messages = asyncio.run(told(floor, done, goes_on))

    kinds = [it["type"] for it in messages]
    assert kinds[0] == "snapshot"
    assert kinds.index("entries") < kinds.count("call")
    assert names(messages) == list(floor.calls)
    first = len(json.dumps(messages[0]))
    rest = len(json.dumps([it for it in messages if it["type"] == "call"]))
    assert first < rest / 10


def test_a_board_that_fell_behind_still_gets_the_past() -> None:
    floor = FakeFloor(FakeParams(calls=3))
    call = floor.calls["call-000"]

    async def too_much() -> None:
        for _ in range(1001):
            call.publish(call.entries[-1:])

    def done(messages: list[Message]) -> bool:
        return len(names(messages)) == 3

    messages = asyncio.run(told(floor, done, too_much))

    assert [it["type"] for it in messages].count("snapshot") == 2


def test_words_of_a_call_that_the_screen_does_not_show_are_not_told() -> None:
    floor = FakeFloor(FakeParams(calls=2))

    async def speaks() -> None:
        floor.bus.publish(News("call-001", 1.0, tuple(floor.calls["call-001"].entries)))
        floor.calls["call-000"].publish(floor.calls["call-000"].advance())

    def done(messages: list[Message]) -> bool:
        return bool(messages[-1]["type"] == "entries")

    messages = asyncio.run(told(floor, done, speaks, "agent:a1"))

    assert "call-001" not in json.dumps(messages)


def test_at_a_glance_there_is_only_what_a_line_shows_now() -> None:
    floor = FakeFloor(FakeParams(calls=30))

    for call in floor.calls.values():
        kept, totals = glanced(call.entries)
        kinds = [type(entry.event).__name__ for entry in kept]
        opened = {it.event.alert_id for it in kept if isinstance(it.event, AlertOpened)}
        past = [it.event for it in call.entries]
        closed = {it.alert_id for it in past if isinstance(it, AlertClosed)}
        asked = {it.alert_id for it in past if isinstance(it, AlertOpened)}
        assert opened == asked - closed
        assert kinds.count("HostilityPoint") == 1
        assert not {"AlertClosed", "PhaseChanged"} & set(kinds)
        assert totals == thinned(call.entries)[1]
