"""What words, voice and turn-taking together say about the customer.

Times are seconds of call time. All of it is about the customer only.
"""

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where the customer stands on the hostility curve, in the order they come."""

    RATIONAL = "rational"
    TAKE_OFF = "take_off"
    PEAK = "peak"
    SLOW_DOWN = "slow_down"
    COOL_DOWN = "cool_down"
    PROBLEM_SOLVING = "problem_solving"


class Tier(StrEnum):
    """Whom the customer says they will tell."""

    DIRECT = "direct"
    PUBLIC = "public"
    THIRD_PARTY = "third_party"


class WordSign(StrEnum):
    """What a stretch of words is a sign of."""

    DISSATISFIED = "dissatisfied"
    BLAME = "blame"
    ANGER = "anger"
    INSULT = "insult"
    REPEATED_CONTACT = "repeated_contact"
    PUBLIC_THREAT = "public_threat"
    THIRD_PARTY_THREAT = "third_party_threat"
    CHURN = "churn"
    SUPERVISOR = "supervisor"
    THANKS = "thanks"
    RELIEF = "relief"


class CustomerKind(StrEnum):
    """What a complaining customer wants most."""

    VENTING = "venting"
    COMPENSATION = "compensation"
    TRUST = "trust"


@dataclass(frozen=True, slots=True)
class WordHit:
    """A stretch of an utterance that counted.

    Attributes:
        sign: what it is a sign of.
        start: index of the first character in the utterance's text.
        end: index after the last character.
    """

    sign: WordSign
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class WordReading:
    """What the words of one utterance of the customer say.

    Attributes:
        start_s: start of the utterance.
        end_s: end of the utterance.
        hostility: in [-1, 1]; below zero the words calm down.
        tier: whom the customer threatens to tell, None without a threat.
        hits: the stretches that counted, in the order of the text.
        language: ISO 639-1 code of the rules that read it.
        model: name and version of those rules.
        customer: what a customer who speaks like that wants most; None where the
            words do not tell.
        customer_p: how likely that is, 0 without one.
    """

    start_s: float
    end_s: float
    hostility: float
    tier: Tier | None
    hits: tuple[WordHit, ...]
    language: str
    model: str
    customer: CustomerKind | None = None
    customer_p: float = 0.0


class Source(StrEnum):
    """Where evidence comes from."""

    VOICE = "voice"
    WORDS = "words"
    TURNS = "turns"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason why the score stands where it stands.

    Attributes:
        source: voice, words or turn-taking.
        code: what was found, from a fixed list: a `WordSign` value,
            ``voice_anger``, ``voice_louder``, ``customer_interrupts``,
            ``says_it_again``, ``speaks_faster`` or ``long_silence``.
        weight: points of the score that it accounts for now; negative calms.
        value: the number behind it in the code's own unit (`voice_anger`:
            probability, `voice_louder`: dB above own baseline, `speaks_faster`:
            pace against the own opening, else a count).
        start_s: where in the call it was found.
        end_s: where it ends.
    """

    source: Source
    code: str
    weight: float
    value: float
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class HostilityPoint:
    """One second of the hostility curve.

    Attributes:
        score: 0 (calm) to 100.
        low: lower edge of the band of uncertainty.
        high: upper edge of the band of uncertainty.
        phase: where on the curve this is.
        evidence: what accounts for the score, heaviest first; at most five.
    """

    at_s: float
    score: float
    low: float
    high: float
    phase: Phase
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """The customer moved to another phase."""

    at_s: float
    before: Phase
    after: Phase
    score: float


@dataclass(frozen=True, slots=True)
class CustomerKindChanged:
    """What the customer wants most became clear, or is something else now.

    Attributes:
        at_s: end of the utterance that made it clear.
        before: None the first time.
        p: how likely the latest utterance says so.
    """

    at_s: float
    before: CustomerKind | None
    after: CustomerKind
    p: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """How likely the call reaches take-off or peak soon.

    Attributes:
        p: probability in [0, 1].
        horizon_s: how far ahead it looks.
    """

    at_s: float
    p: float
    horizon_s: float
