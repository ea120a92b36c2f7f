"""What people do to a call that is live: supervisors, the agent, the client.

Each is one control that `Call.receive_control` takes at the call time received so
far, and what follows is logged, with who did it. Some are events themselves.
"""

from dataclasses import dataclass

from alerts.events import AlertEnd, CuesMuted, CuesUnmuted, HelpAsked
from server.events import (
    ConsentChanged,
    Degraded,
    ListeningEnded,
    ListeningStarted,
    ModelsChanged,
    Note,
    Paused,
    Recovered,
    Resumed,
    RolesAssigned,
    TurnsFound,
)


@dataclass(frozen=True, slots=True)
class AcknowledgeAlert:
    """A supervisor takes an alert; without effect when it is not open."""

    alert_id: str
    by: str


@dataclass(frozen=True, slots=True)
class SnoozeAlert:
    """A supervisor puts an alert off for `for_s`; without effect when not open."""

    alert_id: str
    by: str
    for_s: float


@dataclass(frozen=True, slots=True)
class CloseAlert:
    """A supervisor closes an alert; without effect when it is not open."""

    alert_id: str
    by: str
    reason: AlertEnd
    text: str = ""


@dataclass(frozen=True, slots=True)
class WithdrawHelp:
    """The agent no longer needs the help that was asked for."""

    by: str


@dataclass(frozen=True, slots=True)
class DismissCue:
    """The agent does not want to see this cue."""


@dataclass(frozen=True, slots=True)
class OfferLine:
    """The agent wants another line to say."""


@dataclass(frozen=True, slots=True)
class AssignRoles:
    """Somebody says which voice on a line with one channel is the customer's.

    Without effect on a line with two, and when there is no such speaker.
    """

    customer: str
    by: str


AlertControl = AcknowledgeAlert | SnoozeAlert | CloseAlert | WithdrawHelp
CueControl = DismissCue | OfferLine | CuesMuted | CuesUnmuted
Told = (
    Note
    | ConsentChanged
    | Paused
    | Resumed
    | HelpAsked
    | ListeningStarted
    | ListeningEnded
    | Degraded
    | Recovered
    | ModelsChanged
    | RolesAssigned
    | TurnsFound
)
Control = AlertControl | CueControl | AssignRoles | Told
"""What people and the service do to a call; it takes effect between two frames."""
