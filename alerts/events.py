"""What people are told: alerts to supervisors, the pause cue to the agent.

Times are seconds of call time.
"""

from dataclasses import dataclass
from enum import StrEnum

from audio.frame import Party
from emotion.events import Evidence


class Severity(StrEnum):
    """How soon a supervisor should look."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class AlertOpened:
    """A rule found something that a supervisor should see.

    Attributes:
        alert_id: unique in the call: ``a1``, ``a2``, ...
        rule: id of the rule, which is also the key of its text on the screens.
        evidence: why, heaviest first.
    """

    alert_id: str
    rule: str
    severity: Severity
    at_s: float
    evidence: tuple[Evidence, ...]


class Escalation(StrEnum):
    """Why an alert is told once more, louder: it got worse, or nobody took it."""

    WORSE = "worse"
    UNTAKEN = "untaken"


@dataclass(frozen=True, slots=True)
class AlertEscalated:
    """An open alert became more serious, or has waited for too long.

    Attributes:
        severity: from now on; what is critical stays so when nobody takes it.
        evidence: why, heaviest first; of an alert that nobody took, as it was.
    """

    alert_id: str
    severity: Severity
    at_s: float
    evidence: tuple[Evidence, ...]
    reason: Escalation = Escalation.WORSE


@dataclass(frozen=True, slots=True)
class AlertAcknowledged:
    """A supervisor took the alert."""

    alert_id: str
    by: str
    at_s: float


@dataclass(frozen=True, slots=True)
class AlertSnoozed:
    """A supervisor wants to hear of the alert again later, if it still holds.

    Attributes:
        until_s: when it waits again, unless it is closed or escalates before.
    """

    alert_id: str
    by: str
    at_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class AlertReopened:
    """The alert waits again: its snooze is over, or help was asked for again."""

    alert_id: str
    at_s: float


class AlertEnd(StrEnum):
    """Why an alert is over.

    The first two the service finds by itself; `WITHDRAWN` says that the agent who
    asked for help no longer needs it; the others a supervisor chooses.
    """

    CALMED = "calmed"
    CALL_ENDED = "call_ended"
    WITHDRAWN = "withdrawn"
    RESOLVED = "resolved"
    TAKEN_OVER = "taken_over"
    FALSE_ALARM = "false_alarm"


BY_HAND = (AlertEnd.RESOLVED, AlertEnd.TAKEN_OVER, AlertEnd.FALSE_ALARM)
"""What a supervisor may give as the reason."""


@dataclass(frozen=True, slots=True)
class AlertClosed:
    """What the alert was about is over.

    Attributes:
        by: who closed it; empty when the service did.
        text: what they added to the reason, up to 200 characters.
    """

    alert_id: str
    reason: AlertEnd
    at_s: float
    by: str = ""
    text: str = ""


class HelpReason(StrEnum):
    """Why an agent calls for help."""

    ABUSE = "abuse"
    THREAT = "threat"
    SUPERVISOR = "supervisor"
    QUESTION = "question"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class HelpAsked:
    """The agent called for help; the alert of the rule ``help`` follows.

    Attributes:
        text: what the agent added, up to 200 characters.
        by: the agent's id.
    """

    reason: HelpReason
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class CueArmed:
    """Escalation looms while the customer talks: let them finish.

    Told again with the same id when the customer speaks during the count.

    Attributes:
        cue_id: unique in the call: ``c1``, ``c2``, ...
        p: the forecast that armed it.
    """

    cue_id: str
    at_s: float
    p: float


@dataclass(frozen=True, slots=True)
class CueCounting:
    """The customer has stopped: the agent waits until `until_s`.

    Attributes:
        start_s: end of the customer's turn; the count runs from here.
        until_s: when five seconds are over.
    """

    cue_id: str
    start_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class CueReleased:
    """The pause was held: a line to open with.

    Attributes:
        line_id: which line of the playbook.
        text: the line, in the language of the call.
        language: ISO 639-1 code of `text`.
    """

    cue_id: str
    at_s: float
    line_id: str
    text: str
    language: str


class CueEnd(StrEnum):
    """Why a cue was taken back."""

    CALMED = "calmed"
    EXPIRED = "expired"
    CALL_ENDED = "call_ended"
    DISMISSED = "dismissed"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class CueWithdrawn:
    """The cue is taken back: it is no longer needed."""

    cue_id: str
    at_s: float
    reason: CueEnd


@dataclass(frozen=True, slots=True)
class CueFollowed:
    """The agent paused before answering."""

    cue_id: str
    at_s: float
    pause_s: float


@dataclass(frozen=True, slots=True)
class CueIgnored:
    """The agent answered before the pause was over."""

    cue_id: str
    at_s: float
    pause_s: float


@dataclass(frozen=True, slots=True)
class LineOffered:
    """The agent asked for another line to say.

    Attributes:
        cue_id: the cue whose line it takes the place of; empty outside of a cue.
        line_id: which line of the playbook.
        text: the line, in the language of the call.
        language: ISO 639-1 code of `text`.
    """

    cue_id: str
    at_s: float
    line_id: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class CuesMuted:
    """The agent wants no further cue in this call."""

    by: str


@dataclass(frozen=True, slots=True)
class CuesUnmuted:
    """The agent wants cues again."""

    by: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a party said, for rules that listen for words. Never logged as such.

    Attributes:
        end_s: when the utterance was over.
    """

    party: Party
    text: str
    start_s: float
    end_s: float
