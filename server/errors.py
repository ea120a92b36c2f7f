"""What can go wrong in the shell.

ServerError
├── ConfigError      a setting is unknown or out of range
├── ProtocolError    a client broke the protocol; carries the close code
├── StoreError       the database does not know what was asked for
│   └── StoreUnavailableError   it cannot be used now
├── JournalError     what is kept of a live call is damaged
├── RetraceError     a stored log cannot be gone on with
└── RecordingError   a recording cannot be read to its end
"""

from enum import IntEnum


class ServerError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(ServerError):
    """A setting is unknown, missing or out of range."""


class StoreError(ServerError):
    """The database cannot be used, or does not know what was asked for."""


class StoreUnavailableError(StoreError):
    """The database cannot be used now: locked, read-only, full or gone."""


class JournalError(ServerError):
    """What is kept of a live call on disk is damaged."""


class RetraceError(ServerError):
    """The call does not write again what its stored log says."""


class RecordingError(ServerError):
    """A recording cannot be read to its end."""


class CloseCode(IntEnum):
    """Why the service closes an audio connection; docs/protocol.md explains each."""

    ENDED = 1000
    STOPPING = 1001
    TOO_BIG = 1009
    BAD_MESSAGE = 4400
    AUDIO_FIRST = 4401
    UNKNOWN_PATH = 4404
    NO_HELLO = 4408
    CALL_TAKEN = 4409
    AUDIO_MISSING = 4416
    TOO_MANY_CALLS = 4429
    REFUSED = 4451
    NOT_NOW = 4503


class ProtocolError(ServerError):
    """A client broke the protocol, or asked for what cannot be.

    Attributes:
        code: the close code that tells the client why.
    """

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
