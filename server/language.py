"""Settles on the language of a call from what its utterances sound like."""

from models.ports import Transcript
from server.events import LanguageDetected

_SURE_S = 4.0
"""Lead, in seconds of speech weighted by probability, that settles it."""


class LanguageVote:
    """Every utterance votes with its length until one language is clearly ahead.

    Args:
        fixed: ISO 639-1 code when the language is known from the start.

    Attributes:
        chosen: the language, or None while it is not settled.
    """

    def __init__(self, fixed: str | None) -> None:
        self.chosen = fixed
        self._votes: dict[str, float] = {}

    def feed(self, transcript: Transcript, speech_s: float) -> LanguageDetected | None:
        """Count one utterance; return the language if this one settled it."""
        if self.chosen is not None:
            return None
        votes = self._votes
        weight = transcript.language_probability * speech_s
        votes[transcript.language] = votes.get(transcript.language, 0.0) + weight
        (first, lead), *rest = sorted(votes.items(), key=lambda vote: -vote[1])
        if lead - sum(weight for _, weight in rest) < _SURE_S:
            return None
        self.chosen = first
        return LanguageDetected(first, lead / sum(votes.values()))
