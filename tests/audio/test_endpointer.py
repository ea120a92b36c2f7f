import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.endpointer import Endpointer, EndpointerEvent, EndpointerParams
from audio.errors import PartyError
from audio.events import SpeechEnded, SpeechStarted
from audio.frame import FRAME_S, FRAME_SAMPLES, Frame, Party, Segment

pytestmark = pytest.mark.unit

DEFAULTS = EndpointerParams()
# In frames: speech needs 3, ends after 6 of silence; 2 before it, 2 after it;
# cut from 20 on at a pause of 3, at 30 in any case.
SHORT = EndpointerParams(
    min_speech_s=3 * FRAME_S,
    hangover_s=6 * FRAME_S,
    pre_roll_s=2 * FRAME_S,
    trailing_s=2 * FRAME_S,
    cut_after_s=20 * FRAME_S,
    cut_pause_s=3 * FRAME_S,
    max_segment_s=30 * FRAME_S,
)
SPEECH, BETWEEN, SILENCE = 0.9, 0.4, 0.1

likely = st.sampled_from([0.0, 0.1, 0.36, 0.5, 0.9, 1.0])
runs = st.lists(st.tuples(likely, st.integers(1, 40)), max_size=20)


def frame(index: int, party: Party = Party.CUSTOMER) -> Frame:
    return Frame(
        np.full(FRAME_SAMPLES, index, np.float32), index * FRAME_SAMPLES, party
    )


def feed(
    endpointer: Endpointer, probabilities: list[float], first: int = 0
) -> list[EndpointerEvent]:
    events = []
    for i, probability in enumerate(probabilities, first):
        events += endpointer.feed(frame(i), probability)
    return events


def heard(
    probabilities: list[float], params: EndpointerParams = SHORT
) -> list[EndpointerEvent]:
    endpointer = Endpointer(Party.CUSTOMER, params)
    return feed(endpointer, probabilities) + endpointer.flush()


def place(event: EndpointerEvent) -> tuple[str, float, float]:
    """Kind, and start and end in frames."""
    end_s = event.start_s if isinstance(event, SpeechStarted) else event.end_s
    start, end = round(event.start_s / FRAME_S, 3), round(end_s / FRAME_S, 3)
    return type(event).__name__, start, end


def frames_in(segment: Segment) -> list[int]:
    return [int(value) for value in segment.pcm[::FRAME_SAMPLES]]


def test_speech_is_told_when_it_counts_and_its_end_one_hangover_later() -> None:
    endpointer = Endpointer(Party.CUSTOMER, SHORT)
    probabilities = [SILENCE] * 5 + [SPEECH] * 8 + [SILENCE] * 10

    told = [feed(endpointer, [p], i) for i, p in enumerate(probabilities)]

    assert {i: [place(e) for e in each] for i, each in enumerate(told) if each} == {
        7: [("SpeechStarted", 5, 5)],
        18: [("SpeechEnded", 5, 13), ("Segment", 3, 15)],
    }


def test_a_segment_has_the_audio_around_the_speech() -> None:
    *_, segment = heard([SILENCE] * 5 + [SPEECH] * 8 + [SILENCE] * 10)

    assert isinstance(segment, Segment)
    assert frames_in(segment) == list(range(3, 15))
    assert segment.start == 3 * FRAME_SAMPLES
    assert len(segment.pcm) == 12 * FRAME_SAMPLES
    assert segment.party is Party.CUSTOMER
    assert not segment.cut


def test_speech_at_the_start_of_the_call_has_no_audio_before_it() -> None:
    events = heard([SPEECH] * 8 + [SILENCE] * 10)

    assert [place(e) for e in events][-1] == ("Segment", 0, 10)


def test_the_end_of_the_call_ends_speech_where_it_ended() -> None:
    events = heard([SILENCE] * 5 + [SPEECH] * 8 + [SILENCE])

    assert [place(e) for e in events][1:] == [
        ("SpeechEnded", 5, 13),
        ("Segment", 3, 14),
    ]


def test_between_the_thresholds_speech_goes_on_but_does_not_begin() -> None:
    events = heard(
        [BETWEEN] * 10 + [SPEECH] + [BETWEEN] * 10 + [SILENCE] * 6 + [BETWEEN] * 10
    )

    assert [place(e) for e in events] == [
        ("SpeechStarted", 10, 10),
        ("SpeechEnded", 10, 21),
        ("Segment", 8, 23),
    ]


