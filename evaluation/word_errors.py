"""Counting the errors of a transcript: which words count, and when it loops."""

import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import jiwer
from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

from models.chinese import simplified

CHARACTER_LANGUAGES = frozenset({"zh", "ja"})
"""Written without spaces: errors are counted in characters."""

_MAX_PERIOD = 40
_LOOP_ROUNDS = 4
_LOOP_UNITS = 8


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of one transcript.

    Attributes:
        edits: substitutions, deletions and insertions.
        units: words (characters, where a language is written so) of the reference.
    """

    edits: int
    units: int


def count_errors(reference: str, hypothesis: str, language: str) -> Errors:
    """Count the edits that turn one into the other, after normalising both."""
    said, heard = units(reference, language), units(hypothesis, language)
    if not said or not heard:
        return Errors(len(said) + len(heard), len(said))
    found = jiwer.process_words(" ".join(said), " ".join(heard))
    edits = found.substitutions + found.deletions + found.insertions
    return Errors(edits, len(said))


def units(text: str, language: str) -> list[str]:
    """Return what is counted: normalised words, or characters.

    English goes through Whisper's `EnglishTextNormalizer` (lower case, no
    punctuation, British to American spelling, contractions, numbers as digits).
    Chinese and Japanese keep letters and digits only, Chinese in simplified
    characters; other languages go through Whisper's `BasicTextNormalizer`.
    """
    if language in CHARACTER_LANGUAGES:
        same = simplified(text) if language == "zh" else text
        folded = unicodedata.normalize("NFKC", same).lower()
        return [char for char in folded if char.isalnum()]
    normalised: str = _normaliser(language)(text)
    return normalised.split()


@cache
def _normaliser(language: str) -> BasicTextNormalizer | EnglishTextNormalizer:
    with warnings.catch_warnings():
        # openai-whisper leaves the file of spellings to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        return EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()


def loops(hypothesis: str, reference: str, language: str) -> bool:
    """Tell whether a transcript says again and again what was not said so often.

    That is: the same words at least four times in a row, eight words or more in all,
    while the reference does not; or more than twice the words of the reference and
    ten besides.
    """
    heard, said = units(hypothesis, language), units(reference, language)
    if len(heard) > 2 * len(said) + 10:
        return True
    return _has_loop(heard) and not _has_loop(said)


def _has_loop(words: Sequence[str]) -> bool:
    for period in range(1, min(_MAX_PERIOD, len(words) // _LOOP_ROUNDS) + 1):
        needed = max(_LOOP_ROUNDS * period, _LOOP_UNITS) - period
        same = 0
        for before, word in zip(words, words[period:], strict=False):
            same = same + 1 if before == word else 0
            if same >= needed:
                return True
    return False
