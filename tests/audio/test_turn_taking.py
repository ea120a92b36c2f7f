import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.errors import PartyError
from audio.events import (
    Interrupted,
    LongSilence,
    Overlapped,
    Responded,
    SpeechEnded,
    SpeechStarted,
    TurnTakingEvent,
)
from audio.frame import Party
from audio.turn_taking import TurnTaking, TurnTakingParams

pytestmark = pytest.mark.unit

CUSTOMER, AGENT = Party.CUSTOMER, Party.AGENT
DEFAULTS = TurnTakingParams()
# Binary fractions, so that exact ties are ties.
PARAMS = TurnTakingParams(
    backchannel_s=0.75, surely_s=0.75, yield_s=0.25, long_silence_s=10.0, hangover_s=0.5
)
STEP_S = 0.125
CONFIRMED_AFTER_S = 0.25

Speech = tuple[Party, float, float]


def play(
    speech: list[Speech], until_s: float = 30.0, *, agent_first: bool = False
) -> list[tuple[float, TurnTakingEvent]]:
    """Feed what an endpointer would tell of `speech`; return what was told, and when.

    Starts come a little late and ends one hangover late, as in a call.
    """
    due: list[tuple[float, SpeechStarted | SpeechEnded]] = []
    for party, start_s, end_s in speech:
        start_at_s = start_s + CONFIRMED_AFTER_S
        due.append((start_at_s, SpeechStarted(party, start_s)))
        due.append((end_s + PARAMS.hangover_s, SpeechEnded(party, start_s, end_s)))
    due.sort(key=lambda item: (item[0], (item[1].party is AGENT) != agent_first))
    turns = TurnTaking(PARAMS)
    told = []
    for step in range(round(until_s / STEP_S) + 1):
        now_s = step * STEP_S
        events: list[TurnTakingEvent] = []
        while due and due[0][0] <= now_s:
            events += turns.feed(due.pop(0)[1])
        events += turns.advance(now_s)
        told += [(now_s, event) for event in events]
    return told


def events_of(speech: list[Speech], until_s: float = 9.0) -> list[TurnTakingEvent]:
    return [event for _, event in play(speech, until_s)]


def test_an_answer_after_a_pause_has_its_latency() -> None:
    events = events_of([(CUSTOMER, 0, 2), (AGENT, 3.5, 5)])

    assert events == [Responded(AGENT, 1.5, 3.5)]


def test_an_answer_within_the_hangover_is_told_when_the_end_is_certain() -> None:
    told = play([(CUSTOMER, 0, 2), (AGENT, 2.25, 5)], until_s=9)

    assert told == [(2.5, Responded(AGENT, 0.25, 2.25))]


def test_an_answer_without_a_gap_has_no_latency() -> None:
    assert events_of([(CUSTOMER, 0, 2), (AGENT, 2, 5)]) == [Responded(AGENT, 0, 2)]


def test_a_party_who_goes_on_answers_nobody() -> None:
    assert events_of([(CUSTOMER, 0, 2), (CUSTOMER, 3, 5)]) == []


def test_the_first_who_speaks_answers_nobody() -> None:
    assert events_of([(AGENT, 1, 4)]) == []


def test_a_turn_change_in_a_short_overlap_is_nothing() -> None:
    assert events_of([(CUSTOMER, 0, 2), (AGENT, 1.875, 5)]) == []


def test_a_backchannel_is_nothing() -> None:
    assert events_of([(CUSTOMER, 0, 5), (AGENT, 2, 2.7)]) == []


@pytest.mark.parametrize(("supports", "told"), [(True, []), (False, [AGENT])])
def test_the_words_of_a_short_speech_tell_what_it_was(
    *, supports: bool, told: list[Party]
) -> None:
    turns = TurnTaking(replace(PARAMS, surely_s=2.0))
    turns.feed(SpeechStarted(CUSTOMER, 0))
    turns.feed(SpeechStarted(AGENT, 3.5))
    turns.feed(SpeechEnded(CUSTOMER, 0, 4))

    assert turns.advance(5.25) == []
    assert turns.feed(SpeechEnded(AGENT, 3.5, 5)) == []
    assert turns.feed_words(CUSTOMER, 0, 4.25, supports=False) == []
    assert turns.feed_words(AGENT, 0.5, 1.5, supports=False) == []
    events = turns.feed_words(AGENT, 3.25, 5.25, supports=supports)
    assert events == [Interrupted(party, 3.5) for party in told]
    assert turns.feed_words(AGENT, 3.25, 5.25, supports=False) == []


