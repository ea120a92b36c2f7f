"""The call as events: what is written to its log, numbered and timed.

Everything that happens in a call is one frozen dataclass per kind. The audio,
emotion and alerts packages declare theirs; this module adds the ones only the
whole call knows and wraps each in a `LogEntry`. The log is the contract with
screens, storage and subscribers: docs/protocol.md has the schema.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from alerts.events import (
    AlertAcknowledged,
    AlertClosed,
    AlertEscalated,
    AlertOpened,
    AlertReopened,
    AlertSnoozed,
    CueArmed,
    CueCounting,
    CueFollowed,
    CueIgnored,
    CueReleased,
    CuesMuted,
    CuesUnmuted,
    CueWithdrawn,
    HelpAsked,
    LineOffered,
)
from audio.events import (
    Interrupted,
    LongSilence,
    Overlapped,
    Responded,
    SpeechEnded,
    SpeechStarted,
)
from audio.frame import Party
from emotion.events import (
    CustomerKindChanged,
    Forecast,
    HostilityPoint,
    PhaseChanged,
    WordReading,
)
from emotion.roles import RoleEvidence
from models.ports import VoiceReading

SCHEMA_VERSION = 1

DIGITS = 4
"""Digits that the log keeps of a number: a tenth of a millisecond, a ten-thousandth
of a point. Models' answers are rounded to it before they count for anything."""


class Consent(StrEnum):
    """What the customer agreed to.

    `UNKNOWN`: no recording and no analysis. `GRANTED`: both. `TEXT_ONLY`: both,
    but no voice model hears the customer. `REFUSED`: the call ends here for
    Calmline, and what was stored of it is deleted.
    """

    UNKNOWN = "unknown"
    GRANTED = "granted"
    TEXT_ONLY = "text_only"
    REFUSED = "refused"


class CallEndReason(StrEnum):
    """Why a call is over."""

    COMPLETED = "completed"
    LINE_LOST = "line_lost"
    PROTOCOL_ERROR = "protocol_error"
    CONSENT_REFUSED = "consent_refused"
    SERVICE_STOPPED = "service_stopped"
    SERVICE_FAILED = "service_failed"


class Degradation(StrEnum):
    """What cannot be done for this call, or for a while.

    `ROLES_UNKNOWN`: nobody knows which voice is the customer's, so nobody is
    scored. `MODEL_FAILED`: a model could not run on some audio; its words or its
    reading are missing. `VOICE_SPARSE`: the service has more to do than it can and
    listens to the customer's voice less often. `NOT_CONTINUED`: the service came
    back with other models or rules, which cannot go on with this log.
    """

    ROLES_UNKNOWN = "roles_unknown"
    MODEL_FAILED = "model_failed"
    VOICE_SPARSE = "voice_sparse"
    NOT_CONTINUED = "not_continued"


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A call began.

    Attributes:
        language: ISO 639-1 code when it is fixed, None when it is detected.
        parties: one for each channel, in the order of the channels.
        started_at: wall-clock start, ISO 8601 in UTC; empty for a recording
            whose date is not known.
        models: names and versions of the models that listen.
        team: the agent's team; empty where none is known.
        rules: version of the rules it is listened to with; 0: as shipped.
        playbook: version of the playbook; 0: as shipped.
        first_speaker: whose words come first on one channel, where somebody said so
            beforehand.
    """

    call_id: str
    agent_id: str
    customer_ref: str
    language: str | None
    parties: tuple[Party, ...]
    consent: Consent
    started_at: str
    models: tuple[str, ...]
    team: str = ""
    rules: int = 0
    playbook: int = 0
    first_speaker: Party = Party.UNKNOWN


@dataclass(frozen=True, slots=True)
class TranscriptFinal:
    """What a party said in one utterance; the words no longer change."""

    utterance_id: str
    party: Party
    start_s: float
    end_s: float
    text: str
    language: str
    confidence: float
    language_probability: float = 1.0


@dataclass(frozen=True, slots=True)
class WordsRead:
    """What the words of one customer utterance count for."""

    utterance_id: str
    reading: WordReading


@dataclass(frozen=True, slots=True)
class WordsSoFar:
    """Hostile words of a customer who is still speaking; their text is not kept.

    What is read when the utterance is over takes its place.
    """

    reading: WordReading


@dataclass(frozen=True, slots=True)
class LanguageDetected:
    """The language of the call, from now on."""

    language: str
    probability: float


@dataclass(frozen=True, slots=True)
class Note:
    """A supervisor's words to the agent's screen."""

    text: str
    by: str


@dataclass(frozen=True, slots=True)
class ListeningStarted:
    """A supervisor began to listen in."""

    by: str


@dataclass(frozen=True, slots=True)
class ListeningEnded:
    """A supervisor no longer listens in."""

    by: str


@dataclass(frozen=True, slots=True)
class Degraded:
    """Something is not done, or not in time, from here on."""

    what: Degradation


@dataclass(frozen=True, slots=True)
class Recovered:
    """It is done again."""

    what: Degradation


@dataclass(frozen=True, slots=True)
class ModelsChanged:
    """The service was started again, and other models listen from here on."""

    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpeakerHeard:
    """One of the voices on a line with one channel.

    Attributes:
        speaker: name, the same throughout the call.
        party: what the speaker is taken for.
        speech_s: how long he speaks in all.
    """

    speaker: str
    party: Party
    speech_s: float


@dataclass(frozen=True, slots=True)
class TurnHeard:
    """One speaker's speech from a start to an end: a line of RTTM."""

    start_s: float
    end_s: float
    speaker: str


