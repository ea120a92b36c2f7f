from collections.abc import Iterable
from dataclasses import replace

import pytest

from alerts.errors import UnknownAlertError
from alerts.events import (
    AlertAcknowledged,
    AlertClosed,
    AlertEnd,
    AlertEscalated,
    AlertOpened,
    AlertReopened,
    AlertSnoozed,
    Escalation,
    HelpAsked,
    HelpReason,
    Severity,
)
from alerts.rules import AlertEvent, RuleEngine
from alerts.ruleset import Level, RuleSet, ScoreRule, SignRule, load_rules
from audio.events import LongSilence, SpeechStarted
from audio.frame import Party
from emotion.events import (
    Evidence,
    HostilityPoint,
    Phase,
    Source,
    WordHit,
    WordReading,
    WordSign,
)

pytestmark = pytest.mark.unit

SHIPPED = load_rules()
WHY = (Evidence(Source.VOICE, "voice_anger", 30.0, 0.8, 0.0, 1.0),)


def follow(
    scores: Iterable[float],
    engine: RuleEngine | None = None,
    start_s: int = 0,
) -> list[AlertEvent]:
    """One score a second."""
    engine = engine or RuleEngine(SHIPPED)
    told: list[AlertEvent] = []
    for at_s, score in enumerate(scores, start_s):
        engine.feed(HostilityPoint(at_s, score, score, score, Phase.RATIONAL, WHY))
        told += engine.advance(at_s)
    return told


def words(*signs: WordSign, at_s: float = 1.0) -> WordReading:
    hits = tuple(WordHit(sign, 0, 1) for sign in signs)
    return WordReading(at_s, at_s + 1, 0.5, None, hits, "en", "test")


def slowly(to: float, seconds: int = 20) -> list[float]:
    return [to * step / seconds for step in range(seconds + 1)]


def test_a_held_score_opens_an_alert_with_its_evidence() -> None:
    told = follow([*slowly(49), 55, 55, 55, 55])

    assert told == [AlertOpened("a1", "hostility", Severity.WARNING, 23, WHY)]


def test_one_high_second_opens_nothing() -> None:
    assert follow([*slowly(40), 60, 40, 60, 40, 40]) == []


def test_a_higher_score_escalates_the_same_alert() -> None:
    told = follow([*slowly(80, 60), 80, 80, 80, 80])

    assert [type(event) for event in told] == [AlertOpened, AlertEscalated]
    assert isinstance(told[1], AlertEscalated)
    assert (told[1].alert_id, told[1].severity) == ("a1", Severity.CRITICAL)


def test_an_alert_closes_when_the_customer_has_calmed_for_a_while() -> None:
    told = follow([*slowly(60, 30), *[60] * 5, *[40] * 20, *[20] * 15])

    assert [type(event) for event in told] == [AlertOpened, AlertClosed]
    assert told[1] == AlertClosed("a1", AlertEnd.CALMED, 66)


def test_a_score_between_the_thresholds_keeps_it_open() -> None:
    told = follow([*slowly(60, 30), *[40] * 50])

    assert [type(event) for event in told] == [AlertOpened]


def test_a_steep_rise_is_noticed_before_the_score_is_held() -> None:
    told = follow([10, 10, 12, 46, 46])

    assert told == [AlertOpened("a1", "slope", Severity.NOTICE, 4, WHY)]


@pytest.mark.parametrize(
    ("sign", "severity"),
    [
        (WordSign.THIRD_PARTY_THREAT, Severity.CRITICAL),
        (WordSign.PUBLIC_THREAT, Severity.WARNING),
        (WordSign.CHURN, Severity.NOTICE),
        (WordSign.SUPERVISOR, Severity.WARNING),
        (WordSign.REPEATED_CONTACT, Severity.NOTICE),
    ],
)
def test_some_words_alert_whatever_the_tone(sign: WordSign, severity: Severity) -> None:
    engine = RuleEngine(SHIPPED)
    engine.feed(words(sign))

    (opened,) = engine.advance(2.5)

    assert isinstance(opened, AlertOpened)
    assert (opened.rule, opened.severity) == (sign, severity)
    assert (opened.evidence[0].code, opened.evidence[0].start_s) == (sign, 1.0)


def test_the_same_words_again_join_the_open_alert() -> None:
    engine = RuleEngine(SHIPPED)
    engine.feed(words(WordSign.CHURN))
    engine.feed(words(WordSign.CHURN))
    first = engine.advance(2)
    engine.feed(words(WordSign.CHURN))

    assert len(first) == 1
    assert engine.advance(3) == []


def test_a_rule_cools_down_after_its_alert_unless_it_is_critical() -> None:
    engine = RuleEngine(SHIPPED)
    engine.feed(words(WordSign.CHURN, WordSign.THIRD_PARTY_THREAT))
    follow([0] * 40, engine)
    engine.feed(words(WordSign.CHURN, WordSign.THIRD_PARTY_THREAT))

    told = engine.advance(41)

    assert [event.rule for event in told if isinstance(event, AlertOpened)] == [
        "third_party_threat"
    ]


