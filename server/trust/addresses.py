"""E-mail addresses in what speech recognition wrote.

"jane.doe@example.com", "jane dot doe at example dot com", "zhangsan 艾特 qq 点 com",
and names that were spelt. First the "at" with a domain behind it is found, then the
name before it, word by word backwards; both within a bounded stretch, so that no
text takes long.
"""

import re
from collections.abc import Iterator

_AT = r"(?:\s*@\s*|\s+at\s+|\s*(?:艾特|圈[aA])\s*)"
_DOT = r"(?:\s*\.\s*|\s+dot\s+|\s*点\s*)"
_TLD = (
    r"(?:com(?:\s*(?:\.|dot|点)\s*cn)?|cn|net|org|edu|gov|io|uk|co\s*(?:\.|dot|点)\s*uk"
    r"|info|me|hk|tw|de|fr)"
)
_DOMAIN = re.compile(
    rf"(?P<at>{_AT})(?:[A-Za-z0-9零〇一幺二两三四五六七八九 -]{{1,30}}?{_DOT}){{1,3}}?"
    rf"{_TLD}(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_LONGEST_NAME = 64
"""Characters of a name. Source: RFC 5321, section 4.5.3.1.1."""

_PIECE = re.compile(
    r"(?P<word>[A-Za-z0-9']+|[零〇一幺二两三四五六七八九]+)"
    r"|(?P<join>[._+-](?!\s)|下划线|横杠|杠|点)"
    r"|(?P<blank>[ ]+)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_SPOKEN_JOINS = frozenset(("dot", "underscore", "dash", "hyphen", "minus", "plus"))
_WORDS_OF_A_NAME = 2
"""Whole words with only a blank between them that may be one name."""

_NO_NAMES = frozenset(
    (
        *("a", "an", "and", "are", "at", "be", "by", "is", "it", "its", "it's", "me"),
        *("my", "on", "or", "that", "the", "this", "to", "us", "was", "we", "you"),
        *("your", "address", "contact", "e", "email", "mail", "reply", "send", "sent"),
        *("write", "found", "look", "looking", "order", "ordered", "bought", "page"),
        *("see", "shop", "site", "visit", "website"),
    )
)
"""Words that stand before an address, or before an "at" that is none."""


def addresses(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every address in a text, in order."""
    done = 0
    for found in _DOMAIN.finditer(text):
        start = _start_of_name(text, max(done, found.start() - _LONGEST_NAME), found)
        if start is not None:
            yield start, found.end()
            done = found.end()


def _start_of_name(text: str, earliest: int, found: re.Match[str]) -> int | None:
    """Where the name before an "at" begins; None: there is none."""
    pieces = list(_PIECE.finditer(text, earliest, found.start()))
    start: int | None = None
    joined = True
    n_words = 0
    while pieces:
        piece = pieces.pop()
        word = piece[0].lower()
        if piece.lastgroup == "join" or word in _SPOKEN_JOINS:
            joined = True
        elif piece.lastgroup == "word":
            spelt = len(word) == 1 or word.isdigit()
            if not joined and not spelt:
                n_words += 1
            if word in _NO_NAMES and not (joined and start is not None):
                break
            if n_words >= _WORDS_OF_A_NAME:
                break
            start, joined = piece.start(), False
        elif piece.lastgroup == "other":
            break
    return start
