"""Runs a call over a recording, as fast as the models go."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from audio.codec import AudioFormat, Encoding
from audio.errors import DamagedError
from audio.frame import FRAME_S, RATE, Frame, Party
from audio.framer import Framer
from models.ports import Transcript, VoiceReading
from server.call import Call, Output
from server.controls import Control
from server.errors import RecordingError
from server.events import (
    CallEndReason,
    CallStarted,
    LanguageDetected,
    LogEntry,
)
from server.factory import CallFactory
from server.look_ahead import LookAhead
from server.questions import TranscribeRequest, VoiceRequest
from server.recording import Recording

Progress = Callable[[float], None]
"""Told how many seconds of the recording have been worked through."""

AHEAD_S = 300.0
"""How far ahead of a call its questions are looked for: 40 MB of two channels."""


@dataclass(frozen=True, slots=True)
class Course:
    """What else is known of a recorded call.

    Attributes:
        controls: what was done to the call, each with its second, in order.
        reason: why it ended.
        n_utterances: that its log has already, where it is listened to again.
    """

    controls: tuple[tuple[float, Control], ...] = ()
    reason: CallEndReason = CallEndReason.COMPLETED
    n_utterances: int = 0


def analyse(
    recording: Recording,
    started: CallStarted,
    factory: CallFactory,
    on_progress: Progress,
) -> Iterator[LogEntry]:
    """Yield the log of a recorded call: the very entries it would write live.

    Raises:
        RecordingError: the recording is damaged, or has another number of
            channels than the call has parties.
    """
    yield from follow(
        frames_of(recording, started.parties), started, factory, on_progress
    )


def follow(
    blocks: Iterable[Sequence[tuple[Frame, ...]]],
    started: CallStarted,
    factory: CallFactory,
    on_progress: Progress,
    course: Course | None = None,
    ahead_s: float = AHEAD_S,
) -> Iterator[LogEntry]:
    """Yield the log of a call over frames that are all there already.

    Args:
        blocks: all frames of the call, in pieces of any size.
        started: its first entry.
        factory: what the call is made with.
        on_progress: told how many seconds have been worked through.
        course: what else is known of it.
        ahead_s: how far ahead of the call its questions are looked for.
    """
    course = course or Course()
    controls = deque(course.controls)
    with LookAhead(started, factory, course.n_utterances) as ahead:
        call = ahead.call
        yield from answered(call, call.start(), ahead)
        waiting: deque[Sequence[tuple[Frame, ...]]] = deque()
        for block in blocks:
            ahead.hear(block)
            waiting.append(block)
            while ahead.heard_s - call.received_s > ahead_s:
                yield from _heard(call, waiting.popleft(), controls, ahead)
            on_progress(call.received_s)
        ahead.flush()
        for block in waiting:
            yield from _heard(call, block, controls, ahead)
            on_progress(call.received_s)
        for _, control in controls:
            yield from answered(call, call.receive_control(control), ahead)
        yield from answered(call, call.end(course.reason), ahead)


def _heard(
    call: Call,
    frames: Sequence[tuple[Frame, ...]],
    controls: deque[tuple[float, Control]],
    answers: "Answers",
) -> Iterator[LogEntry]:
    """Give a call its next frames, and between them what was done to it."""
    at = 0
    while at < len(frames):
        now_s = frames[at][0].start / RATE
        while controls and controls[0][0] <= now_s + FRAME_S / 2:
            control = controls.popleft()[1]
            yield from answered(call, call.receive_control(control), answers)
        end = len(frames)
        if controls:
            until = round((controls[0][0] - now_s) / FRAME_S)
            end = min(end, at + max(1, until))
        yield from answered(call, call.receive_frames(frames[at:end]), answers)
        at = end


def frames_of(
    recording: Recording, parties: Sequence[Party]
) -> Iterator[list[tuple[Frame, ...]]]:
    """Yield the frames of a recording, one for each party, block by block.

    Raises:
        RecordingError: the recording is damaged, or has another number of
            channels than there are parties.
    """
    audio_format = AudioFormat(Encoding.PCM_S16LE, recording.rate, recording.n_channels)
    framer = Framer(audio_format, tuple(parties))
    for block in recording.blocks():
        try:
            yield framer.receive_pcm(block)
        except DamagedError as error:
            raise RecordingError(
                "recording_broken", name=recording.path.name, detail=str(error)
            ) from error
    yield framer.flush()


class Answers(Protocol):
    """Answers a call's questions; blocking."""

    def words(self, request: TranscribeRequest) -> Transcript | None:
        """Return the words that are asked for; None when the model failed."""
        ...

    def voice(self, request: VoiceRequest) -> VoiceReading | None:
        """Return the reading that is asked for; None when the model failed."""
        ...

    def settle(self, language: str) -> None:
        """From now on the call asks for words in this language."""
        ...


def answered(
    call: Call, outputs: Sequence[Output], answers: Answers
) -> Iterator[LogEntry]:
    """Answer every question as it comes; yield the entries in between."""
    todo = deque(outputs)
    while todo:
        output = todo.popleft()
        match output:
            case LogEntry(event=event):
                if isinstance(event, LanguageDetected):
                    answers.settle(event.language)
                yield output
            case TranscribeRequest(request_id=request_id):
                todo += call.receive_transcript(request_id, answers.words(output))
            case VoiceRequest(request_id=request_id):
                todo += call.receive_voice(request_id, answers.voice(output))
            case _:
                pass  # Partials are for somebody who watches.