def test_there_are_not_more_alerts_than_the_cap() -> None:
    rules = tuple(
        SignRule(id=sign, sign=sign, severity=Severity.NOTICE) for sign in WordSign
    )
    engine = RuleEngine(RuleSet(rules=rules, cap=3))
    engine.feed(words(*WordSign))

    assert len(engine.advance(1)) == 3
    follow([0] * 30, engine, start_s=2)
    engine.feed(words(*WordSign))
    later = engine.advance(400)
    assert sum(isinstance(event, AlertOpened) for event in later) == 3


def test_silence_matters_only_on_a_hostile_call() -> None:
    calm, hostile = RuleEngine(SHIPPED), RuleEngine(SHIPPED)
    follow([10] * 5, calm)
    follow([42] * 5, hostile)
    for engine in (calm, hostile):
        engine.feed(LongSilence(4.0))

    assert calm.advance(14) == []
    (opened,) = hostile.advance(14)
    assert isinstance(opened, AlertOpened)
    assert opened.rule == "silence"
    hostile.feed(SpeechStarted(Party.AGENT, 40.0))
    assert hostile.advance(40) == [AlertClosed("a1", AlertEnd.CALMED, 40)]


def test_an_alert_is_acknowledged_once_and_waits_again_when_it_escalates() -> None:
    engine = RuleEngine(SHIPPED)
    follow(slowly(60, 30), engine)
    assert engine.waiting == {"a1"}

    taken = engine.acknowledge("a1", "Mia", 31.0)

    assert taken == AlertAcknowledged("a1", "Mia", 31.0)
    assert engine.waiting == frozenset()
    with pytest.raises(UnknownAlertError, match="a1"):
        engine.acknowledge("a1", "Mia", 32.0)
    follow([80] * 5, engine, start_s=33)
    assert engine.waiting == {"a1"}


def test_a_rise_that_its_own_alert_tells_is_not_told_twice() -> None:
    told = follow([*[0] * 10, *[60] * 5, 95, 95])

    rules = [event.rule for event in told if isinstance(event, AlertOpened)]
    assert rules == ["slope", "hostility"]
    at_once = ScoreRule(id="hostility", levels=(Level(40, 0, Severity.WARNING),))
    engine = RuleEngine(
        replace(SHIPPED, rules=(at_once, *SHIPPED.rules[1:]), clear_score=35)
    )
    told = follow([10, 42, 90, 90], engine)
    assert [event.rule for event in told if isinstance(event, AlertOpened)] == [
        "hostility"
    ]


def test_events_of_no_interest_are_ignored() -> None:
    engine = RuleEngine(SHIPPED)

    engine.feed(AlertAcknowledged("a1", "Mia", 1.0))

    assert engine.advance(2.0) == []


def test_the_end_of_the_call_closes_every_alert() -> None:
    engine = RuleEngine(SHIPPED)
    engine.feed(words(WordSign.CHURN, WordSign.SUPERVISOR))
    engine.advance(2)

    told = engine.flush(9.0)

    assert [event.reason for event in told if isinstance(event, AlertClosed)] == [
        AlertEnd.CALL_ENDED,
        AlertEnd.CALL_ENDED,
    ]
    assert engine.waiting == frozenset()


def test_an_alert_that_was_snoozed_waits_again_when_its_time_is_up() -> None:
    engine = RuleEngine(SHIPPED)
    follow(slowly(60, 30), engine)

    assert engine.snooze("a1", "Mia", 31.0, 61.0) == AlertSnoozed("a1", "Mia", 31, 61)

    assert engine.waiting == frozenset()
    assert follow([60] * 29, engine, start_s=32) == []
    assert engine.advance(61) == [AlertReopened("a1", 61)]
    assert engine.waiting == {"a1"}


def test_a_snoozed_alert_that_escalates_wakes_at_once_and_only_once() -> None:
    engine = RuleEngine(SHIPPED)
    follow(slowly(60, 30), engine)
    engine.snooze("a1", "Mia", 31.0, 40.0)

    told = follow([80] * 20, engine, start_s=32)

    assert [type(event) for event in told] == [AlertEscalated]


def test_an_alert_closed_by_hand_comes_back_only_for_something_worse() -> None:
    engine = RuleEngine(SHIPPED)
    follow(slowly(60, 30), engine)
    closed = engine.close("a1", AlertEnd.FALSE_ALARM, 31.0, by="Mia", text="a joke")

    assert closed == AlertClosed("a1", AlertEnd.FALSE_ALARM, 31.0, "Mia", "a joke")
    assert follow([60] * 10, engine, start_s=32) == []
    worse = follow([80] * 5, engine, start_s=42)
    assert [type(event) for event in worse] == [AlertOpened]
    engine.close("a2", AlertEnd.RESOLVED, 50.0, by="Mia")
    assert follow([80] * 20, engine, start_s=51) == []


