"""What can go wrong in keeping trust.

TrustError
├── AuditError    a detail could hold spoken words, or the log cannot be read
├── PeopleError   a person is unknown, there already, or badly described
└── KeepingError  what is to be kept or deleted is not there, or badly described
"""

from server.errors import ServerError, ToldError


class TrustError(ServerError):
    """Base of every error that this package raises on purpose."""


class AuditError(TrustError):
    """An entry does not belong in the audit log, or the log cannot be read."""


class PeopleError(TrustError):
    """A person is unknown, is there already, or is badly described."""


class KeepingError(TrustError, ToldError):
    """What is to be kept or deleted is not there, or badly described."""
