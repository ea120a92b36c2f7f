"""Finds what must not be shown: numbers of cards, identities and phones, e-mail.

Pure. Spans are in characters of the text, as speech recognition wrote it: figures
or words, English or Chinese, in groups, with fillers, over several utterances.
A span is masked character by character, so that every index into a text still
points where it pointed.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache

import phonenumbers

from server.trust.addresses import addresses
from server.trust.digits import Run, runs
from server.trust.garbled import garbled
from server.trust.spans import SAID_BY, Kind, Span

MASK = "•"

_REGIONS = ("CN", "US", "GB")
"""Where a number without a country code may be from."""

_CARD_DIGITS = range(13, 20)
_USUAL_CARD_DIGITS = (15, 16, 19)
_CARD = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[689]\d)\d{11,16}"  # Diners Club
    r"|35\d{14}"  # JCB
    r"|(?:5[06-8]|6[0-9])\d{10,17}"  # Maestro, Discover, UnionPay (62)
)
"""What card numbers begin with, and how long they are, by scheme.

Source: ISO/IEC 7812-2 registration ranges as the schemes publish them.
"""

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = "10X98765432"
"""Weights and check signs. Source: GB 11643-1999, ISO 7064 MOD 11-2."""

_ID_DIGITS = 18
_ID_NEARLY = range(15, 19)
"""The old form has 15; of the new one a digit may have been lost."""

_MOST = 20
"""Digits, and so stretches, of the longest number that is looked for."""

_NEAR = 30
"""Characters before a number in which a word says what it is."""

_CARD_WORD = re.compile(rf"{SAID_BY[Kind.CARD]}|卡|pan\b", re.IGNORECASE)
_CODE_WORD = re.compile(
    r"cvv|cvc|security code|three digits? on the back|安全码|验证码", re.IGNORECASE
)
_ID_WORD = re.compile(SAID_BY[Kind.IDENTITY], re.IGNORECASE)
_PHONE_WORD = re.compile(rf"{SAID_BY[Kind.PHONE]}|call back", re.IGNORECASE)
_PHONE_DIGITS = range(7, 13)
_CODE_DIGITS = range(3, 5)
_LEAST_UNFINISHED = 6
_LEAST_PIECE = 3
_MOST_PIECES = 6
_MOST_BETWEEN = 40
"""A card in pieces: digits in each, pieces, characters between two of them."""

_MOBILE = re.compile(r"(?:86|0086)?1[3-9]\d{9}")
"""A Chinese mobile number: known as one even where another number touches it."""


def find(text: str) -> tuple[Span, ...]:
    """What must not be shown of a text, in its order, without overlaps."""
    found = [
        *_addresses(text),
        *_numbers(text),
        *_cards_over_words(text),
        *garbled(text),
    ]
    found.sort(key=lambda span: (span.start, -span.end))
    kept: list[Span] = []
    for span in found:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
        elif span.end > kept[-1].end:
            kept[-1] = Span(kept[-1].start, span.end, kept[-1].kind)
    return tuple(kept)


def find_in_utterances(texts: Sequence[str]) -> list[tuple[Span, ...]]:
    """Likewise for what one party said in a row: a number may go over several.

    Args:
        texts: utterances in their order.

    Returns:
        For each utterance the spans within it.
    """
    return [tuple(spans) for spans in _find_in(tuple(texts))]


@lru_cache(maxsize=256)  # Every screen asks for the same words.
def _find_in(texts: tuple[str, ...]) -> list[list[Span]]:
    spans: list[list[Span]] = [[] for _ in texts]
    starts = [0]
    for text in texts:
        starts.append(starts[-1] + len(text) + 1)
    for span in find("\n".join(texts)):
        for index, text in enumerate(texts):
            start = max(span.start - starts[index], 0)
            end = min(span.end - starts[index], len(text))
            if start < end:
                spans[index].append(Span(start, end, span.kind))
    return spans


def find_unfinished(text: str) -> tuple[Span, ...]:
    """What may become a number that must not be shown, while somebody still speaks.

    A call that is live is shown before the rest of a number is said, so every run
    of six digits or more at a text's end counts as one.
    """
    found = find(text)
    *_, last = (None, *runs(text))
    if last is None or _n_digits(last) < _LEAST_UNFINISHED:
        return found
    start, end = last[0].start, last[-1].end
    if text[end:].strip(" .,") or (found and found[-1].end > start):
        return found
    return (*found, Span(start, end, Kind.CARD))


def masked(text: str, spans: Sequence[Span]) -> str:
    """The text with its spans covered; as long as before."""
    for span in spans:
        text = text[: span.start] + MASK * (span.end - span.start) + text[span.end :]
    return text


def redacted(text: str) -> str:
    """The text with everything covered that must not be shown."""
    return masked(text, find(text))


def is_luhn(digits: str) -> bool:
    """Whether the check digit is right. Source: ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the digits' sum
    return total % 10 == 0


