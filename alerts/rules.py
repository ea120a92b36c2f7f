"""What a supervisor is told, when, and for how long: rules as data."""

import math
from dataclasses import dataclass, field

from alerts.errors import ParameterError
from alerts.events import Severity
from emotion.events import WordSign


@dataclass(frozen=True, slots=True)
class LevelStep:
    """A score that must last, and how serious that is.

    Attributes:
        severity: of the alert from this step on.
        score: the score that must be reached.
        hold_s: how long the score must stay there.
    """

    severity: Severity
    score: float
    hold_s: float


@dataclass(frozen=True, slots=True)
class LevelRule:
    """The score is high for a while: one alert, which the steps escalate.

    Attributes:
        rule: id of the rule.
        steps: from the lowest score up.
        calm: score at which the alert closes.
        calm_hold_s: how long the score must stay at `calm` or below.

    Raises:
        ParameterError: there is no step, the steps do not rise, or `calm` is not
            below the first one.
    """

    rule: str
    steps: tuple[LevelStep, ...]
    calm: float
    calm_hold_s: float

    def __post_init__(self) -> None:
        scores = [self.calm, *(step.score for step in self.steps)]
        if not self.steps or scores != sorted(set(scores)):
            raise ParameterError(
                f"rule {self.rule}: calm and the steps must rise, got {scores}"
            )


@dataclass(frozen=True, slots=True)
class RiseRule:
    """The score rises steeply.

    Attributes:
        rule: id of the rule.
        severity: of the alert.
        rise: points that it must rise.
        within_s: in how long.
        calm: score at which the alert closes.
        calm_hold_s: how long the score must stay at `calm` or below.
    """

    rule: str
    severity: Severity
    rise: float
    within_s: float
    calm: float
    calm_hold_s: float


@dataclass(frozen=True, slots=True)
class WordRule:
    """The customer says a certain thing, whatever the tone.

    Attributes:
        rule: id of the rule.
        sign: what the words are a sign of.
        severity: of the alert.
        close_after_s: how long after it was last said the alert closes; infinite
            where the matter stays open until the call ends.
    """

    rule: str
    sign: WordSign
    severity: Severity
    close_after_s: float = math.inf


@dataclass(frozen=True, slots=True)
class SilenceRule:
    """Nobody speaks while the customer is hostile; closes when somebody does.

    Attributes:
        rule: id of the rule.
        severity: of the alert.
        score: the score from which on the customer is hostile.
    """

    rule: str
    severity: Severity
    score: float


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a service, and how often they may speak; all adopted.

    Attributes:
        level: the score is high.
        rise: the score rises steeply.
        words: what was said.
        silence: nobody speaks.
        cool_down_s: how long after an alert closed its rule opens no other one.
        most_opened: how many alerts may be opened...
        within_s: ...in this time; critical ones are never held back.

    Raises:
        ParameterError: two rules have the same id, or a number is not positive.
    """

    level: LevelRule = LevelRule(
        "hostility",
        (
            LevelStep(Severity.WARNING, 40.0, 2.0),
            LevelStep(Severity.CRITICAL, 70.0, 2.0),
        ),
        calm=28.0,
        calm_hold_s=8.0,
    )
    rise: RiseRule = RiseRule(
        "steep_rise", Severity.NOTICE, rise=25.0, within_s=5.0, calm=28.0, calm_hold_s=8.0
    )
    words: tuple[WordRule, ...] = field(
        default=(
            WordRule(
                "third_party_threat", WordSign.THIRD_PARTY_THREAT, Severity.CRITICAL
            ),
            WordRule("public_threat", WordSign.PUBLIC_THREAT, Severity.WARNING),
            WordRule("churn", WordSign.CHURN, Severity.NOTICE),
            WordRule("supervisor_demanded", WordSign.SUPERVISOR, Severity.WARNING),
            WordRule(
                "repeated_contact",
                WordSign.REPEATED_CONTACT,
                Severity.NOTICE,
                close_after_s=120.0,
            ),
        )
    )
    silence: SilenceRule = SilenceRule("hostile_silence", Severity.NOTICE, 40.0)
    cool_down_s: float = 30.0
    most_opened: int = 4
    within_s: float = 60.0

    def __post_init__(self) -> None:
        ids = [self.level.rule, self.rise.rule, self.silence.rule]
        ids += [word.rule for word in self.words]
        if len(set(ids)) != len(ids):
            raise ParameterError(f"every rule needs an id of its own, got {ids}")
        if self.cool_down_s < 0 or self.most_opened < 1 or self.within_s <= 0:
            raise ParameterError(
                "cool_down_s is at least 0, most_opened at least 1 and within_s "
                "above 0"
            )
