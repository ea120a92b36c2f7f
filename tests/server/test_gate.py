import pytest

from audio.codec import AudioFormat, Encoding
from server.events import Consent
from server.gate import ConsentGate

pytestmark = pytest.mark.unit

MULAW = AudioFormat(Encoding.MULAW, 8000, 2)
SOUND = b"\x01\x02\x03\x04"


@pytest.mark.parametrize("consent", [Consent.GRANTED, Consent.TEXT_ONLY])
def test_audio_passes_with_consent(consent: Consent) -> None:
    assert ConsentGate(MULAW, consent).apply(SOUND) == SOUND


@pytest.mark.parametrize("consent", [Consent.UNKNOWN, Consent.REFUSED])
def test_audio_without_consent_becomes_silence_of_the_same_length(
    consent: Consent,
) -> None:
    assert ConsentGate(MULAW, consent).apply(SOUND) == b"\xff" * 4


def test_nothing_is_heard_while_paused() -> None:
    gate = ConsentGate(MULAW, Consent.GRANTED)

    gate.paused = True
    paused = gate.apply(SOUND)
    gate.paused = False

    assert paused == b"\xff" * 4
    assert gate.apply(SOUND) == SOUND
