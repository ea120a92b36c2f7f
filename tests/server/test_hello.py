import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.codec import AudioFormat, Encoding
from audio.frame import Party
from server.errors import CloseCode, ProtocolError
from server.events import Consent
from server.hello import (
    ChangeConsent,
    End,
    Hello,
    Pause,
    Resume,
    read_control,
    read_hello,
)

pytestmark = pytest.mark.unit

HELLO = {
    "agent_id": "a7",
    "consent": "granted",
    "channels": ["customer", "agent"],
    "encoding": "mulaw",
    "rate": 8000,
}


def test_a_hello_says_which_call_it_brings_and_how() -> None:
    hello = read_hello(json.dumps(HELLO | {"language": "zh", "call_id": "c-1"}))

    assert hello == Hello(
        call_id="c-1",
        agent_id="a7",
        customer_ref="",
        language="zh",
        consent=Consent.GRANTED,
        parties=(Party.CUSTOMER, Party.AGENT),
        format=AudioFormat(Encoding.MULAW, 8000, 2),
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"agent_id": "a 7"}, "agent_id"),
        ({"agent_id": None}, "agent_id"),
        ({"consent": "yes"}, "consent"),
        ({"channels": ["customer"]}, "channels"),
        ({"channels": "mono"}, "channels"),
        ({"encoding": "mp3"}, "encoding"),
        ({"rate": 44100}, "rate"),
        ({"rate": "8000"}, "rate"),
        ({"language": "fr"}, "language"),
        ({"call_id": "../etc"}, "call_id"),
        ({"customer_ref": "x" * 129}, "customer_ref"),
        ({"customer_ref": "a\0b"}, "customer_ref"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_wrong_hello_is_refused_with_the_name_of_the_field(
    change: dict[str, object], named: str
) -> None:
    with pytest.raises(ProtocolError) as refused:
        read_hello(json.dumps(HELLO | change))

    assert refused.value.code is CloseCode.BAD_MESSAGE
    assert named in refused.value.reason


def test_a_refusal_does_not_repeat_what_the_client_sent() -> None:
    with pytest.raises(ProtocolError) as refused:
        read_hello(json.dumps(HELLO | {"customer_ref": ["secret words"]}))

    assert "secret" not in refused.value.reason


@pytest.mark.parametrize(
    ("text", "control"),
    [
        ('{"type":"pause"}', Pause()),
        ('{"type":"resume"}', Resume()),
        ('{"type":"end"}', End()),
        ('{"type":"consent","consent":"refused"}', ChangeConsent(Consent.REFUSED)),
    ],
)
def test_control_messages_are_read(text: str, control: object) -> None:
    assert read_control(text) == control


@given(st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_any_other_text_is_one_typed_error(text: str) -> None:
    for read in (read_hello, read_control):
        with pytest.raises(ProtocolError):
            read(text)


def test_a_control_message_of_an_unknown_type_is_told_the_known_ones() -> None:
    with pytest.raises(ProtocolError) as error:
        read_control(json.dumps({"type": "secret words" * 20}))

    assert "secret" not in error.value.reason
    for known in ("pause", "resume", "consent", "end"):
        assert f"'{known}'" in error.value.reason
    assert len(error.value.reason) < 123
