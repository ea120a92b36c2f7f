"""Reads what the words of one utterance say about the customer."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from emotion.errors import LexiconError
from emotion.events import Tier, WordHit, WordReading, WordSign
from emotion.lexicon import Lexicon, SignGroup
from emotion.plain import PlainText, plain_text

REPEAT_SHARE: Final = 0.5
"""What a further hit of the same sign counts for, beside the first (adopted)."""

COMPLAINTS: Final = frozenset(
    {
        WordSign.DISSATISFIED,
        WordSign.BLAME,
        WordSign.ANGER,
        WordSign.INSULT,
        WordSign.REPEATED_CONTACT,
        WordSign.SUPERVISOR,
    }
)


@dataclass(frozen=True, slots=True)
class _Found:
    sign: WordSign
    weight: float
    start: int
    end: int


class WordReader:
    """Finds signs in an utterance and weighs them.

    Pure: the same text always reads the same. Thread-safe.

    Raises:
        LexiconError: two lexicons are for the same language.
    """

    def __init__(self, lexicons: Iterable[Lexicon]) -> None:
        self._lexicons: dict[str, Lexicon] = {}
        for lexicon in lexicons:
            if lexicon.language in self._lexicons:
                raise LexiconError(
                    f"one lexicon for each language, got two for {lexicon.language!r}"
                )
            self._lexicons[lexicon.language] = lexicon

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of the languages it reads."""
        return tuple(self._lexicons)

    def read(
        self, text: str, language: str, start_s: float, end_s: float
    ) -> WordReading:
        """Read one utterance of the customer.

        `hostility` joins the hits like independent reasons: 1 - (1 - w1)(1 - w2)...
        over the hostile ones, less the same over the calming ones.

        Args:
            text: the words, with or without punctuation.
            language: ISO 639-1 code; of a language without a lexicon the reading
                is empty.
            start_s: start of the utterance, in seconds of call time.
            end_s: end of the utterance.
        """
        lexicon = self._lexicons.get(language)
        if lexicon is None:
            return WordReading(start_s, end_s, 0.0, None, (), language, "words-none")
        plain = plain_text(text, spaced=lexicon.spaced, folds=lexicon.folds)
        found = _apart(
            hit for group in lexicon.groups for hit in _matches(group, plain)
        )
        hits = (WordHit(hit.sign, *plain.span(hit.start, hit.end)) for hit in found)
        return WordReading(
            start_s,
            end_s,
            _hostility(found),
            _tier({hit.sign for hit in found}),
            tuple(hits),
            language,
            f"words-{language}-{lexicon.version}",
        )


def _matches(group: SignGroup, plain: PlainText) -> list[_Found]:
    found = []
    at = 0
    while match := group.pattern.search(plain.text, at):
        start, end = match.span()
        # A stretch that counts may begin inside another one that does not.
        at = start + 1
        if plain.crosses_sentence(start, end):
            continue
        if not any(guard.takes_back(plain, start, end) for guard in group.guards):
            found.append(_Found(group.sign, group.weight, start, end))
            at = end
    return found


def _apart(hits: Iterable[_Found]) -> list[_Found]:
    """Keep of overlapping hits of one sign the heaviest, then the longest."""
    kept: list[_Found] = []
    heaviest_first = sorted(
        hits, key=lambda hit: (-abs(hit.weight), hit.start - hit.end, hit.start)
    )
    for hit in heaviest_first:
        if not any(
            hit.sign is other.sign and hit.start < other.end and other.start < hit.end
            for other in kept
        ):
            kept.append(hit)
    return sorted(kept, key=lambda hit: (hit.start, hit.end, hit.sign))


def _hostility(hits: Iterable[_Found]) -> float:
    hostile: list[float] = []
    calming: list[float] = []
    seen: set[WordSign] = set()
    for hit in sorted(hits, key=lambda hit: -abs(hit.weight)):
        share = REPEAT_SHARE if hit.sign in seen else 1.0
        seen.add(hit.sign)
        (hostile if hit.weight > 0 else calming).append(share * abs(hit.weight))
    return round(_any_of(hostile) - _any_of(calming), 4)


def _any_of(weights: Iterable[float]) -> float:
    return 1.0 - math.prod(1.0 - weight for weight in weights)


def _tier(signs: set[WordSign]) -> Tier | None:
    if WordSign.THIRD_PARTY_THREAT in signs:
        return Tier.THIRD_PARTY
    if WordSign.PUBLIC_THREAT in signs:
        return Tier.PUBLIC
    return Tier.DIRECT if signs & COMPLAINTS else None
