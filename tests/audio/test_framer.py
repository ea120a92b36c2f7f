import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from audio.codec import AudioFormat, Encoding, decode, encode
from audio.errors import AudioError, DamagedError, FormatError, ShapeError
from audio.frame import FRAME_SAMPLES, Frame, Party
from audio.framer import Framer

pytestmark = pytest.mark.unit

BOTH = (Party.CUSTOMER, Party.AGENT)
PARTIES = {1: (Party.UNKNOWN,), 2: BOTH}

formats = st.builds(
    AudioFormat,
    st.sampled_from(Encoding),
    st.sampled_from([8000, 11_025, 16_000, 44_100, 48_000]),
    st.sampled_from([1, 2]),
)


def call(n_samples: int, n_channels: int) -> NDArray[np.float32]:
    generator = np.random.default_rng(3)
    return generator.uniform(-1, 1, (n_samples, n_channels)).astype(np.float32)


def frame_bytes(
    data: bytes, audio_format: AudioFormat, cuts: list[int]
) -> list[tuple[Frame, ...]]:
    framer = Framer(audio_format, PARTIES[audio_format.n_channels])
    edges = [0, *sorted(cuts), len(data)]
    frames = []
    for start, end in itertools.pairwise(edges):
        frames += framer.receive_bytes(data[start:end])
    return frames + framer.flush()


def same(left: list[tuple[Frame, ...]], right: list[tuple[Frame, ...]]) -> bool:
    return len(left) == len(right) and all(
        a.party is b.party and a.start == b.start and np.array_equal(a.pcm, b.pcm)
        for one, other in zip(left, right, strict=True)
        for a, b in zip(one, other, strict=True)
    )


@given(audio_format=formats, data=st.data())
def test_frames_do_not_depend_on_how_bytes_arrive(
    audio_format: AudioFormat, data: st.DataObject
) -> None:
    n_samples = data.draw(st.integers(0, 6000))
    sent = encode(call(n_samples, audio_format.n_channels), audio_format)
    # The line may be lost anywhere, in the middle of a sample too.
    sent = sent[: len(sent) - data.draw(st.integers(0, min(3, len(sent))))]
    cuts = data.draw(st.lists(st.integers(0, len(sent)), max_size=30))

    cut = frame_bytes(sent, audio_format, cuts)

    assert same(cut, frame_bytes(sent, audio_format, []))


@given(audio_format=formats, data=st.data())
def test_a_recording_gives_the_frames_that_live_bytes_gave(
    audio_format: AudioFormat, data: st.DataObject
) -> None:
    n_samples = data.draw(st.integers(0, 6000))
    sent = encode(call(n_samples, audio_format.n_channels), audio_format)
    framer = Framer(audio_format, PARTIES[audio_format.n_channels])
    step = data.draw(st.integers(100, 3000))

    recorded = []
    pcm = decode(sent, audio_format)
    for start in range(0, len(pcm), step):
        recorded += framer.receive_pcm(pcm[start : start + step])
    recorded += framer.flush()

    assert same(recorded, frame_bytes(sent, audio_format, []))


