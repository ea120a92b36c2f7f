"""Runs a call over a recording, as fast as the models go."""

from collections.abc import Callable, Iterator, Sequence

from audio.codec import AudioFormat, Encoding
from audio.errors import DamagedError
from audio.frame import Frame, Party
from audio.framer import Framer
from models.errors import InferenceError
from server.call import Call, Output, TranscribeRequest, VoiceRequest
from server.engine import Models
from server.errors import RecordingError
from server.events import CallEndReason, CallStarted, LogEntry
from server.factory import CallFactory
from server.recording import Recording

Progress = Callable[[float], None]
"""Told how many seconds of the recording have been worked through."""


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
    call = factory.new_call(started)
    yield from answered(call, call.start(), factory.models)
    for frames in frames_of(recording, started.parties):
        yield from answered(call, call.receive_frames(frames), factory.models)
        on_progress(call.received_s)
    yield from answered(call, call.end(CallEndReason.COMPLETED), factory.models)


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
            raise RecordingError(f"{recording.path.name}: {error}") from error
    yield framer.flush()


def answered(
    call: Call, outputs: Sequence[Output], models: Models
) -> Iterator[LogEntry]:
    """Answer every question as it comes; yield the entries in between."""
    todo = list(outputs)
    while todo:
        output = todo.pop(0)
        match output:
            case LogEntry():
                yield output
            case TranscribeRequest(request_id=request_id, segment=segment):
                try:
                    words = models.transcriber.transcribe(segment.pcm, output.language)
                except InferenceError:
                    words = None
                todo += call.receive_transcript(request_id, words)
            case VoiceRequest(request_id=request_id, window=window):
                try:
                    reading = models.voice_reader.read(window)
                except InferenceError:
                    reading = None
                todo += call.receive_voice(request_id, reading)
            case _:
                pass  # Partials are for somebody who watches.
