"""Runs a call over a recording with one channel: first who speaks, then the rest.

The voices are told apart, everything is written down once, and the words say which
voice is the customer's. Then the call runs as any other, with each frame given to the
party that has the floor; what was written down before is not written down again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from audio.frame import Frame, Party
from audio.speakers import Router, Timeline, Turn
from emotion.roles import Roles, Said
from models.errors import InferenceError, ModelError
from models.ports import (
    BatchTranscriber,
    Diarisation,
    Diariser,
    Spoken,
    Transcriber,
    Transcript,
    VoiceReading,
)
from server.controls import Control
from server.errors import RecordingError
from server.events import (
    CallStarted,
    LogEntry,
    RolesAssigned,
    SpeakerHeard,
    TranscriptFinal,
    TurnHeard,
    TurnsFound,
)
from server.factory import CallFactory
from server.mono_call import LEAST_SPEECH_S, PARTIES
from server.offline import Course, Progress, analyse, follow, frames_of
from server.recording import Recording

_BLOCK_FRAMES = 64


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A recording with one channel, and who was told apart in it.

    Attributes:
        frames: the whole recording.
        timeline: who speaks when.
        found: the same, as it was found.
    """

    frames: tuple[Frame, ...]
    timeline: Timeline
    found: Diarisation

    @classmethod
    def of(cls, frames: Sequence[Frame], found: Diarisation) -> Self:
        """Join a recording and what was found in it."""
        return cls(tuple(frames), Timeline(found.turns, found.floor), found)

    def speech_s(self, speaker: str) -> float:
        """How long a speaker speaks in all."""
        return sum(
            turn.end_s - turn.start_s
            for turn in self.timeline.turns
            if turn.speaker == speaker
        )

    @property
    def speakers(self) -> tuple[str, ...]:
        """Those who speak enough to be somebody, first heard first."""
        return tuple(
            speaker
            for speaker in self.timeline.speakers
            if self.speech_s(speaker) >= LEAST_SPEECH_S
        )


def hear(recording: Recording, diariser: Diariser) -> Heard:
    """Tell the voices of a recording apart.

    Raises:
        RecordingError: the recording is damaged, or cannot be diarised; for want of
            weights, too.
    """
    frames = mono_frames(recording)
    pcm = np.concatenate([frame.pcm for frame in frames]) if frames else _EMPTY
    try:
        found = diariser.diarise(pcm)
    except ModelError as error:
        raise RecordingError(
            "recording_voices", name=recording.path.name, detail=str(error)
        ) from error
    return Heard.of(frames, found)


def mono_frames(recording: Recording) -> tuple[Frame, ...]:
    """Read a whole recording with one channel.

    Raises:
        RecordingError: it is damaged, or has more channels.
    """
    return tuple(
        frame for block in frames_of(recording, (Party.UNKNOWN,)) for (frame,) in block
    )


def analyse_recording(
    recording: Recording,
    started: CallStarted,
    factory: CallFactory,
    on_progress: Progress,
) -> Iterator[LogEntry]:
    """Yield the log of a recorded call, with one channel or with two.

    Raises:
        RecordingError: the recording is damaged, or cannot be diarised.
    """
    diariser = factory.models.diariser
    if recording.n_channels > 1 or diariser is None:
        yield from analyse(recording, started, factory, on_progress)
    else:
        heard = hear(recording, diariser)
        yield from analyse_mono(heard, started, factory, on_progress)


def assign(heard: Heard, customer: str, by: str) -> RolesAssigned:
    """Return the roles of a recording as somebody gave them.

    Raises:
        RecordingError: there is no such speaker.
    """
    if customer not in heard.timeline.speakers:
        known = ", ".join(heard.timeline.speakers)
        raise RecordingError("no_speaker", speakers=known or "nobody")
    return RolesAssigned(
        tuple(
            SpeakerHeard(
                speaker,
                Party.CUSTOMER if speaker == customer else Party.AGENT,
                round(heard.speech_s(speaker), 3),
            )
            for speaker in heard.timeline.speakers
        ),
        1.0,
        (),
        by,
    )


