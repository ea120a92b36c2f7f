"""What may be heard of a call: nothing without consent, nothing while paused."""

from audio.codec import AudioFormat
from server.events import Consent

_HEARD = (Consent.GRANTED, Consent.TEXT_ONLY)


class ConsentGate:
    """Replaces audio that may not be heard by silence of the same length.

    It stands before the disk and before the analysis, so byte counts and call
    time go on while nothing that was said is kept.

    Attributes:
        consent: what the customer agreed to.
        paused: the client asked to hear nothing.
    """

    def __init__(self, audio_format: AudioFormat, consent: Consent) -> None:
        self._format = audio_format
        self.consent = consent
        self.paused = False

    def apply(self, data: bytes) -> bytes:
        """Return `data`, or as much silence."""
        if self.consent in _HEARD and not self.paused:
            return data
        return self._format.silence(len(data))