def test_a_long_speech_is_no_backchannel_whatever_is_said() -> None:
    turns = TurnTaking(replace(PARAMS, surely_s=2.0))
    turns.feed(SpeechStarted(CUSTOMER, 0))
    turns.feed(SpeechStarted(AGENT, 3.5))
    turns.feed(SpeechEnded(CUSTOMER, 0, 4))

    assert turns.advance(5.9) == []
    assert turns.advance(6) == [Interrupted(AGENT, 3.5)]
    assert turns.feed(SpeechEnded(AGENT, 3.5, 6)) == []
    assert turns.feed_words(AGENT, 3.25, 6.25, supports=True) == []


def test_who_begins_before_the_other_ends_and_goes_on_has_interrupted() -> None:
    told = play([(CUSTOMER, 0, 4), (AGENT, 3.5, 7)], until_s=9)

    assert told == [(4.75, Interrupted(AGENT, 3.5))]


def test_an_interruption_is_certain_when_a_short_speech_has_ended() -> None:
    turns = TurnTaking(PARAMS)
    turns.feed(SpeechStarted(CUSTOMER, 0))
    turns.feed(SpeechStarted(AGENT, 3.5))

    assert turns.feed(SpeechEnded(CUSTOMER, 0, 4)) == []
    assert turns.feed(SpeechEnded(AGENT, 3.5, 4.5)) == [Interrupted(AGENT, 3.5)]
    assert turns.advance(10) == []


def test_an_interruption_is_told_once() -> None:
    told = play([(CUSTOMER, 0, 4), (AGENT, 3.5, 7), (CUSTOMER, 6, 6.5)], until_s=9)

    assert told == [(4.75, Interrupted(AGENT, 3.5))]


def test_a_backchannel_over_the_end_of_speech_is_no_interruption() -> None:
    assert events_of([(CUSTOMER, 0, 4), (AGENT, 3.625, 4.25)]) == []


def test_speech_that_ends_with_the_others_has_not_taken_the_floor() -> None:
    events = events_of([(CUSTOMER, 0, 4), (AGENT, 2, 4)])

    assert events == [Overlapped(2, 4)]


def test_who_stops_first_has_overlapped_but_not_interrupted() -> None:
    events = events_of([(CUSTOMER, 0, 5), (AGENT, 2, 4)])

    assert events == [Overlapped(2, 4)]


def test_a_long_overlap_that_takes_the_floor_is_told_as_both() -> None:
    events = events_of([(AGENT, 0, 5), (CUSTOMER, 3, 8)])

    assert events == [Overlapped(3, 5), Interrupted(CUSTOMER, 3)]


def test_two_who_begin_together_do_not_interrupt() -> None:
    events = events_of([(AGENT, 1, 3), (CUSTOMER, 1, 5)])

    assert events == [Overlapped(1, 3)]


def test_who_was_interrupted_may_interrupt_in_turn() -> None:
    events = events_of([(AGENT, 0, 2), (CUSTOMER, 1.5, 5), (AGENT, 4.5, 7)])

    assert events == [Interrupted(CUSTOMER, 1.5), Interrupted(AGENT, 4.5)]


def test_the_answer_is_to_who_spoke_last() -> None:
    after_overlap = [(CUSTOMER, 0.0, 3.0), (AGENT, 2.8, 3.5), (AGENT, 4.5, 6.0)]
    within_turn = [(CUSTOMER, 0.0, 3.0), (AGENT, 2.0, 2.5), (AGENT, 4.0, 6.0)]

    assert events_of(after_overlap) == []
    assert events_of(within_turn) == [Responded(AGENT, 1.0, 4.0)]


@pytest.mark.parametrize("agent_first", [False, True])
def test_who_begins_first_answers_though_both_are_told_at_once(
    *, agent_first: bool
) -> None:
    turns = TurnTaking(PARAMS)
    turns.feed(SpeechStarted(CUSTOMER, 0))
    turns.feed(SpeechEnded(CUSTOMER, 0, 4))
    turns.advance(4.5)
    starts = [SpeechStarted(CUSTOMER, 6.25), SpeechStarted(AGENT, 6)]

    told = []
    for start in reversed(starts) if agent_first else starts:
        told += turns.feed(start)
    told += turns.advance(6.5)

    assert told == [Responded(AGENT, 2, 6)]


def test_a_start_told_after_the_others_end_is_still_an_overlap() -> None:
    turns = TurnTaking(PARAMS)
    turns.feed(SpeechStarted(CUSTOMER, 0))
    turns.advance(1)
    turns.feed(SpeechEnded(CUSTOMER, 0, 4))
    turns.feed(SpeechStarted(AGENT, 3.9))

    assert turns.advance(4.6) == []
    assert turns.feed(SpeechEnded(AGENT, 3.9, 8)) == []


