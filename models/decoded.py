"""What a recogniser makes of one utterance, before anybody judges it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decoded:
    """The words that a decoder found in features.

    Attributes:
        text: decoded, without space around it.
        tokens: what `text` is made of.
        language: ISO 639-1 code, the one asked for or the most probable one.
        language_probability: among the languages to choose from.
        mean_logprob: over the tokens and the end, natural logarithm.
        no_speech_probability: of the token that stands for no speech at all.
        ended: False where the limit of tokens came before the end of the text.
    """

    text: str
    tokens: tuple[int, ...]
    language: str
    language_probability: float
    mean_logprob: float
    no_speech_probability: float
    ended: bool