def test_a_pause_shorter_than_the_hangover_does_not_end_speech() -> None:
    events = heard([SPEECH] * 5 + [SILENCE] * 5 + [SPEECH] * 5 + [SILENCE] * 6)

    assert [place(e) for e in events] == [
        ("SpeechStarted", 0, 0),
        ("SpeechEnded", 0, 15),
        ("Segment", 0, 17),
    ]


def test_a_click_is_no_speech() -> None:
    assert heard([SILENCE, SPEECH, SPEECH, *[SILENCE] * 10]) == []
    assert heard([SILENCE, SPEECH, SPEECH]) == []


def test_a_click_before_speech_does_not_begin_it() -> None:
    events = heard([SPEECH] + [SILENCE] * 3 + [SPEECH] * 5)

    assert place(events[0]) == ("SpeechStarted", 4, 4)


def test_a_segment_starts_no_earlier_than_the_one_before_ended() -> None:
    params = replace(SHORT, pre_roll_s=12 * FRAME_S, trailing_s=6 * FRAME_S)

    events = heard([SPEECH] * 5 + [SILENCE] * 7 + [SPEECH] * 5, params)

    segments = [place(e) for e in events if isinstance(e, Segment)]
    assert segments == [("Segment", 0, 11), ("Segment", 11, 17)]


def test_a_long_stretch_is_cut_at_its_least_speech_like_frame() -> None:
    probabilities = [SPEECH] * 50
    probabilities[10] = 0.4
    probabilities[24] = 0.6

    events = heard(probabilities)

    assert [place(e) for e in events] == [
        ("SpeechStarted", 0, 0),
        ("Segment", 0, 25),
        ("SpeechEnded", 0, 50),
        ("Segment", 25, 50),
    ]
    assert [e.cut for e in events if isinstance(e, Segment)] == [True, False]


def test_a_long_stretch_is_cut_at_its_next_pause_once_speech_goes_on() -> None:
    endpointer = Endpointer(Party.CUSTOMER, SHORT)
    before = [SPEECH] * 22 + [SILENCE, 0.0, SILENCE]

    assert [place(e) for e in feed(endpointer, before)] == [("SpeechStarted", 0, 0)]
    assert [place(e) for e in feed(endpointer, [SPEECH], 25)] == [("Segment", 0, 24)]
    assert endpointer.open_s == pytest.approx(2 * FRAME_S)


@pytest.mark.parametrize("n_before", [10, 16])
def test_a_pause_in_a_short_stretch_is_no_place_to_cut(n_before: int) -> None:
    events = heard([SPEECH] * n_before + [SILENCE] * 4 + [SPEECH] * 5)

    assert [type(e) for e in events] == [SpeechStarted, SpeechEnded, Segment]


def test_a_pause_at_the_longest_length_is_waited_for() -> None:
    events = heard([SPEECH] * 29 + [SILENCE] * 6)

    assert [place(e) for e in events] == [
        ("SpeechStarted", 0, 0),
        ("SpeechEnded", 0, 29),
        ("Segment", 0, 30),
    ]


def test_the_open_segment_is_there_while_the_party_speaks() -> None:
    endpointer = Endpointer(Party.CUSTOMER, SHORT)

    feed(endpointer, [SILENCE] * 5 + [SPEECH] * 2)
    assert not endpointer.speaking
    assert endpointer.open_s == 0

    feed(endpointer, [SPEECH, SILENCE], 7)
    assert endpointer.speaking
    assert endpointer.open_s == pytest.approx(6 * FRAME_S)
    assert frames_in(endpointer.open_segment()) == list(range(3, 9))
    assert endpointer.open_segment().cut

    feed(endpointer, [SILENCE] * 6, 9)
    assert not endpointer.speaking
    with pytest.raises(ValueError, match="nobody speaks"):
        endpointer.open_segment()


def test_after_a_flush_audio_may_go_on_anywhere() -> None:
    endpointer = Endpointer(Party.CUSTOMER, SHORT)
    feed(endpointer, [SPEECH] * 5)
    endpointer.flush()

    events = feed(endpointer, [SPEECH] * 5, first=100) + endpointer.flush()

    assert [place(e) for e in events] == [
        ("SpeechStarted", 100, 100),
        ("SpeechEnded", 100, 105),
        ("Segment", 100, 105),
    ]


