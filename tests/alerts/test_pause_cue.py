import random
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.events import (
    CueArmed,
    CueCounting,
    CueEnd,
    CueFollowed,
    CueIgnored,
    CueReleased,
    CueWithdrawn,
)
from alerts.pause_cue import CueEvent, PauseCue, PauseCueParams
from alerts.playbook import Line
from audio.events import SpeechEnded, SpeechStarted
from audio.frame import Party
from emotion.events import Forecast, HostilityPoint, Phase, PhaseChanged

pytestmark = pytest.mark.unit

LINE = Line("feel", "I can see why.", "en")
HANGOVER_S = 0.6


@dataclass(frozen=True)
class Said:
    """One stretch of speech in a made-up call."""

    party: Party
    start_s: float
    end_s: float


def customer(start_s: float, end_s: float) -> Said:
    return Said(Party.CUSTOMER, start_s, end_s)


def agent(start_s: float, end_s: float) -> Said:
    return Said(Party.AGENT, start_s, end_s)


def events_of(said: Iterable[Said]) -> list[tuple[float, object]]:
    """Speech events with the time at which they are known."""
    events: list[tuple[float, object]] = []
    for item in said:
        start = SpeechStarted(item.party, item.start_s)
        end = SpeechEnded(item.party, item.start_s, item.end_s)
        events += [(item.start_s, start), (item.end_s + HANGOVER_S, end)]
    return events


def run(
    said: Iterable[Said], others: Iterable[tuple[float, object]], until_s: float
) -> list[CueEvent]:
    cue = PauseCue(PauseCueParams(), lambda: LINE)
    events = sorted(
        [*events_of(said), *others], key=lambda known: (known[0], str(known[1]))
    )
    told: list[CueEvent] = []
    for step in range(round(until_s * 10)):
        now_s = step / 10
        while events and events[0][0] <= now_s:
            cue.feed(events.pop(0)[1])
        told += cue.advance(now_s)
    return told + cue.flush(until_s)


def forecast(at_s: float, p: float) -> tuple[float, object]:
    return at_s, Forecast(at_s, p, 30.0)


def kinds(told: Iterable[CueEvent]) -> list[type]:
    return [type(event) for event in told]


LOOMS = [forecast(5.0, 0.8)]


def test_the_cue_goes_through_its_three_moments_and_is_followed() -> None:
    told = run([customer(2, 10), agent(16, 20)], LOOMS, 22)

    assert told == [
        CueArmed("c1", 5.0, 0.8),
        CueCounting("c1", 10, 15),
        CueReleased("c1", 15.0, "feel", "I can see why.", "en"),
        CueFollowed("c1", 17.0, 6),
    ]


@pytest.mark.parametrize(("score", "n_cues"), [(62.0, 1), (84.0, 2)])
def test_who_calms_by_themselves_gets_no_second_cue(score: float, n_cues: int) -> None:
    hot = [
        (1.0, PhaseChanged(1.0, Phase.RATIONAL, Phase.PEAK, 86)),
        (4.0, HostilityPoint(4.0, 86, 80, 90, Phase.PEAK, ())),
        (36.0, HostilityPoint(36.0, 86, 80, 90, Phase.PEAK, ())),
        (40.0, HostilityPoint(40.0, score, 60, 90, Phase.PEAK, ())),
    ]

    told = run([customer(2, 10), agent(16, 20), customer(40, 44)], hot, 43)

    assert kinds(told).count(CueArmed) == n_cues


def test_an_answer_within_the_pause_is_noted() -> None:
    told = run([customer(2, 10), agent(11.5, 20)], LOOMS, 22)

    assert kinds(told) == [CueArmed, CueCounting, CueIgnored]
    assert told[-1] == CueIgnored("c1", 12.5, 1.5)


def test_a_pause_half_a_second_short_still_counts() -> None:
    told = run([customer(2, 10), agent(14.6, 20)], LOOMS, 22)

    assert isinstance(told[-1], CueFollowed)
    assert told[-1].pause_s == pytest.approx(4.6)
    assert CueReleased not in kinds(told)


def test_a_back_channel_is_no_answer() -> None:
    told = run([customer(2, 10), agent(11, 11.3), agent(16, 19)], LOOMS, 22)

    assert isinstance(told[-1], CueFollowed)


def test_a_customer_who_speaks_again_arms_the_same_cue_again() -> None:
    told = run([customer(2, 10), customer(12, 14), agent(20, 22)], LOOMS, 24)

    assert [event.cue_id for event in told] == ["c1"] * len(told)
    assert kinds(told) == [
        CueArmed,
        CueCounting,
        CueArmed,
        CueCounting,
        CueReleased,
        CueFollowed,
    ]
    assert told[3] == CueCounting("c1", 14, 19)


def test_a_customer_who_goes_on_after_the_release_arms_it_again() -> None:
    told = run([customer(2, 10), customer(16, 18)], LOOMS, 20)

    assert kinds(told)[2:5] == [CueReleased, CueArmed, CueCounting]


def test_an_agent_who_talks_on_over_the_customer_did_not_pause() -> None:
    told = run([customer(2, 10), agent(9, 14)], LOOMS, 16)

    assert told[-1] == CueIgnored("c1", 11.0, 0)


def test_an_agent_who_only_interrupted_briefly_can_still_pause() -> None:
    told = run([customer(2, 10), agent(9, 10.2), agent(16, 18)], LOOMS, 20)

    assert isinstance(told[-1], CueFollowed)


