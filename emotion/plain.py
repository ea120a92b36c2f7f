"""The plain form of a text that patterns are written against."""

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

APOSTROPHES = frozenset(
    "'\N{RIGHT SINGLE QUOTATION MARK}`\N{MODIFIER LETTER APOSTROPHE}"
)
APOSTROPHE_LEFT = "\N{LEFT SINGLE QUOTATION MARK}"
SENTENCE_ENDS = frozenset(".!?;\n。\N{IDEOGRAPHIC FULL STOP}\N{HORIZONTAL ELLIPSIS}")
MASK = "*"
"""Recognition writes the letters of a swear word as this; it counts as a letter."""


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text without what recognition writes one way today, another tomorrow.

    Attributes:
        text: letters, digits and masks in lower case; between words one space,
            or nothing in languages that write no spaces.
        origins: for each character of `text`, its index in the original.
        clauses: positions in `text` before which a clause ends, ascending.
        sentences: those of them at which the sentence ends too.
    """

    text: str
    origins: tuple[int, ...]
    clauses: tuple[int, ...]
    sentences: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a non-empty stretch of `text` lies in the original text."""
        return self.origins[start], self.origins[end - 1] + 1

    def crosses_sentence(self, start: int, end: int) -> bool:
        """Whether a sentence ends inside the stretch."""
        inside = bisect_right(self.sentences, start)
        return inside < len(self.sentences) and self.sentences[inside] < end

    def before(self, start: int, *, clause_only: bool) -> str:
        """What stands before `start` in its clause, or in its sentence."""
        marks = self.clauses if clause_only else self.sentences
        at = bisect_right(marks, start)
        return self.text[marks[at - 1] if at else 0 : start].strip()

    def after(self, end: int, *, clause_only: bool) -> str:
        """What stands after `end` in its clause, or in its sentence."""
        marks = self.clauses if clause_only else self.sentences
        at = bisect_left(marks, end)
        stop = marks[at] if at < len(marks) else len(self.text)
        return self.text[end:stop]


def plain_text(text: str, *, spaced: bool, folds: Mapping[str, str]) -> PlainText:
    """Bring a text into its plain form.

    Args:
        text: as recognition wrote it.
        spaced: the language puts spaces between words.
        folds: characters to write as another one, each one character long.
    """
    letters: list[str] = []
    origins: list[int] = []
    clauses: list[int] = []
    sentences: list[int] = []
    gap = False
    for index, character in enumerate(text):
        if character in APOSTROPHES or character == APOSTROPHE_LEFT:
            continue
        folded = unicodedata.normalize("NFKC", character).lower()
        kept = [c for c in folded if c.isalnum() or c == MASK]
        if not kept:
            if _inside_abbreviation(text, index):
                continue
            gap = True
            if folded.strip() or not spaced:
                clauses.append(len(letters))
            if SENTENCE_ENDS.intersection(character, folded):
                sentences.append(len(letters))
            continue
        if gap and spaced and letters:
            letters.append(" ")
            origins.append(index)
        gap = False
        for letter in kept:
            letters.append(folds.get(letter, letter))
            origins.append(index)
    return PlainText(
        "".join(letters),
        tuple(origins),
        tuple(dict.fromkeys(clauses)),
        tuple(dict.fromkeys(sentences)),
    )


def spoken_text(text: str) -> str:
    """Bring a text into the form that its meaning is taken from.

    Lower case, words with their apostrophes, none of the marks that recognition sets
    by its own lights; one space where something was left out.
    """
    folded = unicodedata.normalize("NFKC", text).lower()
    kept = (
        "'" if c in APOSTROPHES else c if c.isalnum() or c == MASK else " "
        for c in folded
    )
    return " ".join("".join(kept).split())


def _inside_abbreviation(text: str, index: int) -> bool:
    """Whether a full stop joins letters or digits: ``F.C.C.``, ``12.50``."""
    return (
        text[index] == "."
        and 0 < index < len(text) - 1
        and text[index - 1].isalnum()
        and text[index + 1].isalnum()
    )
