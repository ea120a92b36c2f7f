"""Following the voices of a live line, with the weights that are shipped."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from audio.frame import FRAME_SAMPLES, RATE, Party, whole_frames
from audio.speakers import HeardFrame
from models.speaker_tracking import LiveTracker, TrackingParams

pytestmark = pytest.mark.model

DEMO = Path(__file__).parents[2] / "evaluation" / "demo" / "demo-en.flac"
LENGTH_S = 16


@pytest.fixture(scope="module")
def call() -> NDArray[np.float32]:
    """Customer and agent of the demo call, on one channel."""
    pcm, rate = soundfile.read(DEMO, dtype="float32")
    pcm = pcm[: LENGTH_S * rate].mean(axis=1)
    return np.asarray(soxr.resample(pcm, rate, RATE), np.float32)


def follow(pcm: NDArray[np.float32]) -> list[HeardFrame]:
    tracker = LiveTracker()
    heard: list[HeardFrame] = []
    for frame in whole_frames(pcm, Party.UNKNOWN):
        heard += tracker.feed(frame)
        waiting = (frame.end - heard[-1].frame.end if heard else frame.end) / RATE
        assert waiting <= 2.0  # A label is late by that much at most.
    return heard + tracker.flush()


def test_every_frame_comes_back_in_order_and_the_same_way_again(
    call: NDArray[np.float32],
) -> None:
    first, second = follow(call), follow(call)

    assert [each.frame.start for each in first] == [
        frame.start for frame in whole_frames(call, Party.UNKNOWN)
    ]
    told = [(each.speaker, each.alone) for each in first]
    assert told == [(each.speaker, each.alone) for each in second]
    names = {each.speaker for each in first} - {None}
    assert names >= {"SPEAKER_00", "SPEAKER_01"}


def test_nobody_speaks_in_silence() -> None:
    heard = follow(np.zeros(4 * RATE, np.float32))

    assert {each.speaker for each in heard} == {None}


def test_what_is_too_short_to_be_heard_is_nobodys() -> None:
    heard = follow(np.ones(2 * FRAME_SAMPLES, np.float32))

    assert [(each.speaker, each.alone) for each in heard] == [(None, True)] * 2


def test_there_has_to_be_somebody() -> None:
    with pytest.raises(ValueError, match="most"):
        TrackingParams(most=0)