@given(audio_format=formats, n_samples=st.integers(0, 10_000))
def test_frames_follow_each_other_and_hold_the_whole_call(
    audio_format: AudioFormat, n_samples: int
) -> None:
    sent = encode(call(n_samples, audio_format.n_channels), audio_format)

    frames = frame_bytes(sent, audio_format, [])

    n_out = round(n_samples * 16_000 / audio_format.rate)
    assert len(frames) == -(-n_out // FRAME_SAMPLES)
    for i, each in enumerate(frames):
        assert tuple(f.party for f in each) == PARTIES[audio_format.n_channels]
        assert {f.start for f in each} == {i * FRAME_SAMPLES}
        assert all(np.abs(f.pcm).max() <= 1 for f in each)


@settings(max_examples=30)
@given(
    parties=st.permutations(BOTH),
    rate=st.sampled_from([8000, 16_000, 44_100]),
    cuts=st.lists(st.integers(0, 200_000), max_size=30),
)
def test_parties_are_never_swapped(
    parties: list[Party], rate: int, cuts: list[int]
) -> None:
    # The customer's channel is above zero throughout, the agent's below.
    level = {Party.CUSTOMER: 0.25, Party.AGENT: -0.25}
    row = np.array([[level[party] for party in parties]], np.float32)
    audio_format = AudioFormat(Encoding.PCM_S16LE, rate, 2)
    data = encode(np.repeat(row, rate, axis=0), audio_format)
    framer = Framer(audio_format, tuple(parties))

    frames = []
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, end in itertools.pairwise(edges):
        frames += framer.receive_bytes(data[start:end])

    assert len(frames) >= 25
    for each in frames:
        for frame in each:
            assert np.mean(frame.pcm) * np.sign(level[frame.party]) > 0.2


def test_the_last_frame_is_filled_up_with_zeros() -> None:
    framer = Framer(AudioFormat(Encoding.PCM_S16LE, 16_000, 1), (Party.CUSTOMER,))

    first = framer.receive_pcm(np.full((700, 1), 0.5, np.float32))
    ((last,),) = framer.flush()

    assert len(first) == 1
    assert last.start == FRAME_SAMPLES
    assert np.all(last.pcm[: 700 - FRAME_SAMPLES] == 0.5)
    assert not last.pcm[700 - FRAME_SAMPLES :].any()


def test_a_call_of_whole_frames_gets_no_frame_of_zeros() -> None:
    framer = Framer(AudioFormat(Encoding.MULAW, 16_000, 1), (Party.CUSTOMER,))

    frames = framer.receive_bytes(bytes(1024))

    assert len(frames) == 2
    assert framer.flush() == []


def test_a_frame_keeps_no_message_alive() -> None:
    framer = Framer(AudioFormat(Encoding.PCM_S16LE, 16_000, 2), BOTH)

    frames = framer.receive_bytes(bytes(1 << 16))

    assert all(frame.pcm.base is None for each in frames for frame in each)


def test_received_time_counts_whole_samples() -> None:
    framer = Framer(AudioFormat(Encoding.PCM_S16LE, 8000, 2), BOTH)

    framer.receive_bytes(bytes(4 * 4000 + 3))

    assert framer.received_s == 0.5


@pytest.mark.parametrize(
    ("n_channels", "parties"),
    [
        (1, ()),
        (1, BOTH),
        (2, (Party.CUSTOMER,)),
        (2, (Party.CUSTOMER, Party.CUSTOMER)),
    ],
)
def test_each_channel_needs_a_party_of_its_own(
    n_channels: int, parties: tuple[Party, ...]
) -> None:
    with pytest.raises(FormatError, match="as many different parties"):
        Framer(AudioFormat(Encoding.MULAW, 8000, n_channels), parties)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_no_number_is_damaged_and_says_when(bad: float) -> None:
    framer = Framer(AudioFormat(Encoding.PCM_S16LE, 8000, 2), BOTH)
    framer.receive_pcm(np.zeros((8000, 2), np.float32))
    pcm = np.zeros((8000, 2), np.float32)
    pcm[4000, 1] = bad

    with pytest.raises(DamagedError, match=r"1\.500 s"):
        framer.receive_pcm(pcm)


@pytest.mark.parametrize(
    "pcm",
    [
        np.zeros((8, 1), np.float32),
        np.zeros(8, np.float32),
        np.zeros((8, 2), np.float64),
        np.zeros((8, 2, 1), np.float32),
        np.zeros((), np.float32),
    ],
)
def test_samples_of_another_layout_are_refused(pcm: NDArray[np.float32]) -> None:
    framer = Framer(AudioFormat(Encoding.PCM_S16LE, 8000, 2), BOTH)

    with pytest.raises(ShapeError, match="n_samples, 2"):
        framer.receive_pcm(pcm)


def test_what_is_louder_than_full_scale_is_clipped() -> None:
    framer = Framer(AudioFormat(Encoding.PCM_S16LE, 8000, 1), (Party.CUSTOMER,))

    frames = framer.receive_pcm(np.full((4000, 1), 1e30, np.float32)) + framer.flush()

    assert max(float(frame.pcm.max()) for (frame,) in frames) == 1.0


def test_nothing_may_come_after_the_end() -> None:
    framer = Framer(AudioFormat(Encoding.MULAW, 8000, 1), (Party.CUSTOMER,))
    framer.flush()

    with pytest.raises(ValueError, match="flushed"):
        framer.receive_bytes(b"\xff")
    with pytest.raises(ValueError, match="flushed"):
        framer.flush()


@settings(max_examples=1000)
@given(
    audio_format=formats,
    parties=st.lists(st.sampled_from(Party), max_size=3),
    messages=st.lists(st.binary(max_size=2000), max_size=5),
)
def test_random_bytes_raise_nothing_but_audio_errors(
    audio_format: AudioFormat, parties: list[Party], messages: list[bytes]
) -> None:
    try:
        framer = Framer(audio_format, tuple(parties))
        for message in messages:
            framer.receive_bytes(message)
        framer.flush()
    except AudioError:
        assert len(parties) != audio_format.n_channels or len(set(parties)) == 1
