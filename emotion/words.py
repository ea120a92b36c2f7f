"""Reads what the words of one utterance say about the customer."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotion.errors import LexiconError, WordModelError
from emotion.events import CustomerKind, Tier, WordHit, WordReading, WordSign
from emotion.lexicon import CALMING, Lexicon, SignGroup, load_lexicons
from emotion.plain import PlainText, plain_text, spoken_text
from emotion.word_model import (
    Answer,
    Question,
    WordModel,
    load_word_models,
    sign_features,
)
from models.ports import TextEncoder

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


UNHAPPY_WORTH: Final = 0.1
ANGRY_WORTH: Final = 0.45
ABUSIVE_WORTH: Final = 0.3
"""What each step up is worth, so that hostility is the one to expect: a complaint
has 0.1, an angry one 0.55, an abusive one 0.85. Chosen on held-out lines, see
docs/models/words.md."""

QUIET: Final = 0.05
"""Less hostility than this counts for less still: it would only add up over a call."""

RELIEF_WORTH: Final = 0.35
"""What relief or thanks take away at most (adopted: the lexicon's heaviest)."""

COMPLAINS: Final = 0.25
"""Less likely a complaint than this, and a body or a medium is only mentioned; chosen
on held-out lines."""

MEANT: Final = 600
"""Characters that the meaning is taken from; nobody says more in an utterance, but a
loop of recognition does."""

SHOWN: Final = 0.25
"""Above this hostility the words that it comes from are shown."""

THREATS: Final = {
    Tier.PUBLIC: WordSign.PUBLIC_THREAT,
    Tier.THIRD_PARTY: WordSign.THIRD_PARTY_THREAT,
}

CUSTOMERS: Final = {
    CustomerKind.VENTING: Question.VENTING,
    CustomerKind.COMPENSATION: Question.COMPENSATION,
    CustomerKind.TRUST: Question.TRUST,
}

Judged = Mapping[Question, Answer]


@dataclass(frozen=True, slots=True)
class _Found:
    sign: WordSign
    weight: float
    start: int
    end: int


class WordReader:
    """Finds signs in an utterance and weighs them.

    Pure: the same text always reads the same. Thread-safe.

    Args:
        lexicons: one for each language that is read.
        models: for each of these languages the last one judges the utterance with
            the lexicon's signs in hand. Without one the signs decide.
        encoder: gives the models the meaning; without one they go by the words.

    Raises:
        LexiconError: two lexicons are for the same language.
        WordModelError: a model was trained beside another encoder.
    """

    def __init__(
        self,
        lexicons: Iterable[Lexicon],
        models: Iterable[WordModel] = (),
        encoder: TextEncoder | None = None,
    ) -> None:
        self._models = {model.language: model for model in models}
        self._encoder = encoder
        for model in self._models.values():
            if encoder and encoder.name != model.beside.encoder:
                raise WordModelError(
                    f"the word model for {model.language!r} goes with the encoder "
                    f"{model.beside.encoder}, not with {encoder.name}"
                )
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

        With a model, `hostility` is the one to expect by its probabilities, less
        what calming signs take away. Without one it joins the hits like independent
        reasons: 1 - (1 - w1)(1 - w2)... over the hostile ones, less the same over
        the calming ones.

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
        hostility = _hostility(found)
        tier = _tier({hit.sign for hit in found})
        customer, customer_p = None, 0.0
        name = f"words-{language}-{lexicon.version}"
        model = self._models.get(language)
        if model is not None and plain.text:
            features = sign_features({hit.sign for hit in found}, hostility)
            judged = model.judge(
                plain, features, self._meaning(text), spaced=lexicon.spaced
            )
            outright = _outright(judged, found)
            hostility = _judged_hostility(judged)
            tier = _judged_tier(judged, outright)
            found = _judged_hits(judged, hostility, tier, found)
            customer, customer_p = _judged_customer(judged)
            name += f"-{model.version}"
            name += f"-{self._encoder.name}" if self._encoder else ""
        hits = (WordHit(hit.sign, *plain.span(hit.start, hit.end)) for hit in found)
        return WordReading(
            start_s,
            end_s,
            hostility,
            tier,
            tuple(hits),
            language,
            name,
            customer,
            customer_p,
        )

    def _meaning(self, text: str) -> NDArray[np.float32] | None:
        if self._encoder is None:
            return None
        return self._encoder.encode(spoken_text(text)[:MEANT])


def load_word_reader(
    encoder: TextEncoder | None = None, own: Iterable[WordModel] = ()
) -> WordReader:
    """Make the reader that comes with the package: lexicons and trained models.

    Args:
        encoder: see `models.text_encoder.load_text_encoder`; without one the models
            go by the words alone, which is worth less.
        own: models that stand in for those of their languages.

    Raises:
        LexiconError: a lexicon is damaged.
        WordModelError: a model is damaged.
    """
    # Of two models for a language the last one is taken.
    return WordReader(load_lexicons(), [*load_word_models(), *own], encoder)


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


def expected_hostility(unhappy: float, angry: float, abusive: float) -> float:
    """Hostility to expect when these are the probabilities; hardly any when quiet."""
    hostility = UNHAPPY_WORTH * unhappy + ANGRY_WORTH * angry + ABUSIVE_WORTH * abusive
    return hostility * min(1.0, hostility / QUIET)


def _judged_hostility(judged: Judged) -> float:
    hostile = expected_hostility(
        judged[Question.UNHAPPY].cautious_p,
        judged[Question.ANGRY].cautious_p,
        judged[Question.ABUSIVE].cautious_p,
    )
    # Thanks in a complaint are seldom meant.
    calming = judged[Question.RELIEVED].p * (1.0 - judged[Question.UNHAPPY].p)
    return round(hostile - RELIEF_WORTH * calming, 4)


def _outright(judged: Judged, found: Iterable[_Found]) -> list[_Found]:
    """Threats in so many words, from a customer who complains.

    They are threats whatever the model makes of them: one that is missed costs more
    than one that is looked at in vain.
    """
    if not judged[Question.UNHAPPY].yes:
        return []
    return [hit for hit in found if hit.sign in THREATS.values()]


def _judged_tier(judged: Judged, outright: Iterable[_Found]) -> Tier | None:
    if judged[Question.UNHAPPY].p < COMPLAINS:
        return None
    said = _tier({hit.sign for hit in outright})
    public = judged[Question.PUBLIC_THREAT]
    third_party = judged[Question.THIRD_PARTY_THREAT]
    if third_party.yes and (third_party.p >= public.p or not public.yes):
        return Tier.THIRD_PARTY
    if public.yes:
        return Tier.PUBLIC
    if said in THREATS:
        return said
    return Tier.DIRECT if judged[Question.UNHAPPY].yes else None


def _judged_customer(judged: Judged) -> tuple[CustomerKind | None, float]:
    """Say what a customer who complains wants most, and how likely that is."""
    if judged[Question.UNHAPPY].p < COMPLAINS:
        return None, 0.0
    kind = max(CUSTOMERS, key=lambda kind: judged[CUSTOMERS[kind]].p)
    answer = judged[CUSTOMERS[kind]]
    return (kind, round(answer.p, 4)) if answer.yes else (None, 0.0)


def _judged_hits(
    judged: Judged, hostility: float, tier: Tier | None, found: list[_Found]
) -> list[_Found]:
    """Show what is asked for, the threats, unless there is none, and the hostility."""
    if judged[Question.UNHAPPY].yes:
        found = [hit for hit in found if hit.sign not in CALMING]
    threat = THREATS.get(tier) if tier else None
    found = [
        hit for hit in found if hit.sign not in THREATS.values() or hit.sign is threat
    ]
    asked = {threat} if threat else set()
    asked |= {sign for sign, question in _ASKED.items() if judged[question].yes}
    for sign in sorted(asked - {hit.sign for hit in found}):
        found += _shown(sign, judged[_ANSWERED[sign]])
    if hostility > SHOWN and not any(hit.sign not in CALMING for hit in found):
        question = Question.ANGRY if judged[Question.ANGRY].yes else Question.UNHAPPY
        found += _shown(_SHOWN_AS[question], judged[question])
    return sorted(found, key=lambda hit: (hit.start, hit.end, hit.sign))


def _shown(sign: WordSign, answer: Answer) -> list[_Found]:
    start, end = answer.span()
    return [_Found(sign, answer.p, start, end)] if end > start else []


_ASKED: Final = {
    WordSign.CHURN: Question.CHURN,
    WordSign.REPEATED_CONTACT: Question.REPEATED_CONTACT,
    WordSign.SUPERVISOR: Question.SUPERVISOR,
}
_ANSWERED: Final = _ASKED | {
    WordSign.PUBLIC_THREAT: Question.PUBLIC_THREAT,
    WordSign.THIRD_PARTY_THREAT: Question.THIRD_PARTY_THREAT,
}
_SHOWN_AS: Final = {
    Question.ANGRY: WordSign.ANGER,
    Question.UNHAPPY: WordSign.DISSATISFIED,
}
