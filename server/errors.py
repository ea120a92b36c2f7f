"""What can go wrong in the shell.

ServerError
├── ConfigError      a setting is unknown or out of range
├── ProtocolError    a client broke the protocol; carries the close code
├── StoreError       the database does not know what was asked for
│   └── StoreUnavailableError   it cannot be used now
├── JournalError     what is kept of a live call is damaged
├── RetraceError     a stored log cannot be gone on with
└── ToldError        people read why, in their own language
    ├── RecordingError  a recording cannot be read to its end
    ├── RefusedError    a request is not answered with what it asks for
    └── FieldError      what somebody filled in is not what it must be
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

from server.refusals import Param, Refusal

if TYPE_CHECKING:  # The processes that find words load errors, but nothing of alerts.
    from alerts.faults import Fault


class ServerError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(ServerError):
    """A setting is unknown, missing or out of range."""


class ToldError(ServerError):
    """An error whose reason people read, in their own language.

    Args:
        reason: code of a sentence in server/data/refusals.toml, or all of it.
        params: what the sentence of a code has in it, by name.

    Attributes:
        refusal: the reason; the error's own text is its English sentence.
        status: of an HTTP response that tells it.
    """

    status = 422

    def __init__(self, reason: str | Refusal, **params: Param) -> None:
        self.refusal = Refusal(reason, params) if isinstance(reason, str) else reason
        super().__init__(self.refusal.sentence())


class RefusedError(ToldError):
    """A request is not answered with what it asks for.

    Args:
        status: of the response.
        code: as of a `ToldError`.
        headers: of the response.
        params: as of a `ToldError`.
    """

    def __init__(
        self,
        status: int,
        code: str,
        headers: Mapping[str, str] | None = None,
        **params: Param,
    ) -> None:
        super().__init__(code, **params)
        self.status = status
        self.headers = headers


class FieldError(ToldError):
    """What somebody filled in is not what it must be."""

    def __init__(self, fault: "Fault") -> None:
        super().__init__(Refusal.of_fault(fault))


class StoreError(ServerError):
    """The database cannot be used, or does not know what was asked for."""


class StoreUnavailableError(StoreError):
    """The database cannot be used now: locked, read-only, full or gone."""


class JournalError(ServerError):
    """What is kept of a live call on disk is damaged."""


class RetraceError(ServerError):
    """The call does not write again what its stored log says."""


class RecordingError(ToldError):
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