def test_a_long_silence_is_told_once() -> None:
    told = play([(CUSTOMER, 1, 2)], until_s=30)

    assert told == [(12.0, LongSilence(2))]


def test_silence_from_the_start_of_the_call_counts() -> None:
    assert play([], until_s=30) == [(10.0, LongSilence(0))]


def test_every_long_silence_is_told() -> None:
    events = events_of([(CUSTOMER, 11, 12), (CUSTOMER, 23, 24)], until_s=40)

    assert events == [LongSilence(0), LongSilence(12), LongSilence(24)]


def test_long_speech_is_no_silence() -> None:
    assert events_of([(CUSTOMER, 0, 25)], until_s=30) == []


@pytest.mark.parametrize("kind", [SpeechStarted, SpeechEnded])
def test_a_party_without_a_role_has_no_turns(
    kind: type[SpeechStarted] | type[SpeechEnded],
) -> None:
    event = (
        SpeechStarted(Party.UNKNOWN, 0)
        if kind is SpeechStarted
        else SpeechEnded(Party.UNKNOWN, 0, 1)
    )

    with pytest.raises(PartyError, match="speech of unknown"):
        TurnTaking(PARAMS).feed(event)


@pytest.mark.parametrize(
    "change",
    [
        {"backchannel_s": 0.0},
        {"surely_s": 0.5},
        {"surely_s": float("nan")},
        {"yield_s": -1.0},
        {"hangover_s": 0.0},
        {"long_silence_s": 0.6},
        {"long_silence_s": float("nan")},
    ],
)
def test_params_that_make_no_sense_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        replace(DEFAULTS, **change)


@st.composite
def speech_of(draw: st.DrawFn, party: Party) -> list[Speech]:
    """Stretches of speech with more than a hangover between them, as endpointed."""
    at = 0
    found = []
    for gap, length in draw(
        st.lists(st.tuples(st.integers(5, 100), st.integers(3, 40)), max_size=5)
    ):
        start = at + gap
        at = start + length
        found.append((party, start * STEP_S, at * STEP_S))
    return found


calls = st.tuples(speech_of(CUSTOMER), speech_of(AGENT)).map(
    lambda both: sorted(both[0] + both[1], key=lambda item: (item[1], item[0]))
)


@given(calls)
def test_what_is_told_agrees_with_the_whole_call(speech: list[Speech]) -> None:
    """The definitions, on the whole call at once, are the judge."""
    overlaps, interruptions, answers = set(), set(), set()
    for one, other in itertools.permutations(speech, 2):
        if one[0] is other[0]:
            continue
        start_s, end_s = max(one[1], other[1]), min(one[2], other[2])
        if end_s - start_s >= PARAMS.backchannel_s:
            overlaps.add((start_s, end_s))
        if (
            other[1] < one[1]
            and other[2] - one[1] >= PARAMS.yield_s
            and one[2] > other[2]
            and one[2] - one[1] >= PARAMS.backchannel_s
        ):
            interruptions.add((one[0], one[1]))
    for party, start_s, _ in speech:
        before = [s for s in speech if s[1] < start_s]
        last = max((s[2] for s in before), default=0.0)
        if last <= start_s and {s[0] for s in before if s[2] == last} == {
            AGENT if party is CUSTOMER else CUSTOMER
        }:
            answers.add((party, start_s, start_s - last))

    told = [event for _, event in play(speech, until_s=110)]

    assert {(e.start_s, e.end_s) for e in told if isinstance(e, Overlapped)} == overlaps
    assert {(e.by, e.at_s) for e in told if isinstance(e, Interrupted)} == interruptions
    assert {
        (e.party, e.at_s, e.latency_s) for e in told if isinstance(e, Responded)
    } == answers
    assert len(told) == len(set(told))


@given(calls)
def test_the_order_of_channels_does_not_matter(speech: list[Speech]) -> None:
    one = play(speech, until_s=110)
    other = play(speech, until_s=110, agent_first=True)

    assert sorted(one, key=str) == sorted(other, key=str)


@given(calls, st.floats(0, 100))
def test_what_was_told_does_not_depend_on_what_comes_later(
    speech: list[Speech], until_s: float
) -> None:
    # What starts after `until_s` is not known yet; what goes on seems endless.
    known = [
        (party, start_s, end_s if end_s <= until_s else 1000.0)
        for party, start_s, end_s in speech
        if start_s <= until_s
    ]

    assert play(known, until_s) == play(speech, until_s)
