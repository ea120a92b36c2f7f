"""What the audio alone tells: who speaks when. Times are seconds of call time."""

from dataclasses import dataclass

from audio.frame import Party


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """A party began to speak."""

    party: Party
    start_s: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """A party stopped speaking: the end is certain one hangover after `end_s`."""

    party: Party
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Overlapped:
    """Both parties spoke at once for long enough to be more than a back-channel."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A party began while the other spoke, and kept the floor."""

    by: Party
    at_s: float


@dataclass(frozen=True, slots=True)
class Responded:
    """A party took the turn after the other had finished."""

    party: Party
    latency_s: float
    at_s: float


@dataclass(frozen=True, slots=True)
class LongSilence:
    """Nobody has spoken since `start_s`; told once for each silence."""

    start_s: float


TurnTakingEvent = Overlapped | Interrupted | Responded | LongSilence
