"""What can go wrong when people are to be told something.

AlertError
├── PlaybookError        the playbook's data is not what it must be
├── RulesError           a team's rules are not what they must be
└── UnknownAlertError    no alert of that id waits to be taken
"""

from alerts.faults import Fault


class AlertError(Exception):
    """Base of every error this package raises on purpose."""


class PlaybookError(AlertError):
    """The playbook's data is not what it must be.

    Attributes:
        fault: what is wrong, where the data was read from JSON.
    """

    def __init__(self, message: str, fault: Fault | None = None) -> None:
        super().__init__(message)
        self.fault = fault


class RulesError(AlertError):
    """A team's rules are not what they must be.

    Attributes:
        fault: what is wrong.
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class UnknownAlertError(AlertError):
    """No alert of that id waits to be taken."""
