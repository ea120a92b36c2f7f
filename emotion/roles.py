"""Which speaker is the customer and which the agent, from what they say. Pure.

Each sign leans towards one party by a number in log-odds. The customer is the speaker
whose words lean least towards the agent; how sure that is follows from the distance
to the next. What nobody said counts for nothing: with few signs the answer is that
the roles are not known.
"""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from audio.frame import Party
from emotion.errors import LexiconError
from emotion.plain import plain_text

_LANGUAGES = ("en", "zh")
_SIDES = {Party.AGENT.value: 1.0, Party.CUSTOMER.value: -1.0}
FIRST_TO_SPEAK = "first_to_speak"
TOLD = "told"


@dataclass(frozen=True, slots=True)
class RoleParams:
    """When the roles count as known.

    Attributes:
        least_confidence: below it the parties stay unknown.
        first: log-odds that whoever speaks first is the agent: callers are greeted.
        told: log-odds of what somebody said about the call beforehand.
        most: times that one sign counts for one speaker.

    Raises:
        ValueError: a value is out of its range.
    """

    least_confidence: float = 0.85
    first: float = 0.7
    told: float = 6.0
    most: int = 3

    def __post_init__(self) -> None:
        if not 0.5 <= self.least_confidence < 1:  # noqa: PLR2004  # a coin's chance
            raise ValueError(
                f"least_confidence must lie in [0.5, 1), got {self.least_confidence}"
            )
        if self.most < 1:
            raise ValueError(f"most must be 1 or more, got {self.most}")


@dataclass(frozen=True, slots=True)
class Said:
    """What a speaker said in one utterance."""

    speaker: str
    start_s: float
    end_s: float
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class RoleEvidence:
    """One reason for the roles.

    Attributes:
        speaker: of whom.
        sign: which sign, by its id in the data; or how the roles were told.
        party: whom it speaks for.
        count: how often it counted.
    """

    speaker: str
    sign: str
    party: Party
    count: int


@dataclass(frozen=True, slots=True)
class Roles:
    """Who is who.

    Attributes:
        customer: the speaker who is the customer, None when nobody knows.
        confidence: that it is so, in [0.5, 1]; of the best guess where it is too low.
        evidence: what was counted, strongest first.
    """

    customer: str | None
    confidence: float
    evidence: tuple[RoleEvidence, ...]

    def party_of(self, speaker: str) -> Party:
        """The party of a speaker; whoever is not the customer is an agent."""
        if self.customer is None:
            return Party.UNKNOWN
        return Party.CUSTOMER if speaker == self.customer else Party.AGENT


@dataclass(frozen=True, slots=True)
class _Sign:
    sign: str
    party: Party
    log_odds: float
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Language:
    spaced: bool
    hello: re.Pattern[str]
    signs: tuple[_Sign, ...]


class RoleReader:
    """Tells the roles from words, in the languages that it has data for.

    Args:
        languages: signs by ISO 639-1 code.
        params: when the roles count as known.
    """

    def __init__(
        self, languages: Mapping[str, _Language], params: RoleParams | None = None
    ) -> None:
        self._languages = dict(languages)
        self._params = params or RoleParams()

    def read(
        self,
        said: Sequence[Said],
        speakers: Sequence[str],
        first: Party = Party.UNKNOWN,
    ) -> Roles:
        """Decide who is the customer.

        Args:
            said: every utterance, in any order.
            speakers: those who speak enough to have a role; two or more.
            first: who speaks first, where somebody knows it.
        """
        if len(speakers) < 2:  # noqa: PLR2004  # a call has two parties
            return Roles(None, 0.5, ())
        params = self._params
        counts = self._counts([each for each in said if each.speaker in speakers])
        lean = dict.fromkeys(speakers, 0.0)
        evidence: list[tuple[float, RoleEvidence]] = []
        for (speaker, sign), count in counts.items():
            times = min(count, params.most)
            lean[speaker] += times * sign.log_odds
            found = RoleEvidence(speaker, sign.sign, sign.party, times)
            evidence.append((abs(times * sign.log_odds), found))
        opening = min(said, key=lambda each: each.start_s, default=None)
        if opening is not None and (
            first is not Party.UNKNOWN or not self._is_hello(opening)
        ):
            began = opening.speaker
            side = params.first if first is Party.UNKNOWN else params.told
            party = Party.AGENT if first is Party.UNKNOWN else first
            if began in lean:
                lean[began] += side * _SIDES[party.value]
                name = FIRST_TO_SPEAK if first is Party.UNKNOWN else TOLD
                evidence.append((side, RoleEvidence(began, name, party, 1)))
        by_lean = sorted(speakers, key=lambda speaker: lean[speaker])
        margin = lean[by_lean[1]] - lean[by_lean[0]]
        confidence = 1 / (1 + math.exp(-margin))
        evidence.sort(key=lambda pair: (-pair[0], pair[1].speaker, pair[1].sign))
        customer = by_lean[0] if confidence >= params.least_confidence else None
        return Roles(customer, confidence, tuple(found for _, found in evidence))

    def _is_hello(self, opening: Said) -> bool:
        """Tell whether somebody begins as whoever picks up a telephone does."""
        language = self._languages.get(opening.language)
        if language is None:
            return False
        plain = plain_text(opening.text, spaced=language.spaced, folds={}).text
        return language.hello.fullmatch(plain.strip()) is not None

    def _counts(self, said: Sequence[Said]) -> Counter[tuple[str, _Sign]]:
        counts: Counter[tuple[str, _Sign]] = Counter()
        for each in said:
            language = self._languages.get(each.language)
            if language is None:
                continue
            plain = plain_text(each.text, spaced=language.spaced, folds={}).text
            for sign in language.signs:
                if sign.pattern.search(plain):
                    counts[each.speaker, sign] += 1
        return counts


def load_role_reader(params: RoleParams | None = None) -> RoleReader:
    """Load the signs that are shipped, for English and Chinese.

    Raises:
        LexiconError: the data is damaged.
    """
    return RoleReader({code: _load(code) for code in _LANGUAGES}, params)


def _load(language: str) -> _Language:
    name = f"roles/{language}.toml"
    text = resources.files("emotion").joinpath("data", name).read_text("utf-8")
    try:
        data = tomllib.loads(text)
        signs = tuple(
            _Sign(
                sign["id"],
                Party(sign["party"]),
                sign["weight"] * _SIDES[sign["party"]],
                _compiled(sign["patterns"], spaced=data["spaced"]),
            )
            for sign in data["sign"]
        )
        hello = re.compile(data["hello"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise LexiconError(f"{name} cannot be used: {error}") from error
    except re.error as error:
        raise LexiconError(f"{name}: {error}") from error
    return _Language(bool(data["spaced"]), hello, signs)


def _compiled(patterns: Sequence[str], *, spaced: bool) -> re.Pattern[str]:
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    return re.compile(rf"\b(?:{joined})" if spaced else joined)
