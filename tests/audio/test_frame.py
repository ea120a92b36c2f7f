import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from audio.errors import PartyError, ShapeError
from audio.frame import (
    FRAME_S,
    FRAME_SAMPLES,
    RATE,
    CustomerWindow,
    Frame,
    Party,
    Segment,
    whole_frames,
)

pytestmark = pytest.mark.unit

NOT_MONO = [
    np.zeros((FRAME_SAMPLES, 1), np.float32),
    np.zeros(FRAME_SAMPLES, np.float64),
    np.zeros(FRAME_SAMPLES, np.int16),
]


def frames_of(parties: list[Party]) -> list[Frame]:
    return [
        Frame(np.full(FRAME_SAMPLES, i, np.float32), i * FRAME_SAMPLES, party)
        for i, party in enumerate(parties)
    ]


def test_a_frame_is_32_ms() -> None:
    assert FRAME_S == 0.032
    assert Frame(np.zeros(512, np.float32), 1024, Party.AGENT).end == 1536


@pytest.mark.parametrize(("n_samples", "n_frames"), [(0, 0), (511, 0), (1535, 2)])
def test_audio_is_cut_into_whole_frames(n_samples: int, n_frames: int) -> None:
    pcm = np.arange(n_samples, dtype=np.float32)

    frames = whole_frames(pcm, Party.AGENT)

    assert [(frame.start, frame.pcm[0]) for frame in frames] == [
        (index * FRAME_SAMPLES, index * FRAME_SAMPLES) for index in range(n_frames)
    ]


@pytest.mark.parametrize("n_samples", [0, 511, 513])
def test_a_frame_has_one_length(n_samples: int) -> None:
    with pytest.raises(ShapeError, match=f"512 samples, got {n_samples}"):
        Frame(np.zeros(n_samples, np.float32), 0, Party.CUSTOMER)


@pytest.mark.parametrize("pcm", NOT_MONO)
def test_only_mono_float32_is_taken(pcm: NDArray[np.float32]) -> None:
    with pytest.raises(ShapeError, match="must be float32"):
        Frame(pcm, 0, Party.CUSTOMER)
    with pytest.raises(ShapeError, match="must be float32"):
        Segment(pcm, 0, Party.CUSTOMER)
    with pytest.raises(ShapeError, match="must be float32"):
        CustomerWindow(pcm, 0)


def test_a_segment_knows_its_place_in_the_call() -> None:
    segment = Segment(np.zeros(RATE // 2, np.float32), 3 * RATE, Party.AGENT)

    assert (segment.start_s, segment.end_s) == (3.0, 3.5)
    assert not segment.cut


@given(st.lists(st.sampled_from(Party), max_size=12))
def test_a_window_takes_the_customer_and_refuses_anybody_else(
    parties: list[Party],
) -> None:
    frames = frames_of(parties)

    if parties and set(parties) == {Party.CUSTOMER}:
        window = CustomerWindow.of(frames)

        assert np.array_equal(window.pcm, np.concatenate([f.pcm for f in frames]))
        assert window.start == 0
        assert window.end_s == pytest.approx(len(parties) * FRAME_S)
    else:
        with pytest.raises(PartyError):
            CustomerWindow.of(frames)


def test_a_refusal_names_the_party() -> None:
    with pytest.raises(PartyError, match="frame of the agent"):
        CustomerWindow.of(frames_of([Party.CUSTOMER, Party.AGENT]))


def test_a_window_starts_with_its_first_frame() -> None:
    frames = frames_of([Party.CUSTOMER] * 3)

    assert CustomerWindow.of(frames[1:]).start == FRAME_SAMPLES