def is_identity(signs: str) -> bool:
    """Whether this is a Chinese identity number. Source: GB 11643-1999."""
    if not re.fullmatch(r"[1-9]\d{16}[\dX]", signs):
        return False
    try:
        date(int(signs[6:10]), int(signs[10:12]), int(signs[12:14]))
    except ValueError:
        return False
    pairs = zip(signs, _ID_WEIGHTS, strict=False)
    return _ID_CHECK[sum(int(s) * weight for s, weight in pairs) % 11] == signs[-1]


def _addresses(text: str) -> Iterator[Span]:
    for start, end in addresses(text):
        yield Span(start, end, Kind.EMAIL)


def _numbers(text: str) -> Iterator[Span]:
    for run in runs(text):
        done = 0
        for first in range(len(run)):
            if first < done:
                continue
            found = _longest(text, run, first)
            if found is not None:
                last, kind = found
                yield Span(run[first].start, run[last].end, kind)
                done = last + 1


def _longest(text: str, run: Run, first: int) -> tuple[int, Kind] | None:
    """The longest number that begins at a stretch: its last stretch and its kind."""
    before = text[max(0, run[first].start - _NEAR) : run[first].start]
    for last in range(min(len(run), first + _MOST) - 1, first - 1, -1):
        signs = "".join(digits.value for digits in run[first : last + 1])
        loose = run[first].after_break or run[last].before_break
        whole = run[first].after_break and run[last].before_break
        kind = _kind(signs, before, loose=loose, whole=whole)
        if kind is not None:
            return last, kind
    return None


def _cards_over_words(text: str) -> Iterator[Span]:
    """Cards in pieces, with words between: "... and then the rest is 1111 1111"."""
    pieces = [run for run in runs(text) if _n_digits(run) >= _LEAST_PIECE]
    for first in range(len(pieces)):
        signs = ""
        for last in range(first, min(len(pieces), first + _MOST_PIECES)):
            piece = pieces[last]
            gap = piece[0].start - pieces[last - 1][-1].end if last > first else 0
            if gap > _MOST_BETWEEN:
                break
            signs += "".join(digits.value for digits in piece)
            if last > first and _is_card(signs):
                for part in pieces[first : last + 1]:
                    yield Span(part[0].start, part[-1].end, Kind.CARD)


def _n_digits(run: Run) -> int:
    return sum(len(digits.value) for digits in run)


def _kind(signs: str, before: str, *, loose: bool, whole: bool) -> Kind | None:
    """What a number is.

    Args:
        signs: its digits.
        before: the words in front of it.
        loose: a break stands at one of its ends, so it is no part of a longer one.
        whole: at both.
    """
    if len(signs) == _ID_DIGITS and is_identity(signs):
        return Kind.IDENTITY
    if "X" in signs:
        return _by_word(signs, before) if whole else None
    if loose and _is_card(signs):
        return Kind.CARD
    if (whole and _is_phone(signs)) or (loose and _MOBILE.fullmatch(signs)):
        return Kind.PHONE
    if whole and _is_misheard_card(signs):
        return Kind.CARD
    return _by_word(signs, before) if whole else None


def _by_word(signs: str, before: str) -> Kind | None:
    """What a number is by what is said before it, even with a digit misheard."""
    if len(signs) in _CARD_DIGITS and _CARD_WORD.search(before):
        return Kind.CARD
    if len(signs) in _CODE_DIGITS and _CODE_WORD.search(before):
        return Kind.CARD
    if len(signs) in _ID_NEARLY and _ID_WORD.search(before):
        return Kind.IDENTITY
    if len(signs) in _PHONE_DIGITS and _PHONE_WORD.search(before):
        return Kind.PHONE
    return None


def _is_card(signs: str) -> bool:
    return (
        len(signs) in _CARD_DIGITS
        and _CARD.fullmatch(signs) is not None
        and is_luhn(signs)
    )


def _is_misheard_card(signs: str) -> bool:
    """Whether this has a card's length and beginning; a digit may be wrong."""
    return len(signs) in _USUAL_CARD_DIGITS and _CARD.fullmatch(signs) is not None


def _is_phone(signs: str) -> bool:
    if len(signs) < _PHONE_DIGITS[0]:
        return False
    shapes = [(signs, region) for region in _REGIONS]
    if signs.startswith("00"):
        shapes.append(("+" + signs[2:], ""))
    elif len(signs) > 10:  # noqa: PLR2004 - shorter ones have no country code
        shapes.append(("+" + signs, ""))
    for shape, region in shapes:
        try:
            number = phonenumbers.parse(shape, region or None)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return True
    return False
