"""The messages of the audio protocol, checked: bytes off the wire to typed values."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from audio.codec import AudioFormat, Encoding
from audio.frame import Party
from server.errors import CloseCode, ProtocolError
from server.events import Consent

MAX_MESSAGE_BYTES = 1 << 20

_ID = r"^[A-Za-z0-9_-]{1,64}$"
_PRINTED = r"^[^\x00-\x1f\x7f]*$"
_LAYOUTS = {
    ("customer", "agent"): (Party.CUSTOMER, Party.AGENT),
    ("agent", "customer"): (Party.AGENT, Party.CUSTOMER),
    ("mono",): (Party.UNKNOWN,),
}


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Hello(_Message):
    agent_id: Annotated[str, Field(pattern=_ID)]
    consent: Annotated[Consent, Field(strict=False)]
    channels: list[str]
    encoding: Annotated[Encoding, Field(strict=False)]
    rate: Literal[8000, 16000, 24000, 48000]
    call_id: Annotated[str, Field(pattern=_ID)] | None = None
    customer_ref: Annotated[str, Field(max_length=128, pattern=_PRINTED)] = ""
    language: Literal["en", "zh"] | None = None
    team: Annotated[str, Field(pattern=_ID)] | None = None
    token: Annotated[str, Field(max_length=64)] | None = None
    from_byte: Annotated[int, Field(ge=0)] | None = None
    first_speaker: Literal["customer", "agent"] | None = None


class _Pause(_Message):
    type: Literal["pause"]


class _Resume(_Message):
    type: Literal["resume"]


class _End(_Message):
    type: Literal["end"]


class _Consent(_Message):
    type: Literal["consent"]
    consent: Annotated[Consent, Field(strict=False)]


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message of a connection: which call it brings, and how.

    Attributes:
        token: proof that a call, which another connection may hold, is this one's.
        from_byte: the first byte of the call that will be sent; None: where the
            service says.
        first_speaker: whose words come first, where the client knows it; says who is
            who on one channel.
    """

    call_id: str | None
    agent_id: str
    customer_ref: str
    language: str | None
    consent: Consent
    parties: tuple[Party, ...]
    format: AudioFormat
    team: str | None = None
    token: str | None = None
    from_byte: int | None = None
    first_speaker: Party = Party.UNKNOWN


@dataclass(frozen=True, slots=True)
class Pause:
    """Hear nothing until `Resume`."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Hear the call again."""


@dataclass(frozen=True, slots=True)
class ChangeConsent:
    """The customer's consent is another one from here on."""

    consent: Consent


@dataclass(frozen=True, slots=True)
class End:
    """The call is over."""


Control = Pause | Resume | ChangeConsent | End

_CONTROL: TypeAdapter[_Pause | _Resume | _End | _Consent] = TypeAdapter(
    Annotated[_Pause | _Resume | _End | _Consent, Field(discriminator="type")]
)


def _refuse(what: str, error: ValidationError) -> ProtocolError:
    # The value is left out: it came from outside and may hold anything.
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the message"
    expected = first["msg"]
    if first["type"] == "union_tag_invalid":  # Its sentence has the value in it.
        expected = f"type should be {first['ctx']['expected_tags']}"
    reason = re.sub(r"\s+", " ", f"not a {what}: {where}: {expected}")
    return ProtocolError(CloseCode.BAD_MESSAGE, reason)


def read_hello(text: str) -> Hello:
    """Read the first message.

    Raises:
        ProtocolError: it is not a hello; the reason names the first wrong field.
    """
    try:
        hello = _Hello.model_validate_json(text)
    except ValidationError as error:
        raise _refuse("hello", error) from None
    parties = _LAYOUTS.get(tuple(hello.channels))
    if parties is None:
        raise ProtocolError(
            CloseCode.BAD_MESSAGE,
            'not a hello: channels: expected ["customer","agent"], '
            '["agent","customer"] or ["mono"]',
        )
    return Hello(
        call_id=hello.call_id,
        agent_id=hello.agent_id,
        customer_ref=hello.customer_ref,
        language=hello.language,
        consent=hello.consent,
        parties=parties,
        format=AudioFormat(hello.encoding, hello.rate, len(parties)),
        team=hello.team,
        token=hello.token,
        from_byte=hello.from_byte,
        first_speaker=Party(hello.first_speaker or Party.UNKNOWN),
    )


def read_control(text: str) -> Control:
    """Read a text message after the hello.

    Raises:
        ProtocolError: it is not a control message.
    """
    try:
        message = _CONTROL.validate_json(text)
    except ValidationError as error:
        raise _refuse("control message", error) from None
    match message:
        case _Pause():
            return Pause()
        case _Resume():
            return Resume()
        case _Consent(consent=consent):
            return ChangeConsent(consent)
        case _End():
            return End()
