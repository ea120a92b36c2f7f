"""A recording is cut where the voice changes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.voice_pieces import changes, pieces

pytestmark = pytest.mark.unit

NOBODY, FIRST, SECOND, BOTH = range(4)


def window(*parts: tuple[int, int]) -> NDArray[np.bool_]:
    """One window in which so many frames hold these voices."""
    who = np.concatenate([np.full(n_frames, part) for part, n_frames in parts])
    return np.stack([np.isin(who, (FIRST, BOTH)), np.isin(who, (SECOND, BOTH))], axis=1)


def cut(*windows: NDArray[np.bool_]) -> list[tuple[int, int]]:
    speaks = np.stack(windows)
    n_voices = np.median(speaks.sum(axis=2), axis=0).astype(int)
    return pieces(n_voices, changes(speaks).mean(axis=0))


def test_a_piece_ends_where_somebody_else_begins() -> None:
    assert cut(window((FIRST, 40), (SECOND, 30))) == [(0, 40), (40, 70)]


def test_one_window_that_hears_two_where_others_hear_one_cuts_nothing() -> None:
    one = window((FIRST, 70))

    assert cut(one, one, window((FIRST, 40), (SECOND, 30))) == [(0, 70)]


def test_windows_may_hear_the_change_a_frame_apart() -> None:
    found = cut(*[window((FIRST, n), (SECOND, 70 - n)) for n in (39, 40, 41)])

    assert len(found) == 2
    assert abs(found[1][0] - 40) <= 1


def test_a_short_pause_ends_no_piece_and_a_long_one_does() -> None:
    assert cut(window((FIRST, 20), (NOBODY, 5), (FIRST, 20))) == [(0, 45)]
    assert cut(window((FIRST, 20), (NOBODY, 6), (FIRST, 20))) == [(0, 20), (26, 46)]


def test_two_voices_at_once_are_in_no_piece() -> None:
    found = cut(window((FIRST, 30), (BOTH, 10), (FIRST, 30)))

    assert found == [(0, 30), (40, 70)]


def test_a_long_piece_is_cut_into_equal_ones() -> None:
    assert cut(window((FIRST, 160))) == [(0, 53), (53, 107), (107, 160)]


def test_who_was_silent_for_long_is_compared_with_nobody() -> None:
    found = changes(window((FIRST, 10), (NOBODY, 30), (SECOND, 10))[None])

    assert not found[..., 0].any()
    assert found[0, 10:].sum() == 9
    assert pieces(np.zeros(50, int), found[0]) == []
