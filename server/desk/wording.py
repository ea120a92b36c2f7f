"""Text as it is searched: one spelling, and pieces short enough for every term.

A trigram index finds any three characters in a row. Chinese words often have
two (退款), so a second index holds pairs of Chinese characters, and Latin words of
one or two letters. Pure.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from server.desk.errors import QueryError

TRIGRAM = 3
"""Characters that a term needs for the trigram index."""

MAX_TERMS = 12

_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_SHORT_WORD = re.compile(r"(?<![^\W_])[a-z0-9]{1,2}(?![^\W_])", re.ASCII)
_TERM = re.compile(r'(-?)(?:"([^"]*)"|(\S+))')


def normal(text: str) -> str:
    """Return `text` in the one spelling that is indexed and asked for."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split())


def pieces(text: str) -> Iterator[str]:
    """Yield the short pieces of normal text, each at least once."""
    for run in _CHINESE.findall(text):
        yield from (run[at : at + 2] for at in range(len(run)))
    yield from _SHORT_WORD.findall(text)


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a call's words must hold, or must not.

    Attributes:
        text: in normal spelling, at least one character.
        excluded: the call must not hold it.
    """

    text: str
    excluded: bool

    @property
    def is_short(self) -> bool:
        """Whether it is found among the pieces, and not among trigrams."""
        return len(self.text) < TRIGRAM and (
            _CHINESE.fullmatch(self.text) is not None
            or _SHORT_WORD.fullmatch(self.text) is not None
        )

    @property
    def is_prefix(self) -> bool:
        """Whether a piece may go on after it: one Chinese character."""
        return len(self.text) == 1 and _CHINESE.fullmatch(self.text) is not None


def parse_terms(text: str) -> tuple[Term, ...]:
    """Read what somebody typed: words, "phrases", and -words to leave out.

    Raises:
        QueryError: there are too many terms.
    """
    found = []
    for minus, phrase, word in _TERM.findall(text):
        spelling = normal(phrase or word)
        if spelling:
            found.append(Term(spelling, bool(minus)))
    if len(found) > MAX_TERMS:
        raise QueryError("too_many_terms", most=MAX_TERMS, found=len(found))
    return tuple(found)
