"""Plays a recording into a running service, as a telephone system would."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from audio.codec import AudioFormat, Encoding, encode
from audio.frame import RATE, Party
from audio.resampler import Resampler
from server.errors import ServerError
from server.recording import Recording

_MESSAGES_PER_S = 50
"""20 ms of audio in a message: what telephone systems send."""

_LINE_RATES = (8000, 16000, 24000, 48000)
"""Rates that the protocol takes; any other recording is played at 16 kHz."""

_PATIENCE_S = 60.0
"""How long to try to come back to a call whose line broke."""

_RETRY_S = 0.5


class StreamError(ServerError):
    """The service could not be reached, or closed the call before its end."""


@dataclass(frozen=True, slots=True)
class Line:
    """How a recording is to be presented to the service.

    Attributes:
        url: the service's audio address.
        speed: 1.0 plays in real time, 2.0 twice as fast.
        first_speaker: whose words come first, where one channel carries both.
    """

    url: str
    agent_id: str
    customer_ref: str
    parties: tuple[Party, ...]
    language: str | None
    encoding: Encoding
    speed: float
    first_speaker: Party = Party.UNKNOWN


async def stream(
    recording: Recording,
    line: Line,
    on_open: Callable[[str], None],
    patience_s: float = _PATIENCE_S,
) -> dict[str, Any]:
    """Play the whole recording; return the service's closing message.

    A line that breaks is taken up again, from the first byte that the service does
    not have.

    Args:
        recording: what to play.
        line: to whom, and how.
        on_open: told the call id once the service has taken the call.
        patience_s: how long to try to come back.

    Raises:
        StreamError: the service is not there, refused the call or closed it early.
        RecordingError: the recording is damaged.
    """
    rate = recording.rate if recording.rate in _LINE_RATES else RATE
    audio_format = AudioFormat(line.encoding, rate, recording.n_channels)
    sender = _Sender(recording, audio_format, line.speed)
    hello = _hello(audio_format, line)
    lost_at: float | None = None
    while True:
        try:
            async with connect(line.url, compression=None) as socket:
                await socket.send(json.dumps(hello))
                welcome = json.loads(await socket.recv())
                if "call_id" not in hello:
                    on_open(welcome["call_id"])
                hello |= {name: welcome[name] for name in ("call_id", "token")}
                lost_at = None
                return await _play(sender, welcome["received_bytes"], socket)
        except (ConnectionClosed, OSError, InvalidURI, InvalidHandshake) as error:
            now = time.monotonic()
            lost_at = now if lost_at is None else lost_at
            taken = "call_id" in hello
            if not (taken and _may_come_back(error)) or now - lost_at >= patience_s:
                raise StreamError(f"{line.url}: {_explain(error)}") from error
            await asyncio.sleep(_RETRY_S)


def _may_come_back(error: Exception) -> bool:
    """Tell a line that broke, or a service that restarts, from a call refused."""
    if isinstance(error, ConnectionClosed):
        return error.rcvd is None
    return not isinstance(error, InvalidURI)


def _hello(audio_format: AudioFormat, line: Line) -> dict[str, Any]:
    hello: dict[str, Any] = {
        "agent_id": line.agent_id,
        "customer_ref": line.customer_ref,
        "consent": "granted",
        "channels": ["mono"] if len(line.parties) == 1 else list(line.parties),
        "encoding": audio_format.encoding,
        "rate": audio_format.rate,
    }
    if line.language is not None:
        hello["language"] = line.language
    if line.first_speaker is not Party.UNKNOWN:
        hello["first_speaker"] = line.first_speaker
    return hello


class _Sender:
    """Sends a recording, 20 ms every 20 ms, and keeps what was not acknowledged."""

    def __init__(
        self, recording: Recording, audio_format: AudioFormat, speed: float
    ) -> None:
        step = audio_format.rate * audio_format.instant_bytes // _MESSAGES_PER_S
        self._messages = _messages(recording, audio_format, step)
        self._interval_s = 1 / _MESSAGES_PER_S / speed
        self._start = time.monotonic()
        self._n_sent = 0
        self._kept: deque[tuple[int, bytes]] = deque()
        self._n_bytes = 0

    def forget(self, n_bytes: int) -> None:
        """Let go of what is on the service's disk."""
        while self._kept and self._kept[0][0] + len(self._kept[0][1]) <= n_bytes:
            self._kept.popleft()

    async def send(self, socket: ClientConnection, from_byte: int) -> None:
        """Send what the service lacks, then go on; what is late leaves no gap."""
        for start, data in list(self._kept):
            if start + len(data) > from_byte:
                await socket.send(data[max(0, from_byte - start) :])
        for data in self._messages:
            self._kept.append((self._n_bytes, data))
            self._n_bytes += len(data)
            self._n_sent += 1
            await socket.send(data)
            due = self._start + self._n_sent * self._interval_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _play(
    sender: _Sender, from_byte: int, socket: ClientConnection
) -> dict[str, Any]:
    """Send all there is; return what the service closes with."""
    hearing = asyncio.ensure_future(_wait_ended(sender, socket))
    sending = asyncio.ensure_future(_send(sender, from_byte, socket))
    try:
        await asyncio.wait([hearing, sending], return_when=asyncio.FIRST_EXCEPTION)
        if hearing.done() and hearing.exception() is None:
            return hearing.result()
        # What went wrong first: a recording that cannot be read, or the line.
        if sending.done():
            sending.result()
        return await hearing
    finally:
        hearing.cancel()
        sending.cancel()
        await asyncio.gather(hearing, sending, return_exceptions=True)


async def _send(sender: _Sender, from_byte: int, socket: ClientConnection) -> None:
    await sender.send(socket, from_byte)
    await socket.send(json.dumps({"type": "end"}))


async def _wait_ended(sender: _Sender, socket: ClientConnection) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(await socket.recv())
        if message["type"] == "ack":
            sender.forget(message["received_bytes"])
        if message["type"] == "ended":
            return message


def _messages(
    recording: Recording, audio_format: AudioFormat, step: int
) -> Iterator[bytes]:
    """The recording as the line carries it, in pieces of `step` bytes."""
    held = b""
    for pcm in _at_line_rate(recording, audio_format.rate):
        held += encode(pcm, audio_format)
        n_whole = len(held) // step * step
        yield from (held[at : at + step] for at in range(0, n_whole, step))
        held = held[n_whole:]
    if held:
        yield held


def _at_line_rate(recording: Recording, rate: int) -> Iterator[NDArray[np.float32]]:
    if recording.rate == rate:
        yield from recording.blocks()
        return
    resampler = Resampler(recording.rate, recording.n_channels)
    for block in recording.blocks():
        yield resampler.feed(block)
    yield resampler.flush()


def _explain(error: BaseException) -> str:
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        return f"the service closed the call: {error.rcvd.code} {error.rcvd.reason}"
    if isinstance(error, ConnectionClosed):
        return "the connection broke"
    return f"no service there ({error}). Start one with: calmline serve"
