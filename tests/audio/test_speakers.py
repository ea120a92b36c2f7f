"""Whose a frame is on a line with several voices."""

import numpy as np
import pytest

from audio.frame import FRAME_SAMPLES, RATE, Frame, Party
from audio.speakers import REACH_S, Router, Timeline, Turn

pytestmark = pytest.mark.unit


def frame_at(time_s: float) -> Frame:
    start = round(time_s * RATE)
    return Frame(np.full(FRAME_SAMPLES, 0.1, np.float32), start, Party.UNKNOWN)


def owner(timeline: Timeline, frame: Frame) -> tuple[str | None, bool]:
    heard = timeline.hear(frame)
    return heard.speaker, heard.alone


def test_a_frame_belongs_to_whoever_speaks_in_it() -> None:
    timeline = Timeline([Turn(0, 2, "a"), Turn(2, 4, "b")])

    assert owner(timeline, frame_at(1)) == ("a", True)
    assert owner(timeline, frame_at(3)) == ("b", True)


def test_a_frame_at_a_border_belongs_to_whoever_has_most_of_it() -> None:
    timeline = Timeline([Turn(0, 2, "a"), Turn(2, 4, "b")])

    assert owner(timeline, frame_at(1.99)) == ("b", False)


def test_whoever_began_keeps_the_floor_while_both_speak() -> None:
    timeline = Timeline([Turn(0, 3, "a"), Turn(2, 4, "b")])

    assert owner(timeline, frame_at(2.5)) == ("a", False)


def test_the_louder_has_the_floor_where_somebody_knows_it() -> None:
    timeline = Timeline(
        [Turn(0, 3, "a"), Turn(2, 4, "b")], [Turn(0, 2, "a"), Turn(2, 4, "b")]
    )

    assert owner(timeline, frame_at(2.5)) == ("b", False)


def test_audio_just_beside_a_turn_goes_with_it() -> None:
    timeline = Timeline([Turn(1, 2, "a"), Turn(5, 6, "b")])

    assert owner(timeline, frame_at(2 + REACH_S / 2)) == ("a", True)
    assert owner(timeline, frame_at(5 - REACH_S / 2)) == ("b", True)
    assert owner(timeline, frame_at(3.5)) == (None, True)


def test_speakers_are_named_as_they_are_first_heard() -> None:
    timeline = Timeline([Turn(2, 3, "a"), Turn(0, 1, "b"), Turn(4, 5, "b")])

    assert timeline.speakers == ("b", "a")


def test_an_utterance_is_whose_turns_it_overlaps_most() -> None:
    timeline = Timeline([Turn(0, 2, "a"), Turn(2, 6, "b"), Turn(6, 7, "a")])

    assert timeline.most_heard(1, 7, ["a", "b"]) == "b"
    assert timeline.most_heard(8, 9, ["a", "b"]) == "a"


PARTIES = (Party.CUSTOMER, Party.AGENT)


def test_each_party_hears_silence_while_the_other_has_the_floor() -> None:
    timeline = Timeline([Turn(0, 2, "a"), Turn(2, 4, "b")])
    router = Router(PARTIES, {"a": 1, "b": 0})

    customer, agent = router.route(timeline.hear(frame_at(3)))

    assert customer.party is Party.CUSTOMER
    assert customer.pcm.max() > 0
    assert agent.party is Party.AGENT
    assert agent.pcm.max() == 0


def test_what_several_say_at_once_is_marked_as_shared() -> None:
    timeline = Timeline([Turn(0, 3, "a"), Turn(2, 4, "b")])
    router = Router(PARTIES, {"a": 0, "b": 1})

    frames = [router.route(timeline.hear(frame_at(t)))[0] for t in (1.0, 2.5)]

    assert [frame.shared for frame in frames] == [False, True]


@pytest.mark.parametrize(("elsewhere", "heard"), [(None, [0, 0]), (1, [0, 1])])
def test_a_speaker_without_a_place_goes_where_such_speakers_go(
    elsewhere: int | None, heard: list[int]
) -> None:
    timeline = Timeline([Turn(0, 2, "a")])
    router = Router(PARTIES, {}, elsewhere)

    frames = router.route(timeline.hear(frame_at(1)))

    assert [int(frame.pcm.max() > 0) for frame in frames] == heard


def test_two_unknown_parties_are_kept_apart() -> None:
    timeline = Timeline([Turn(0, 2, "a"), Turn(2, 4, "b")])
    router = Router((Party.UNKNOWN, Party.UNKNOWN), {"a": 0}, 1)

    first, second = router.route(timeline.hear(frame_at(3)))

    assert first.party is second.party is Party.UNKNOWN
    assert (first.pcm.max() > 0, second.pcm.max() > 0) == (False, True)
