"""Streams calls into a service in real time, and notes when what comes back."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from audio.codec import AudioFormat, Encoding, encode
from audio.endpointer import EndpointerParams
from evaluation.capacity_calls import LINE_RATE, LoadCall
from server.call import CallParams

_MESSAGES_PER_S = 50
_FORMAT = AudioFormat(Encoding.MULAW, LINE_RATE, 2)
_ENDED_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Words:
    """A final transcript that came back."""

    call: int
    party: str
    start_s: float
    end_s: float
    text: str


@dataclass(slots=True)
class Measured:
    """What one run of the load saw; times in seconds.

    Attributes:
        final_s: from the end of speech to its final transcript at the board.
        cue_s: from the audio that crossed the threshold to the agent's cue.
        alert_s: from the rule's call time to the alert at the board.
        finals: what was written down.
        n_partials: partial transcripts that were shown.
        sent_bytes: audio sent.
        stored_bytes: audio acknowledged as stored.
        n_broken: calls that did not end as they should.
        at_s: when each final came, in seconds since the load began.
    """

    final_s: list[float] = field(default_factory=list)
    cue_s: list[float] = field(default_factory=list)
    alert_s: list[float] = field(default_factory=list)
    at_s: list[float] = field(default_factory=list)
    finals: list[Words] = field(default_factory=list)
    n_partials: int = 0
    sent_bytes: int = 0
    stored_bytes: int = 0
    n_broken: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """Where the service is, and from when on what comes back is counted."""

    audio_url: str
    http_url: str
    warm_up_s: float


class Load:
    """Several calls at once, each with its agent's screen, and one board."""

    def __init__(self, target: Target, calls: Sequence[LoadCall]) -> None:
        self._target = target
        self._calls = calls
        self._began: dict[str, float] = {}
        self._start = 0.0
        self.measured = Measured()

    async def run(self) -> Measured:
        """Stream every call to its end."""
        self._start = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            board = tasks.create_task(self._watch("board"))
            screens = [
                tasks.create_task(self._watch(f"agent:load{index}"))
                for index in range(len(self._calls))
            ]
            await asyncio.sleep(0.5)
            streams = [
                tasks.create_task(self._stream(index, call))
                for index, call in enumerate(self._calls)
            ]
            await asyncio.gather(*streams)
            for task in (board, *screens):
                task.cancel()
        return self.measured

    async def _stream(self, index: int, call: LoadCall) -> None:
        # Calls do not come in at the same moment.
        await asyncio.sleep(index * 0.13 % 2.0)
        hello = {
            "agent_id": f"load{index}",
            "call_id": f"load{index}-{int(self._start)}",
            "consent": "granted",
            "channels": ["customer", "agent"],
            "encoding": _FORMAT.encoding,
            "rate": _FORMAT.rate,
        }
        ended = False
        stored = 0
        try:
            async with connect(self._target.audio_url, compression=None) as socket:
                await socket.send(json.dumps(hello))
                await socket.recv()
                begin = time.monotonic()
                self._began[str(hello["call_id"])] = begin
                sending = asyncio.ensure_future(self._send(socket, call, begin))
                async for text in socket:
                    message = json.loads(text)
                    if message["type"] == "ack":
                        stored = message["received_bytes"]
                    ended = ended or message["type"] == "ended"
                await sending
        except (ConnectionClosed, OSError):
            pass
        self.measured.stored_bytes += stored
        self.measured.n_broken += not ended

    async def _send(self, socket: Any, call: LoadCall, begin: float) -> None:
        data = encode(call.pcm, _FORMAT)
        step = _FORMAT.rate * _FORMAT.instant_bytes // _MESSAGES_PER_S
        for number, at in enumerate(range(0, len(data), step), start=1):
            due = begin + number / _MESSAGES_PER_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await socket.send(data[at : at + step])
            self.measured.sent_bytes += len(data[at : at + step])
        await socket.send(json.dumps({"type": "end"}))

    async def _watch(self, topic: str) -> None:
        url = self._target.http_url.replace("http", "ws", 1)
        async with connect(f"{url}/v1/live?topic={topic}", max_size=None) as socket:
            async for text in socket:
                now = time.monotonic()
                message = json.loads(text)
                if message["type"] == "partial" and topic == "board":
                    self.measured.n_partials += 1
                if message["type"] == "entries":
                    for entry in message["entries"]:
                        self._note(topic, message["call_id"], entry, now)

    def _note(
        self, topic: str, call_id: str, entry: dict[str, Any], now: float
    ) -> None:
        if call_id not in self._began:
            return
        began, kind, body = self._began[call_id], entry["kind"], entry["body"]
        warm = now - self._start < self._target.warm_up_s
        index = int(call_id.removeprefix("load").partition("-")[0])
        late = now - began - entry["at_s"]
        if topic == "board":
            if kind == "TranscriptFinal":
                self._note_final(index, body, began, now)
            elif kind == "AlertOpened" and not warm:
                self.measured.alert_s.append(late)
        elif kind == "CueArmed" and not warm:
            # A cue comes with what arms it: words count as long after they were said;
            # of a reading of the voice, which counts sooner, this is too much.
            self.measured.cue_s.append(late + CallParams().words_latency_s)

    def _note_final(
        self, index: int, body: dict[str, Any], began: float, now: float
    ) -> None:
        words = Words(
            index, body["party"], body["start_s"], body["end_s"], body["text"]
        )
        self.measured.finals.append(words)
        spoken_until_s = words.end_s - EndpointerParams().trailing_s
        if now - self._start >= self._target.warm_up_s:
            self.measured.final_s.append(now - began - spoken_until_s)
            self.measured.at_s.append(now - self._start)
