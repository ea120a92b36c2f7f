from collections.abc import Iterable

import pytest

from alerts.conditions import Finding, condition_of
from alerts.events import Said, Severity
from alerts.ruleset import (
    NotSaidRule,
    OverlapRule,
    PhaseRule,
    Rule,
    SaidRule,
    SignRule,
    TierRule,
)
from audio.events import Overlapped
from audio.frame import Party
from emotion.events import (
    HostilityPoint,
    Phase,
    PhaseChanged,
    Tier,
    WordHit,
    WordReading,
    WordSign,
)

pytestmark = pytest.mark.unit

NOTICE = Severity.NOTICE


def feed(rule: Rule, events: Iterable[object]) -> list[Finding]:
    condition = condition_of(rule)
    return [finding for event in events for finding in condition.feed(event)]


def point(at_s: float, phase: Phase) -> HostilityPoint:
    return HostilityPoint(at_s, 50, 40, 60, phase, ())


def reading(*signs: WordSign, tier: Tier | None = None) -> WordReading:
    hits = tuple(WordHit(sign, 0, 1) for sign in signs)
    return WordReading(1, 2, 0.5, tier, hits, "en", "test")


def said(text: str, party: Party = Party.CUSTOMER) -> Said:
    return Said(party, text, 1.0, 2.0)


def test_a_phase_counts_once_it_has_lasted() -> None:
    rule = PhaseRule(id="x", phases=(Phase.PEAK,), hold_s=3, severity=NOTICE)

    assert feed(rule, [point(at, Phase.PEAK) for at in range(3)]) == []
    again = [point(0, Phase.PEAK), point(2, Phase.SLOW_DOWN), point(3, Phase.PEAK)]
    assert feed(rule, again) == []
    assert len(feed(rule, [point(at, Phase.PEAK) for at in range(4)])) == 1


def test_a_sign_can_be_asked_for_more_than_once() -> None:
    rule = SignRule(id="x", sign=WordSign.BLAME, count=2, severity=NOTICE)

    assert feed(rule, [reading(WordSign.BLAME), reading(WordSign.CHURN)]) == []
    assert len(feed(rule, [reading(WordSign.BLAME)] * 3)) == 2


def test_a_tier_is_found_by_itself_and_beside_a_higher_one() -> None:
    rule = TierRule(id="x", tier=Tier.PUBLIC, severity=NOTICE)
    both = reading(
        WordSign.PUBLIC_THREAT, WordSign.THIRD_PARTY_THREAT, tier=Tier.THIRD_PARTY
    )

    assert feed(rule, [reading(tier=Tier.THIRD_PARTY)]) == []
    (alone,) = feed(rule, [reading(tier=Tier.PUBLIC)])
    assert alone.evidence[0].code == WordSign.PUBLIC_THREAT
    assert len(feed(rule, [both])) == 1


def test_talking_over_each_other_counts_within_its_time() -> None:
    rule = OverlapRule(id="x", count=2, within_s=10, severity=NOTICE)

    assert feed(rule, [Overlapped(0, 1), Overlapped(20, 21)]) == []
    (found,) = feed(rule, [Overlapped(0, 1), Overlapped(5, 6)])
    assert found.evidence[0].value == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I want a REFUND now", True),
        ("refunds are nice", False),
        ("我要退款", True),
        ("我要refund。", True),
        ("nothing", False),
    ],
)
def test_words_are_found_whole_and_in_any_case(text: str, *, found: bool) -> None:
    rule = SaidRule(
        id="x", party=Party.CUSTOMER, words=("Refund", "退款"), severity=NOTICE
    )

    assert bool(feed(rule, [said(text)])) is found


def test_only_the_right_party_is_listened_to() -> None:
    rule = SaidRule(id="x", party=Party.AGENT, words=("no",), severity=NOTICE)

    assert feed(rule, [said("no")]) == []
    assert len(feed(rule, [said("no", Party.AGENT)])) == 1


def test_what_was_not_said_in_time_is_told_once() -> None:
    rule = NotSaidRule(
        id="x",
        party=Party.AGENT,
        words=("sorry",),
        after=Phase.TAKE_OFF,
        within_s=30,
        severity=NOTICE,
    )
    condition = condition_of(rule)
    rise = PhaseChanged(10, Phase.RATIONAL, Phase.TAKE_OFF, 50)

    assert list(condition.advance(100)) == []
    condition.feed(rise)
    assert list(condition.advance(39.9)) == []
    assert len(list(condition.advance(40))) == 1
    assert list(condition.advance(41)) == []
    condition.feed(said("I am sorry", Party.AGENT))
    assert condition.over
    condition.feed(rise)
    assert not condition.over


def test_what_was_said_in_time_is_not_told() -> None:
    rule = NotSaidRule(
        id="x",
        party=Party.AGENT,
        words=("你好", "您好"),
        after="start",
        within_s=10,
        severity=NOTICE,
    )
    silent, polite = condition_of(rule), condition_of(rule)
    polite.feed(said("您好", Party.AGENT))

    assert len(list(silent.advance(10))) == 1
    assert list(polite.advance(10)) == []
