"""Rules tried on a stored log tell what they told, or would have told, live."""

from dataclasses import replace

import pytest

from alerts.events import AlertOpened, HelpAsked, HelpReason
from alerts.ruleset import load_rules
from emotion.events import HostilityPoint, Phase, WordHit, WordReading, WordSign
from server.events import Event, LogEntry, WordsRead
from server.try_rules import would_open

pytestmark = pytest.mark.unit


def log(*events: tuple[float, Event]) -> list[LogEntry]:
    return [LogEntry(seq, at_s, event) for seq, (at_s, event) in enumerate(events, 1)]


def rise() -> list[tuple[float, Event]]:
    scores = [20, 30, 40, 48, 55, 60, 62, 64, 80, 82, 84, 86]
    return [
        (float(at), HostilityPoint(at, score, score, score, Phase.RATIONAL, ()))
        for at, score in enumerate(scores)
    ]


def test_the_shipped_rules_open_on_a_log_what_they_opened_live() -> None:
    reading = WordReading(
        3, 4, 0.5, None, (WordHit(WordSign.CHURN, 0, 1),), "en", "test"
    )
    entries = log(*rise(), (12.0, WordsRead("u1", reading)))

    told = would_open(load_rules(), entries)

    assert [(alert.rule, alert.at_s) for alert in told] == [
        ("slope", 5.0),
        ("hostility", 6.0),
        ("churn", 12.0),
    ]


def test_another_threshold_gives_another_answer() -> None:
    rules = load_rules()
    calm = replace(
        rules, rules=tuple(r for r in rules.rules if r.kind not in ("score", "slope"))
    )

    assert would_open(calm, log(*rise())) == []


def test_what_only_time_brings_is_found_between_two_entries() -> None:
    rules = load_rules()
    polite = tuple(
        replace(rule, enabled=True, after="start", within_s=30.0)
        for rule in rules.rules
        if rule.kind == "not_said"
    )
    points = [
        (float(at), HostilityPoint(at, 5, 5, 5, Phase.RATIONAL, ())) for at in (0, 100)
    ]

    (alert,) = would_open(replace(rules, rules=polite), log(*points))

    assert (alert.rule, alert.at_s) == ("no_apology", 30.0)


def test_a_call_for_help_is_no_matter_of_rules() -> None:
    asked = HelpAsked(HelpReason.ABUSE, "", "a7")

    told = would_open(load_rules(), log((1.0, asked)))

    assert [alert for alert in told if isinstance(alert, AlertOpened)] == []
