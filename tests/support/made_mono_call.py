"""A made-up call on one channel: an agent, a customer, and words by length."""

import numpy as np
from numpy.typing import NDArray

from audio.frame import RATE, Party
from audio.speakers import Turn
from models.ports import Transcriber, Transcript
from server.events import CallStarted, Consent

TURNS = (
    Turn(1.0, 4.0, "v1"),
    Turn(5.0, 11.0, "v2"),
    Turn(12.0, 16.0, "v1"),
    Turn(15.0, 21.0, "v2"),
    Turn(22.0, 25.0, "v1"),
)
"""Between 15 and 16 s both speak; v1 is the agent."""

LEVELS = {"v1": 0.2, "v2": 0.4, "v3": 0.6}
"""How loud each speaks: every sample of a turn has this value."""

WORDS = {
    3: "thank you for calling blue harbor how can i help you",
    6: "i am calling about my bill nobody called me back you people are useless",
    4: "let me check your account",
    5: "this is ridiculous i want to speak to your manager",
    2: "one moment please",
}
"""What is said in an utterance of about so many seconds."""

_SILENCE = 0.05


class ByLength(Transcriber):
    """A transcriber that says what the script has for the seconds of an utterance."""

    name = "by length"

    def __init__(self) -> None:
        self.asked: list[int] = []

    def transcribe(self, pcm: NDArray[np.float32], language: str | None) -> Transcript:
        """Say it."""
        self.asked.append(len(pcm))
        speech_s = np.count_nonzero(np.abs(pcm) > _SILENCE) / RATE
        text = WORDS[min(WORDS, key=lambda length_s: abs(length_s - speech_s))]
        return Transcript(text, language or "en", 1.0, 0.9)


def started(first_speaker: Party = Party.UNKNOWN) -> CallStarted:
    """What is known when the call begins."""
    return CallStarted(
        "c",
        "a7",
        "",
        "en",
        (Party.UNKNOWN,),
        Consent.GRANTED,
        "",
        ("fake",),
        first_speaker=first_speaker,
    )
