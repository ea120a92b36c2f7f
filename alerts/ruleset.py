"""Rules as data: what a team wants its supervisors to see.

One set for each team, read from TOML (`load_rules` has the shipped one) or from
the JSON that the service keeps; both have the same keys.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from alerts.errors import RulesError
from alerts.events import Severity
from alerts.faults import Fault
from audio.frame import Party
from emotion.events import Phase, Tier, WordSign

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)

HELP = "help"
"""Id of the alert that an agent's call for help opens; no rule may have it."""

_Id = Annotated[str, Field(pattern=r"^[\w\- ]{1,40}$")]
_Score = Annotated[float, Field(ge=0.0, le=100.0)]
_Seconds = Annotated[float, Field(ge=0.0, le=3600.0)]
_Words = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=60)], ...],
    Field(min_length=1, max_length=50),
]


@dataclass(frozen=True, slots=True)
class Level:
    """A score that has to be held for a while to mean something.

    Attributes:
        score: at or above this.
        hold_s: for this long.
        severity: how serious that is.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    score: _Score
    hold_s: _Seconds
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What every rule has.

    Attributes:
        id: unique in its set; the shipped ids have names on the screens, another
            id is shown as it is written.
        enabled: whether the rule is on.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: _Id
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRule(_Rule):
    """The score is held. `levels` from lowest to highest; a higher one escalates."""

    kind: Literal["score"] = "score"
    levels: Annotated[tuple[Level, ...], Field(min_length=1, max_length=3)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlopeRule(_Rule):
    """The score rises by `points` within `within_s`, to at least `least`."""

    kind: Literal["slope"] = "slope"
    points: _Score
    within_s: _Seconds
    least: _Score
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRule(_Rule):
    """The customer stays in one of `phases` for `hold_s`."""

    kind: Literal["phase"] = "phase"
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    hold_s: _Seconds
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRule(_Rule):
    """The customer's words are a sign of something, in `count` utterances."""

    kind: Literal["sign"] = "sign"
    sign: WordSign
    count: Annotated[int, Field(ge=1, le=20)] = 1
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRule(_Rule):
    """The customer threatens to tell somebody of this tier."""

    kind: Literal["tier"] = "tier"
    tier: Tier
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceRule(_Rule):
    """Nobody speaks for long although the score is at least `score`."""

    kind: Literal["silence"] = "silence"
    score: _Score
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapRule(_Rule):
    """Both speak at once, `count` times within `within_s`."""

    kind: Literal["overlap"] = "overlap"
    count: Annotated[int, Field(ge=1, le=50)]
    within_s: _Seconds
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidRule(_Rule):
    """A party says one of `words`."""

    kind: Literal["said"] = "said"
    party: Party
    words: _Words
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSaidRule(_Rule):
    """A party has said none of `words` within `within_s` after something.

    Attributes:
        after: the phase whose beginning starts the time, or ``start`` for the
            beginning of the call.
    """

    kind: Literal["not_said"] = "not_said"
    party: Party
    words: _Words
    after: Phase | Literal["start"]
    within_s: _Seconds
    severity: Severity


Rule = (
    ScoreRule
    | SlopeRule
    | PhaseRule
    | SignRule
    | TierRule
    | SilenceRule
    | OverlapRule
    | SaidRule
    | NotSaidRule
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """The rules of a team, and what holds for all of its alerts. Times in seconds.

    Attributes:
        rules: in the order in which alerts that begin together are told.
        clear_score: below this an alert may close ...
        clear_s: ... once it has been so for this long.
        least_open_s: an alert stays at least this long.
        cooldown_s: from the end of an alert to the next of its rule.
        cap: alerts below critical at most, within `cap_s`.
        cap_s: see `cap`.
        escalate_s: an alert that nobody takes for this long escalates; 0: none does.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    rules: tuple[Annotated[Rule, Field(discriminator="kind")], ...]
    clear_score: _Score = 35.0
    clear_s: _Seconds = 10.0
    least_open_s: _Seconds = 20.0
    cooldown_s: _Seconds = 60.0
    cap: Annotated[int, Field(ge=0, le=1000)] = 6
    cap_s: _Seconds = 300.0
    escalate_s: _Seconds = 60.0

    def __post_init__(self) -> None:
        ids = [rule.id for rule in self.rules]
        if len(set(ids)) < len(ids) or HELP in ids:
            raise PydanticCustomError(
                "rule_ids",
                "every rule needs an id of its own, not '{reserved}'",
                {"reserved": HELP},
            )
        for rule in self.rules:
            if isinstance(rule, ScoreRule):
                scores = [level.score for level in rule.levels]
                if scores != sorted(scores) or self.clear_score >= scores[0]:
                    raise PydanticCustomError(
                        "rule_levels",
                        "levels must rise and begin above clear_score, "
                        "got {levels} and {clear_score}",
                        {"levels": str(scores), "clear_score": self.clear_score},
                    )


_ADAPTER: TypeAdapter[RuleSet] = TypeAdapter(RuleSet)


def read_rules(data: Mapping[str, Any]) -> RuleSet:
    """Read a rule set from TOML's or JSON's values, with the rules under ``rule``.

    Raises:
        RulesError: it is not a rule set; the message says where and why.
    """
    values = dict(data)
    values["rules"] = values.pop("rule", [])
    try:
        return _ADAPTER.validate_python(values)
    except ValidationError as error:
        raise RulesError(Fault.first(error)) from None


def rules_to_json(rules: RuleSet) -> dict[str, Any]:
    """Return `rules` as values that `read_rules` reads."""
    values: dict[str, Any] = _ADAPTER.dump_python(rules, mode="json")
    values["rule"] = values.pop("rules")
    return values


@cache
def load_rules() -> RuleSet:
    """Read the shipped rules."""
    text = (files("alerts") / "data" / "rules.toml").read_text(encoding="utf-8")
    return read_rules(tomllib.loads(text))
