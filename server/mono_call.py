"""A live call on a line with one channel: whose words are whose, and who is who. Pure.

Around a `Call` that hears two lines stands what makes two lines of one: a tracker
says whose each frame is, and the words say which voice is the customer's. Until they
do, both lines are the unknown's and nobody is scored. When they do, or when somebody
says otherwise, the call is listened to once more from its beginning, with the parties
as they are seen now: the log goes on with `StartedOver`, and nothing in it is
rewritten. docs/adr/0005 says why.

The log stays a function of audio, controls and the models' answers: what decides is
an entry of the log, and what the call had worked out beyond it is thrown away.
"""

import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from audio.codec import FULL_SCALE
from audio.frame import FRAME_S, RATE, Frame, Party
from audio.speakers import HeardFrame, Router
from emotion.events import WordReading
from emotion.roles import RoleEvidence, RoleReader, Roles, Said
from models.ports import SpeakerTracker, Spoken, Transcript, VoiceReading
from server.call import Call, Output
from server.controls import AssignRoles, Control
from server.events import (
    DIGITS,
    CallEndReason,
    CallStarted,
    Event,
    LogEntry,
    RolesAssigned,
    SpeakerHeard,
    StartedOver,
    TranscriptFinal,
)
from server.questions import (
    PartialRequest,
    TranscribeRequest,
    UtteranceRequest,
    VoiceRequest,
)

UNKNOWN = (Party.UNKNOWN, Party.UNKNOWN)
PARTIES = (Party.CUSTOMER, Party.AGENT)
_CUSTOMER, _AGENT = 0, 1

LEAST_SPEECH_S = 1.0
"""Who says less than that is given no role of his own by the words."""

NewCall = Callable[[CallStarted, int], Call]
"""Makes a call that has heard nothing, given how many utterances there were before."""


@dataclass(frozen=True, slots=True)
class MonoParams:
    """When the parties of a live call change by themselves.

    Attributes:
        change_confidence: that of the words, to turn round what they said before.
        most_changes: times that the words decide in one call.
    """

    change_confidence: float = 0.97
    most_changes: int = 3


