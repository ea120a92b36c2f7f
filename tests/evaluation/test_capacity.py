"""The load is the same each time, talks as much as it says, and is scored right."""

import numpy as np
import pytest

from audio.frame import Party
from evaluation.capacity import word_errors
from evaluation.capacity_calls import LINE_RATE, LoadCall, Sentence, build_call
from evaluation.capacity_load import Measured, Words
from evaluation.capacity_naive import naive_calls

pytestmark = pytest.mark.unit

LOUD = np.full(3 * LINE_RATE, 0.1, np.float32)
SENTENCES = [Sentence(LOUD, f"these are the words of number {n}") for n in range(5)]


def test_a_call_is_the_same_each_time_and_no_two_are_in_step() -> None:
    one, again = (build_call(SENTENCES, 1, 60.0) for _ in range(2))
    other = build_call(SENTENCES, 3, 60.0)

    assert np.array_equal(one.pcm, again.pcm)
    assert one.turns == again.turns
    assert one.pcm.shape == (60 * LINE_RATE, 2)
    assert one.turns[0].start_s != other.turns[0].start_s


def test_at_any_time_as_many_quarrel_as_their_share_of_the_call() -> None:
    calls = [build_call(SENTENCES, index, 45.0) for index in range(18)]

    # Both parties of a quarrel are synthesised: nothing in it is as even as a sentence.
    plain = np.array([0.0, 0.1], np.float32)
    for second in range(0, 45, 5):
        at = slice(second * LINE_RATE, (second + 5) * LINE_RATE)
        quarrels = sum(not np.isin(call.pcm[at], plain).all() for call in calls)
        assert 7 <= quarrels <= 13  # 50 of 90 s, and those that begin or end here


def test_somebody_speaks_seven_tenths_of_the_time_and_only_one_at_once() -> None:
    call = build_call(SENTENCES, 1, 41.0, calm=True)

    speaking = np.abs(call.pcm) > 0.05
    until = int(call.turns[-1].end_s * LINE_RATE)
    since = int(call.turns[0].start_s * LINE_RATE)
    share = speaking[since:until].any(axis=1).mean()

    assert 0.6 < share < 0.8
    assert not speaking.all(axis=1).any()
    assert {turn.party for turn in call.turns} == {Party.CUSTOMER, Party.AGENT}


def test_words_are_scored_in_the_turn_they_belong_to() -> None:
    call = build_call(SENTENCES, 1, 60.0)
    right = [
        Words(0, turn.party, turn.start_s, turn.end_s, turn.text) for turn in call.turns
    ]
    first = call.turns[0]
    wrong = Words(0, first.party, first.start_s, first.end_s, "")

    assert word_errors([call], Measured(finals=right)) == 0.0
    missed = word_errors([call], Measured(finals=[wrong, *right[1:]]))
    assert missed == pytest.approx(1 / len(call.turns))


@pytest.mark.parametrize(("taken_s", "most"), [(10.0, 0), (0.01, 32)])
def test_the_naive_way_holds_what_its_queue_holds(taken_s: float, most: int) -> None:
    def build(index: int) -> LoadCall:
        return build_call(SENTENCES, index, 30.0, calm=True)

    assert naive_calls(build, [taken_s], 3.0) == most