def test_the_cue_is_withdrawn_when_escalation_no_longer_looms() -> None:
    told = run([customer(2, 15)], [forecast(5.0, 0.8), forecast(8.0, 0.1)], 16)

    assert told == [
        CueArmed("c1", 5.0, 0.8),
        CueWithdrawn("c1", 8.0, CueEnd.CALMED),
    ]


def test_it_is_withdrawn_in_the_middle_of_the_count_too() -> None:
    told = run([customer(2, 6)], [forecast(5.0, 0.8), forecast(8.0, 0.1)], 16)

    assert kinds(told) == [CueArmed, CueCounting, CueWithdrawn]


def test_a_line_nobody_says_expires() -> None:
    told = run([customer(2, 10)], LOOMS, 40)

    assert told[-1] == CueWithdrawn("c1", 30.0, CueEnd.EXPIRED)


def test_a_call_that_ends_takes_the_cue_back() -> None:
    told = run([customer(2, 10)], LOOMS, 12)

    assert told[-1] == CueWithdrawn("c1", 12, CueEnd.CALL_ENDED)


def test_a_phase_that_takes_off_arms_whatever_the_forecast() -> None:
    changed = PhaseChanged(5.0, Phase.RATIONAL, Phase.TAKE_OFF, 55.0)

    told = run([customer(2, 10)], [(5.0, changed)], 7)

    assert kinds(told) == [CueArmed, CueWithdrawn]


def test_a_customer_who_slows_down_is_left_in_peace() -> None:
    slows = PhaseChanged(5.0, Phase.PEAK, Phase.SLOW_DOWN, 55.0)

    assert run([customer(2, 10)], [(5.0, slows), forecast(6.0, 0.9)], 12) == []
    armed_first = run([customer(2, 10)], [forecast(4.0, 0.9), (5.0, slows)], 12)
    assert kinds(armed_first) == [CueArmed, CueWithdrawn]


def test_nothing_is_armed_when_the_customer_has_long_been_silent() -> None:
    assert run([customer(0, 1)], LOOMS, 20) == []


def test_nothing_is_armed_while_the_agent_answers() -> None:
    assert run([customer(0, 4.5), agent(4.8, 12)], [forecast(5.5, 0.8)], 12) == []


def test_a_customer_who_has_just_stopped_is_counted_at_once() -> None:
    told = run([customer(0, 4)], LOOMS, 5.1)

    assert told[:2] == [CueArmed("c1", 5.0, 0.8), CueCounting("c1", 4, 9)]


def test_a_cue_waits_for_what_a_new_turn_brings() -> None:
    peaks = (5.0, PhaseChanged(5.0, Phase.TAKE_OFF, Phase.PEAK, 75.0))
    calms = (36.5, PhaseChanged(36.5, Phase.PEAK, Phase.SLOW_DOWN, 50.0))
    said = [customer(2, 10), agent(10.5, 35), customer(36, 50)]

    still_angry = run(said, [peaks], 40)
    calming = run(said, [peaks, calms], 40)

    armed = [event.at_s for event in still_angry if isinstance(event, CueArmed)]
    assert armed == [5.0, 37.0]
    assert kinds(calming).count(CueArmed) == 1


def test_there_is_one_cue_in_thirty_seconds() -> None:
    told = run(
        [customer(2, 10), agent(10.5, 13), customer(14, 60)], [forecast(5.0, 0.9)], 61
    )

    armed = [event.at_s for event in told if isinstance(event, CueArmed)]
    assert armed == [5.0, 35.0]


@given(st.integers(0, 2**32))
def test_whatever_happens_the_cue_keeps_its_order(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - no secret
    said: list[Said] = []
    for party in (Party.CUSTOMER, Party.AGENT):
        at_s = 0.0
        while at_s < 150:
            start_s = at_s + rng.uniform(0.7, 8)
            at_s = start_s + rng.uniform(0.2, 12)
            said.append(Said(party, start_s, at_s))
    others = [forecast(float(at_s), rng.random()) for at_s in range(0, 160, 3)]

    told = run(said, others, 170)

    allowed: dict[type | None, set[type]] = {
        None: {CueArmed},
        CueArmed: {CueCounting, CueIgnored, CueFollowed, CueWithdrawn},
        CueCounting: {CueArmed, CueReleased, CueIgnored, CueFollowed, CueWithdrawn},
        CueReleased: {CueArmed, CueFollowed, CueWithdrawn},
    }
    state: type | None = None
    first_s: dict[str, float] = {}
    for event in told:
        assert type(event) in allowed[state]
        if isinstance(event, CueArmed):
            first_s.setdefault(event.cue_id, event.at_s)
        over = isinstance(event, CueFollowed | CueIgnored | CueWithdrawn)
        state = None if over else type(event)
    starts = list(first_s.values())
    assert all(late - early > 29.9 for early, late in pairwise(starts))
    assert state is None


def test_events_of_no_interest_are_ignored() -> None:
    cue = PauseCue(PauseCueParams(), lambda: LINE)

    cue.feed(LINE)

    assert cue.advance(1.0) == []
    assert cue.flush(2.0) == []


@pytest.mark.parametrize(
    ("arm_p", "calm_p", "tolerance_s"), [(0.3, 0.6, 0.5), (0.6, 0.3, 5.0)]
)
def test_impossible_parameters_are_refused(
    arm_p: float, calm_p: float, tolerance_s: float
) -> None:
    with pytest.raises(ValueError, match="expected"):
        PauseCueParams(arm_p=arm_p, calm_p=calm_p, tolerance_s=tolerance_s)