def test_another_partys_frame_is_refused() -> None:
    endpointer = Endpointer(Party.CUSTOMER, SHORT)

    with pytest.raises(PartyError, match="frame of the agent"):
        endpointer.feed(frame(0, Party.AGENT), SPEECH)


def test_a_gap_between_frames_is_refused() -> None:
    endpointer = Endpointer(Party.CUSTOMER, SHORT)
    endpointer.feed(frame(0), SPEECH)

    with pytest.raises(ValueError, match="begin at sample 512, got one at 1024"):
        endpointer.feed(frame(2), SPEECH)


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        Endpointer(Party.CUSTOMER, SHORT).feed(frame(0), probability)


@pytest.mark.parametrize(
    "change",
    [
        {"onset": 1.1},
        {"offset": 0.0},
        {"offset": 0.6},
        {"min_speech_s": 0.0},
        {"min_speech_s": 0.7},
        {"trailing_s": -0.1},
        {"trailing_s": 0.7},
        {"pre_roll_s": -0.1},
        {"cut_pause_s": 0.0},
        {"cut_pause_s": 0.7},
        {"cut_after_s": 0.8},
        {"cut_after_s": 12.0},
        {"max_segment_s": float("nan")},
    ],
)
def test_params_that_make_no_sense_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must satisfy"):
        replace(DEFAULTS, **change)


@given(runs=runs, params=st.sampled_from([SHORT, DEFAULTS]))
def test_segments_cover_the_speech_and_never_overlap(
    runs: list[tuple[float, int]], params: EndpointerParams
) -> None:
    probabilities = [p for p, n in runs for _ in range(n)]

    events = heard(probabilities, params)

    segments = [e for e in events if isinstance(e, Segment)]
    for one, other in itertools.pairwise(segments):
        assert one.end_s <= other.start_s
        assert not one.cut or one.end_s == other.start_s
    for segment in segments:
        indexes = frames_in(segment)
        assert indexes == list(range(indexes[0], indexes[-1] + 1))
        assert indexes[0] * FRAME_SAMPLES == segment.start
        assert len(indexes) * FRAME_S <= params.max_segment_s + 1e-9
        assert max(probabilities[i] for i in indexes) >= params.offset
    covered = [i for segment in segments for i in frames_in(segment)]
    for ended in (e for e in events if isinstance(e, SpeechEnded)):
        _, start, end = place(ended)
        assert set(range(round(start), round(end))) <= set(covered)
        assert probabilities[round(start)] >= params.onset
        assert probabilities[round(end) - 1] >= params.offset


@given(runs=runs)
def test_every_start_has_its_end_and_its_last_segment(
    runs: list[tuple[float, int]],
) -> None:
    events = heard([p for p, n in runs for _ in range(n)])

    rest = [e for e in events if not (isinstance(e, Segment) and e.cut)]
    assert len(rest) % 3 == 0
    for started, ended, segment in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        assert isinstance(started, SpeechStarted)
        assert isinstance(ended, SpeechEnded)
        assert isinstance(segment, Segment)
        assert started.start_s == ended.start_s
        assert segment.start_s <= ended.end_s <= segment.end_s


@given(runs=runs)
def test_speech_is_what_the_thresholds_and_the_hangover_say(
    runs: list[tuple[float, int]],
) -> None:
    """A plain description of speech, on the whole call at once, is the judge."""
    probabilities = [p for p, n in runs for _ in range(n)]
    expected = []
    i = 0
    while i < len(probabilities):
        if probabilities[i] < SHORT.onset:
            i += 1
            continue
        speech = [i]
        for k in range(i + 1, len(probabilities)):
            patience = 6 if len(speech) >= 3 else 3
            if probabilities[k] >= SHORT.offset:
                speech.append(k)
            elif k - speech[-1] >= patience:
                break
        if len(speech) >= 3:
            expected.append(("SpeechEnded", speech[0], speech[-1] + 1))
        i = speech[-1] + (7 if len(speech) >= 3 else 4)

    events = heard(probabilities)

    assert [place(e) for e in events if isinstance(e, SpeechEnded)] == expected


@given(likely)
def test_memory_is_bounded_whatever_is_heard(probability: float) -> None:
    endpointer = Endpointer(Party.CUSTOMER, SHORT)

    for i in range(500):
        endpointer.feed(frame(i), probability)
        assert endpointer.open_s <= SHORT.max_segment_s + SHORT.hangover_s
        assert len(endpointer._frames) <= 30 + 6