def analyse_mono(
    heard: Heard,
    started: CallStarted,
    factory: CallFactory,
    on_progress: Progress,
    told: RolesAssigned | None = None,
    course: Course | None = None,
) -> Iterator[LogEntry]:
    """Yield the log of a recorded call with one channel.

    Args:
        heard: the recording, with its voices told apart.
        started: its parties are replaced by those that are found.
        factory: what the call is made with.
        on_progress: told how many seconds have been worked through.
        told: who is who, where somebody said so; by default the words decide.
        course: what else is known of it.
    """
    course = course or Course()
    memory = _Remembering(factory.models.transcriber)
    models = replace(factory.models, transcriber=memory)
    factory = replace(factory, models=models)
    assigned = told or _assigned(heard, started, factory)
    roles = {each.speaker: each.party for each in assigned.speakers}
    if Party.CUSTOMER not in roles.values():
        started = replace(started, parties=(Party.UNKNOWN,))
        routed: list[tuple[Frame, ...]] = [(frame,) for frame in heard.frames]
    else:
        started = replace(started, parties=PARTIES)
        router = Router(PARTIES, _places(roles))
        routed = [router.route(heard.timeline.hear(frame)) for frame in heard.frames]
    first: tuple[tuple[float, Control], ...] = (
        (0.0, assigned),
        (0.0, _turns_found(heard)),
    )
    course = replace(course, controls=first + course.controls)
    yield from follow(_blocks(routed), started, factory, on_progress, course)


def _assigned(
    heard: Heard, started: CallStarted, factory: CallFactory
) -> RolesAssigned:
    """Write everything down, and let the words decide."""
    speakers = heard.speakers
    roles = Roles(None, 0.5, ())
    if len(speakers) >= len(PARTIES):
        said = _said(heard, started, factory)
        roles = factory.roles.read(said, speakers, started.first_speaker)
    return RolesAssigned(
        tuple(
            SpeakerHeard(
                speaker,
                roles.party_of(speaker),
                round(heard.speech_s(speaker), 3),
            )
            for speaker in heard.timeline.speakers
        ),
        roles.confidence,
        roles.evidence,
        "",
    )


def _said(heard: Heard, started: CallStarted, factory: CallFactory) -> list[Said]:
    """Write down what everybody says; an utterance is whose turns it overlaps most.

    The run is thrown away but for its words, so nobody's voice is read: first one
    speaker has the customer's place and everybody else the agent's, which is how
    the audio will be cut again if that turns out to be so.
    """
    said: list[Said] = []
    guess = dict.fromkeys(heard.timeline.speakers, Party.AGENT)
    guess[heard.speakers[1]] = Party.CUSTOMER
    router = Router(PARTIES, _places(guess))
    models = replace(factory.models, voice_reader=_NoVoice())
    entries = follow(
        _blocks([router.route(heard.timeline.hear(frame)) for frame in heard.frames]),
        replace(started, parties=PARTIES),
        replace(factory, models=models),
        lambda _: None,
    )
    for entry in entries:
        if isinstance(entry.event, TranscriptFinal):
            event = entry.event
            among = [s for s in guess if guess[s] is event.party]
            speaker = heard.timeline.most_heard(event.start_s, event.end_s, among)
            said.append(
                Said(speaker, event.start_s, event.end_s, event.text, event.language)
            )
    return said


def _blocks(
    routed: Sequence[tuple[Frame, ...]],
) -> Iterator[Sequence[tuple[Frame, ...]]]:
    for first in range(0, len(routed), _BLOCK_FRAMES):
        yield routed[first : first + _BLOCK_FRAMES]


def _places(roles: Mapping[str, Party]) -> dict[str, int]:
    return {name: PARTIES.index(party) for name, party in roles.items()}


def _turns_found(heard: Heard) -> TurnsFound:
    def told(turns: Sequence[Turn]) -> tuple[TurnHeard, ...]:
        return tuple(TurnHeard(one.start_s, one.end_s, one.speaker) for one in turns)

    return TurnsFound(told(heard.found.turns), told(heard.found.floor))


_EMPTY = np.zeros(0, np.float32)


class _Remembering(BatchTranscriber):
    """A transcriber that is asked the same thing once only."""

    def __init__(self, transcriber: Transcriber) -> None:
        self._transcriber = transcriber
        self._known: dict[str, Transcript] = {}

    def transcribe_batch(
        self, utterances: Sequence[Spoken]
    ) -> list[Transcript | InferenceError]:
        """Transcribe several utterances, or remember them."""
        keys = [one.key for one in utterances]
        new = [i for i, key in enumerate(keys) if key not in self._known]
        found = self._transcriber.transcribe_batch([utterances[i] for i in new])
        failed: dict[str, InferenceError] = {}
        for index, answer in zip(new, found, strict=True):
            if isinstance(answer, InferenceError):
                failed[keys[index]] = answer
            else:
                self._known[keys[index]] = answer
        return [failed.get(key) or self._known[key] for key in keys]


class _NoVoice:
    """A voice reader for a run in which nobody is read."""

    def read(self, window: object) -> VoiceReading:
        """Refuse.

        Raises:
            InferenceError: always.
        """
        raise InferenceError(f"nobody is read here, got {type(window).__name__}")
