"""What can go wrong when people are to be told something.

AlertError
├── PlaybookError        the playbook's data is not what it must be
├── RulesError           a team's rules are not what they must be
└── UnknownAlertError    no alert of that id waits to be taken
"""


class AlertError(Exception):
    """Base of every error this package raises on purpose."""


class PlaybookError(AlertError):
    """The playbook's data is not what it must be."""


class RulesError(AlertError):
    """A team's rules are not what they must be."""


class UnknownAlertError(AlertError):
    """No alert of that id waits to be taken."""