@dataclass(frozen=True, slots=True)
class _End:
    reason: CallEndReason


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """A frame as it is kept: 16-bit PCM, and whose it is."""

    pcm: bytes
    start: int
    speaker: str | None
    alone: bool

    @classmethod
    def of(cls, heard: HeardFrame) -> "_Past":
        scaled = np.rint(heard.frame.pcm * FULL_SCALE)
        limits = (-FULL_SCALE, FULL_SCALE - 1)
        pcm = np.clip(scaled, *limits).astype(np.int16).tobytes()
        return cls(pcm, heard.frame.start, heard.speaker, heard.alone)

    @property
    def heard(self) -> HeardFrame:
        pcm = np.frombuffer(self.pcm, np.int16).astype(np.float32) / FULL_SCALE
        frame = Frame(pcm.astype(np.float32), self.start, Party.UNKNOWN)
        return HeardFrame(frame, self.speaker, self.alone)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question of the call inside, and how to know it again."""

    call: Call
    request_id: int
    key: str | None


class MonoCall:
    """A `Call` on a line with one channel; takes and gives the same. Not thread-safe.

    It holds the audio of the call, at 32 kB a second, until the call is over.

    Args:
        started: what is known of the call, with the unknown as its one party.
        tracker: says whose each frame is.
        new_call: makes the call inside.
        roles: reads from the words who is the customer.
        params: when the parties change by themselves.

    Attributes:
        ended: the last entry has been written; nothing further is taken.
    """

    def __init__(
        self,
        started: CallStarted,
        tracker: SpeakerTracker,
        new_call: NewCall,
        roles: RoleReader,
        params: MonoParams | None = None,
    ) -> None:
        self.ended = False
        self._started = started
        self._tracker = tracker
        self._new_call = new_call
        self._roles = roles
        self._params = params or MonoParams()
        self._past: list[_Past | Control | _End] = []
        self._n_given = 0
        self._received = 0
        self._seq = 0
        self._n_requests = 0
        self._n_utterances = 0
        self._n_changes = 0
        self._assigned: RolesAssigned | None = None
        self._over_until_s = 0.0
        self._asked: dict[int, _Asked] = {}
        self._known: dict[str, Transcript] = {}
        self._said: list[Said] = []
        self._speech_s: dict[str, float] = {}
        self._holders: list[str | None] = []
        self._inside = self._call_inside()
        self._router = self._new_router()

    @property
    def now_s(self) -> float:
        """Call time up to which everything has been worked out.

        Frames whose speaker is not certain yet count as worked out: they wait for
        the audio that follows them, and not for the machine.
        """
        idle = self._n_given == len(self._past) and self._inside.waiting_for is None
        return self.received_s if idle else self._inside.now_s

    @property
    def received_s(self) -> float:
        """Call time up to which audio has arrived."""
        return self._received / RATE

    @property
    def starting_over(self) -> bool:
        """Whether the call is being listened to once more."""
        return self._inside.now_s < self._over_until_s

    @property
    def waiting_for(self) -> int | None:
        """The question whose answer call time stands still for, if it does."""
        inside = self._inside.waiting_for
        for request_id, asked in self._asked.items():
            if asked.call is self._inside and asked.request_id == inside:
                return request_id
        return None

    def start(self) -> list[Output]:
        """Write the first entries."""
        return self._pump(self._inside.start())

    def receive_frames(self, frames: Sequence[tuple[Frame, ...]]) -> list[Output]:
        """Take the next frames, each of the one channel."""
        for (frame,) in frames:
            self._received = frame.end
            self._past += map(_Past.of, self._tracker.feed(frame))
        return self._pump([])

    def receive_control(self, control: Control) -> list[Output]:
        """Take what somebody did, at the call time worked out so far."""
        self._past.append(control)
        return self._pump([])

    def receive_transcript(
        self, request_id: int, transcript: Transcript | None
    ) -> list[Output]:
        """Take the answer to a `TranscribeRequest`; None: the model failed."""
        asked = self._asked.pop(request_id)
        if asked.key is not None and transcript is not None:
            self._known[asked.key] = transcript
        if asked.call is not self._inside:
            return []  # It was asked before the call was started over.
        return self._pump(self._inside.receive_transcript(asked.request_id, transcript))

    def receive_so_far(
        self, request_id: int, reading: WordReading | None
    ) -> list[Output]:
        """Take what unfinished words were read as, from a log; None: nothing told."""
        asked = self._asked.pop(request_id)
        if asked.call is not self._inside:
            return []
        return self._pump(self._inside.receive_so_far(asked.request_id, reading))

    def receive_voice(
        self, request_id: int, reading: VoiceReading | None
    ) -> list[Output]:
        """Take the answer to a `VoiceRequest`; None: the model failed."""
        asked = self._asked.pop(request_id)
        if asked.call is not self._inside:
            return []
        return self._pump(self._inside.receive_voice(asked.request_id, reading))

    def end(self, reason: CallEndReason) -> list[Output]:
        """End the call after what has arrived; answers asked for are still awaited."""
        self._past += map(_Past.of, self._tracker.flush())
        self._past.append(_End(reason))
        return self._pump([])

    def _pump(self, outputs: Sequence[Output]) -> list[Output]:
        """Pass on what the call inside says, and give it its next input."""
        out: list[Output] = []
        todo = deque(outputs)
        while True:
            while todo:
                following = self._pass_on(todo.popleft(), out)
                if following is None:
                    todo.clear()
                    following = self._start_over()
                todo.extend(following)
            self.ended = self._inside.ended
            if (
                self.ended
                or self._inside.waiting_for is not None
                or self._n_given == len(self._past)
            ):
                return out
            self._n_given += 1
            todo.extend(self._give(self._past[self._n_given - 1], out))

    def _give(
        self, item: _Past | Control | _End, out: list[Output]
    ) -> Sequence[Output]:
        match item:
            case _Past():
                self._count(item)
                return self._inside.receive_frames([self._router.route(item.heard)])
            case _End(reason=reason):
                return self._inside.end(reason)
            case AssignRoles(customer=customer, by=by):
                if customer not in self._speech_s:
                    return []
                # Once: when the call comes here again, it is as somebody wants it.
                del self._past[self._n_given - 1]
                self._assigned = self._roles_as(customer, 1.0, (), by)
                self._log(StartedOver(by), self._inside.now_s, out)
                return self._start_over()
            case _:
                return self._inside.receive_control(item)

    def _pass_on(self, output: Output, out: list[Output]) -> list[Output] | None:
        """Pass one output on; return what follows from it, None to start over."""
        match output:
            case LogEntry(event=event, at_s=at_s):
                if isinstance(event, CallStarted):
                    event = replace(event, parties=tuple(dict.fromkeys(event.parties)))
                self._log(event, at_s, out)
                return self._hear(event, at_s, out)
            case TranscribeRequest(request_id=inner, segment=segment):
                self._n_utterances += isinstance(output, UtteranceRequest)
                key = Spoken(segment.pcm, output.language).key
                if key in self._known:
                    return self._inside.receive_transcript(inner, self._known[key])
                out.append(replace(output, request_id=self._ask(inner, key)))
            case VoiceRequest(request_id=inner):
                out.append(replace(output, request_id=self._ask(inner, None)))
            case PartialRequest():
                out.append(output)
        return []

    def _ask(self, inner: int, key: str | None) -> int:
        self._n_requests += 1
        self._asked[self._n_requests] = _Asked(self._inside, inner, key)
        return self._n_requests

    def _log(self, event: Event, at_s: float, out: list[Output]) -> None:
        self._seq += 1
        out.append(LogEntry(self._seq, at_s, event))

    def _start_over(self) -> list[Output]:
        """Listen from the beginning, with the parties as they are seen now."""
        self._over_until_s = self._inside.now_s
        self._n_given = 0
        self._speech_s.clear()
        self._holders.clear()
        self._said.clear()
        self._inside = self._call_inside()
        self._router = self._new_router()
        assert self._assigned is not None  # noqa: S101 - why it starts over
        return [
            *self._inside.start(),
            *self._inside.receive_control(self._assigned),
        ]

    def _call_inside(self) -> Call:
        parties = PARTIES if self._assigned else UNKNOWN
        started = replace(self._started, parties=parties)
        return self._new_call(started, self._n_utterances)

    def _new_router(self) -> Router:
        if self._assigned is None:
            return Router(UNKNOWN, {}, _CUSTOMER)
        places = {
            each.speaker: _CUSTOMER if each.party is Party.CUSTOMER else _AGENT
            for each in self._assigned.speakers
        }
        # Somebody who comes later has been put through: an agent, until the words
        # say otherwise.
        return Router(PARTIES, places, _AGENT)

    def _count(self, past: _Past) -> None:
        """Keep count of who speaks how long."""
        self._holders.append(past.speaker)
        if past.speaker is None:
            return
        if not self._speech_s and self._assigned is None:
            # Whoever is heard first has the first line to himself.
            self._router = Router(UNKNOWN, {past.speaker: 0}, 1)
        spoken_s = self._speech_s.get(past.speaker, 0.0)
        self._speech_s[past.speaker] = spoken_s + FRAME_S

    def _hear(self, said: Event, at_s: float, out: list[Output]) -> list[Output] | None:
        """Take what somebody said; None where the parties are others now."""
        if not isinstance(said, TranscriptFinal):
            return []
        speaker = self._speaker_of(said)
        if speaker is None:
            return []
        self._said.append(
            Said(speaker, said.start_s, said.end_s, said.text, said.language)
        )
        told = self._assigned is not None and self._assigned.by != ""
        again = at_s < self._over_until_s
        if told or again or self._n_changes == self._params.most_changes:
            return []
        speakers = [
            name
            for name, spoken_s in self._speech_s.items()
            if spoken_s >= LEAST_SPEECH_S
        ]
        roles = self._roles.read(self._said, speakers, self._started.first_speaker)
        found = self._roles_as(roles.customer, roles.confidence, roles.evidence, "")
        if roles.customer is None and self._assigned is None:
            # Who was told apart so far, and why nobody is called the customer yet.
            self._log(found, at_s, out)
        if roles.customer is None or not self._changes(roles):
            return []
        self._n_changes += 1
        self._assigned = found
        self._log(StartedOver(""), at_s, out)
        return None

    def _changes(self, roles: Roles) -> bool:
        if self._assigned is None:
            return True
        before = [
            each.speaker
            for each in self._assigned.speakers
            if each.party is Party.CUSTOMER
        ]
        sure = roles.confidence >= self._params.change_confidence
        return sure and roles.customer not in before

    def _speaker_of(self, said: TranscriptFinal) -> str | None:
        """Tell who has the floor for most of an utterance."""
        frames = slice(int(said.start_s / FRAME_S), math.ceil(said.end_s / FRAME_S))
        heard = Counter(name for name in self._holders[frames] if name is not None)
        return heard.most_common(1)[0][0] if heard else None

    def _roles_as(
        self,
        customer: str | None,
        confidence: float,
        evidence: tuple[RoleEvidence, ...],
        by: str,
    ) -> RolesAssigned:
        roles = Roles(customer, confidence, evidence)
        return RolesAssigned(
            tuple(
                SpeakerHeard(name, roles.party_of(name), round(spoken_s, 3))
                for name, spoken_s in self._speech_s.items()
            ),
            round(confidence, DIGITS),
            evidence,
            by,
        )
