"""Plays a recording into a running service, as a telephone system would."""

import asyncio
import json
import time
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
from server.errors import RecordingError, ServerError
from server.recording import Recording

_MESSAGES_PER_S = 50
"""20 ms of audio in a message: what telephone systems send."""

_LINE_RATES = (8000, 16000, 24000, 48000)
"""Rates that the protocol takes; any other recording is played at 16 kHz."""


class StreamError(ServerError):
    """The service could not be reached, or closed the call before its end."""


@dataclass(frozen=True, slots=True)
class Line:
    """How a recording is to be presented to the service.

    Attributes:
        url: the service's audio address.
        speed: 1.0 plays in real time, 2.0 twice as fast.
    """

    url: str
    agent_id: str
    customer_ref: str
    parties: tuple[Party, ...]
    language: str | None
    encoding: Encoding
    speed: float


async def stream(
    recording: Recording, line: Line, on_open: Callable[[str], None]
) -> dict[str, Any]:
    """Play the whole recording; return the service's closing message.

    Args:
        recording: what to play.
        line: to whom, and how.
        on_open: told the call id once the service has taken the call.

    Raises:
        StreamError: the service is not there, refused the call or closed it early.
        RecordingError: the recording is damaged.
    """
    rate = recording.rate if recording.rate in _LINE_RATES else RATE
    audio_format = AudioFormat(line.encoding, rate, recording.n_channels)
    try:
        async with connect(line.url, compression=None) as socket:
            await socket.send(json.dumps(_hello(audio_format, line)))
            welcome = json.loads(await socket.recv())
            on_open(welcome["call_id"])
            async with asyncio.TaskGroup() as tasks:
                closing = tasks.create_task(_wait_ended(socket))
                await _play(recording, audio_format, line.speed, socket)
                await socket.send(json.dumps({"type": "end"}))
            return closing.result()
    except* RecordingError as group:
        raise group.exceptions[0] from None
    except* (ConnectionClosed, OSError, InvalidURI, InvalidHandshake) as group:
        raise StreamError(f"{line.url}: {_explain(group.exceptions[0])}") from group


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
    return hello


async def _play(
    recording: Recording,
    audio_format: AudioFormat,
    speed: float,
    socket: ClientConnection,
) -> None:
    """Send 20 ms every 20 ms; a message that is late is not followed by a gap."""
    step = audio_format.rate * audio_format.instant_bytes // _MESSAGES_PER_S
    start = time.monotonic()
    messages = _messages(recording, audio_format, step)
    for n_sent, data in enumerate(messages, start=1):
        await socket.send(data)
        due = start + n_sent / _MESSAGES_PER_S / speed
        await asyncio.sleep(max(0.0, due - time.monotonic()))


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


async def _wait_ended(socket: ClientConnection) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(await socket.recv())
        if message["type"] == "ended":
            return message


def _explain(error: BaseException) -> str:
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        return f"the service closed the call: {error.rcvd.code} {error.rcvd.reason}"
    if isinstance(error, ConnectionClosed):
        return "the connection broke"
    return f"no service there ({error}). Start one with: calmline serve"
