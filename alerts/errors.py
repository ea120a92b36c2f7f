"""What can be wrong with what this package is asked to do.

AlertsError
├── UnknownAlertError   no alert of that id is open in this call
├── PlaybookError       a playbook is not TOML, or a line of it is incomplete
├── ParameterError      a setting is outside the range in which it means something
└── OrderError          a moment is older than the one before
"""


class AlertsError(Exception):
    """Base of every error this package raises on purpose."""


class UnknownAlertError(AlertsError):
    """No alert of that id is open in this call."""


class PlaybookError(AlertsError):
    """A playbook cannot be used; the message names the place to repair."""


class ParameterError(AlertsError):
    """A setting is outside the range in which it means something."""


class OrderError(AlertsError):
    """A moment is older than the one before."""