def test_what_is_not_open_cannot_be_snoozed_or_closed() -> None:
    engine = RuleEngine(SHIPPED)

    with pytest.raises(UnknownAlertError, match="a1"):
        engine.snooze("a1", "Mia", 1.0, 2.0)
    with pytest.raises(UnknownAlertError, match="a1"):
        engine.close("a1", AlertEnd.RESOLVED, 1.0, by="Mia")


def test_a_call_for_help_is_critical_and_stays_until_somebody_closes_it() -> None:
    engine = RuleEngine(SHIPPED)
    engine.feed(HelpAsked(HelpReason.ABUSE, "", "a7"))

    assert engine.advance(1.0) == [AlertOpened("a1", "help", Severity.CRITICAL, 1, ())]
    assert follow([0] * 50, engine) == []
    engine.acknowledge("a1", "Mia", 101.0)
    engine.feed(HelpAsked(HelpReason.THREAT, "", "a7"))
    assert engine.advance(102.0) == [AlertReopened("a1", 102.0)]
    engine.feed(HelpAsked(HelpReason.THREAT, "", "a7"))
    assert engine.advance(103.0) == []


def test_an_agent_can_take_a_call_for_help_back() -> None:
    engine = RuleEngine(SHIPPED)
    assert engine.withdraw_help("a7", 1.0) == []
    engine.feed(HelpAsked(HelpReason.OTHER, "", "a7"))
    engine.advance(1.0)

    told = engine.withdraw_help("a7", 2.0)

    assert told == [AlertClosed("a1", AlertEnd.WITHDRAWN, 2.0, "a7")]
    engine.feed(HelpAsked(HelpReason.OTHER, "", "a7"))
    assert len(engine.advance(3.0)) == 1


def test_a_rule_that_is_off_finds_nothing() -> None:
    off = tuple(replace(rule, enabled=False) for rule in SHIPPED.rules)
    engine = RuleEngine(replace(SHIPPED, rules=off))
    engine.feed(words(WordSign.CHURN))

    assert follow([*slowly(90)] + [90] * 5, engine) == []


def test_an_alert_that_nobody_takes_escalates_once() -> None:
    opened = 27

    told = follow([*slowly(60, 30), *[60] * 200])

    assert isinstance(told[0], AlertOpened)
    assert told[0].at_s == opened
    untaken = AlertEscalated(
        "a1", Severity.CRITICAL, opened + 60, told[0].evidence, Escalation.UNTAKEN
    )
    assert told[1:] == [untaken]


def test_what_is_critical_is_told_once_more_when_nobody_takes_it() -> None:
    engine = RuleEngine(SHIPPED)
    engine.feed(HelpAsked(HelpReason.ABUSE, "", "a7"))
    engine.advance(1.0)

    assert engine.advance(60.9) == []
    assert engine.advance(61.0) == [
        AlertEscalated("a1", Severity.CRITICAL, 61.0, (), Escalation.UNTAKEN)
    ]


def test_an_alert_somebody_took_does_not_escalate_by_itself() -> None:
    engine = RuleEngine(SHIPPED)
    engine.feed(HelpAsked(HelpReason.ABUSE, "", "a7"))
    engine.advance(1.0)
    engine.acknowledge("a1", "Kim", 30.0)

    assert engine.advance(500.0) == []


def test_a_snoozed_alert_waits_anew_from_when_its_snooze_is_over() -> None:
    engine = RuleEngine(SHIPPED)
    engine.feed(HelpAsked(HelpReason.ABUSE, "", "a7"))
    engine.advance(1.0)
    engine.snooze("a1", "Kim", 30.0, 100.0)

    assert engine.advance(100.0) == [AlertReopened("a1", 100.0)]
    assert engine.advance(159.9) == []
    assert [type(event) for event in engine.advance(160.0)] == [AlertEscalated]


def test_what_got_worse_is_told_although_it_had_escalated_by_itself() -> None:
    engine = RuleEngine(SHIPPED)
    follow([*slowly(60, 30), *[60] * 80], engine)
    engine.acknowledge("a1", "Kim", 111.0)

    told = follow([80] * 5, engine, start_s=112)

    assert [(type(event), event.at_s) for event in told] == [(AlertEscalated, 115)]
    assert isinstance(told[0], AlertEscalated)
    assert told[0].reason is Escalation.WORSE


def test_a_team_may_want_no_alert_to_escalate_by_itself() -> None:
    engine = RuleEngine(replace(SHIPPED, escalate_s=0.0))

    told = follow([*slowly(60, 30), *[60] * 200], engine)

    assert [type(event) for event in told] == [AlertOpened]
