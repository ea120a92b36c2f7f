import numpy as np
import pytest

from audio.errors import PartyError
from audio.frame import FRAME_S, FRAME_SAMPLES, CustomerWindow, Frame, Party
from audio.windows import CustomerWindows, WindowParams

pytestmark = pytest.mark.unit


def frame(number: int, party: Party = Party.CUSTOMER) -> Frame:
    pcm = np.full(FRAME_SAMPLES, number / 1000, np.float32)
    return Frame(pcm, number * FRAME_SAMPLES, party)


def windows(spoken: str, params: WindowParams) -> list[CustomerWindow]:
    """Feed one frame for each character: ``x`` is speech, anything else silence."""
    cutter = CustomerWindows(params)
    found = [
        cutter.feed(frame(number), speaking=mark == "x")
        for number, mark in enumerate(spoken)
    ]
    return [window for window in found if window is not None]


def span(window: CustomerWindow) -> tuple[int, int]:
    first = window.start // FRAME_SAMPLES
    return first, first + len(window.pcm) // FRAME_SAMPLES


def params(length: int, hop: int, least: int) -> WindowParams:
    return WindowParams(length * FRAME_S, hop * FRAME_S, least * FRAME_S)


def test_a_window_comes_every_hop_and_grows_to_its_length() -> None:
    found = windows("x" * 9, params(length=5, hop=2, least=2))

    assert [span(window) for window in found] == [(0, 2), (0, 4), (1, 6), (3, 8)]


def test_a_window_does_not_reach_back_over_a_silence() -> None:
    found = windows("xxxx.xx", params(length=5, hop=2, least=2))

    assert [span(window) for window in found] == [(0, 2), (0, 4), (5, 7)]


def test_too_little_speech_is_not_read() -> None:
    assert windows("xx.xx.xx", params(length=5, hop=1, least=3)) == []


def test_a_window_holds_the_audio_of_its_frames() -> None:
    (window,) = windows("..xx", params(length=2, hop=2, least=2))

    expected = np.repeat(np.array([0.002, 0.003], np.float32), FRAME_SAMPLES)
    np.testing.assert_array_equal(window.pcm, expected)
    assert window.end_s == pytest.approx(4 * FRAME_S)


def test_nobody_but_the_customer_is_read() -> None:
    cutter = CustomerWindows(params(length=1, hop=1, least=1))

    with pytest.raises(PartyError):
        cutter.feed(frame(0, Party.AGENT), speaking=True)


@pytest.mark.parametrize(
    ("length_s", "hop_s", "least_s"), [(1.0, 1.0, 2.0), (3.0, 0.0, 1.0), (3.0, 1.0, 0)]
)
def test_impossible_windows_are_refused(
    length_s: float, hop_s: float, least_s: float
) -> None:
    with pytest.raises(ValueError, match="expected"):
        WindowParams(length_s, hop_s, least_s)


def test_the_hop_can_be_widened_and_narrowed_while_somebody_speaks() -> None:
    params = WindowParams(length_s=FRAME_S * 4, hop_s=FRAME_S * 2, least_s=FRAME_S)
    cutter = CustomerWindows(params)
    ends = []

    for number in range(16):
        if number in (4, 12):
            cutter.hop_s = FRAME_S * (4 if number == 4 else 2)
        if cutter.feed(frame(number), speaking=True) is not None:
            ends.append(number)

    assert ends == [1, 3, 7, 11, 13, 15]
