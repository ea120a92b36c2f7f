import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.crosstalk import CrossTalk, CrossTalkParams
from audio.frame import FRAME_S, FRAME_SAMPLES, Frame, Party

pytestmark = pytest.mark.unit

SILENCE = -math.inf


def frame(dbfs: float, party: Party = Party.CUSTOMER) -> Frame:
    pcm = np.full(FRAME_SAMPLES, 10 ** (dbfs / 20), np.float32)
    return Frame(pcm, 0, party)


def heard(*moments: tuple[float, ...]) -> list[list[bool]]:
    """Levels of all parties, a frame each; what is said of them."""
    cross_talk = CrossTalk(len(moments[0]), CrossTalkParams(20.0, 2 * FRAME_S))
    return [
        cross_talk.feed([frame(dbfs) for dbfs in of_moment]) for of_moment in moments
    ]


def test_what_is_far_below_the_other_line_is_the_others_voice() -> None:
    assert heard((-45.0, -20.0)) == [[True, False]]


def test_two_people_who_talk_at_once_are_both_heard() -> None:
    assert heard((-38.0, -22.0)) == [[False, False]]


def test_a_faint_voice_is_heard_while_nobody_else_speaks() -> None:
    assert heard((-62.0, -70.0)) == [[False, False]]


def test_cross_talk_may_come_late_but_not_long_after() -> None:
    found = heard(
        (SILENCE, -20.0), (-45.0, SILENCE), (-45.0, SILENCE), (-45.0, SILENCE)
    )

    assert [customer for customer, _ in found] == [True, True, True, False]


def test_the_loudest_of_several_others_counts() -> None:
    assert heard((-50.0, -60.0, -20.0)) == [[True, True, False]]


@given(st.floats(-100, 0))
def test_one_party_alone_is_never_cross_talk(dbfs: float) -> None:
    assert heard((dbfs,)) == [[False]]


def test_the_parameters_are_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        CrossTalkParams(drop_db=0.0)