@dataclass(frozen=True, slots=True)
class TurnsFound:
    """Who speaks when on a line with one channel, heard as a whole.

    Attributes:
        turns: of every speaker; they may overlap.
        floor: the same without overlaps: who is the louder where several speak.
    """

    turns: tuple[TurnHeard, ...]
    floor: tuple[TurnHeard, ...]


@dataclass(frozen=True, slots=True)
class StartedOver:
    """What follows takes the place of everything that stands before.

    Who is who is seen in another way from here on, so the call is listened to once
    more from its beginning, and its log goes on with another `CallStarted`.

    Attributes:
        by: who said so; empty when it follows from the call itself.
    """

    by: str


@dataclass(frozen=True, slots=True)
class RolesAssigned:
    """Who is who on a line with one channel, from here on.

    Attributes:
        speakers: the voices that were told apart, first heard first.
        confidence: that the customer is the customer, in [0.5, 1]; of the best
            guess where it was too low and the parties stay unknown.
        evidence: what it follows from, strongest first; empty when somebody said so.
        by: who said so; empty when it follows from the words.
    """

    speakers: tuple[SpeakerHeard, ...]
    confidence: float
    evidence: tuple[RoleEvidence, ...]
    by: str


@dataclass(frozen=True, slots=True)
class ConsentChanged:
    """The customer's consent is another one from here on."""

    consent: Consent


@dataclass(frozen=True, slots=True)
class Paused:
    """The client asked to hear nothing for a while; silence is recorded."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The client lets us hear again."""


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The last entry of every log, but for what starts over afterwards."""

    reason: CallEndReason
    duration_s: float


Event = (
    CallStarted
    | SpeechStarted
    | SpeechEnded
    | Overlapped
    | Interrupted
    | Responded
    | LongSilence
    | TranscriptFinal
    | VoiceReading
    | WordsRead
    | WordsSoFar
    | CustomerKindChanged
    | LanguageDetected
    | HostilityPoint
    | PhaseChanged
    | Forecast
    | AlertOpened
    | AlertEscalated
    | AlertAcknowledged
    | AlertSnoozed
    | AlertReopened
    | AlertClosed
    | HelpAsked
    | CueArmed
    | CueCounting
    | CueReleased
    | CueWithdrawn
    | CueFollowed
    | CueIgnored
    | LineOffered
    | CuesMuted
    | CuesUnmuted
    | Note
    | ListeningStarted
    | ListeningEnded
    | Degraded
    | Recovered
    | ModelsChanged
    | RolesAssigned
    | TurnsFound
    | StartedOver
    | ConsentChanged
    | Paused
    | Resumed
    | CallEnded
)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of a call's log.

    Attributes:
        seq: 1, 2, 3, ... without a gap.
        at_s: seconds of call time at which the call knew it.
        event: what happened.
    """

    seq: int
    at_s: float
    event: Event


def current(entries: Sequence[LogEntry]) -> list[LogEntry]:
    """Return the entries that hold: those after the last `StartedOver`."""
    first = 0
    for place, entry in enumerate(entries, 1):
        if isinstance(entry.event, StartedOver):
            first = place
    return list(entries[first:])


@dataclass(frozen=True, slots=True)
class Partial:
    """Words heard so far of an utterance that goes on; shown, never logged."""

    party: Party
    start_s: float
    text: str
