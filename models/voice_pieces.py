"""Cuts a recording into pieces in which one person speaks. Pure arithmetic.

Frames are those of the segmentation model. What it says of a window is believed as far
as one moment follows another: that somebody speaks, that two do, that the voice
changes. Whether a voice is one that spoke seconds before, it often mistakes; who it
is, the speaker encoder says of each piece.
"""

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import (  # type: ignore[import-untyped]  # no stubs
    maximum_filter1d,
)

_GAP_FRAMES = 5
"""A shorter pause (0.2 s) does not end a piece."""

_LEAST_FRAMES = 3
_MOST_FRAMES = 75
"""A longer piece (3 s) is cut into equal ones: it may hold two people after all."""

_MEMORY_FRAMES = 25
"""Who has not spoken for a second is no longer compared with who speaks now."""

_NEARLY = np.array([1, 2, 3, 2, 1]) / 3
"""Windows that hear a change a frame or two apart mean the same one."""

_NEAR_FRAMES = 3
_LEAST_COMPARED = 0.2
_HALF = 0.5
_NOBODY = -1


def changes(speaks: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Say where the voice changes in each window.

    Args:
        speaks: shape ``(n_windows, n_frames, n_voices)``.

    Returns:
        shape ``(n_windows, n_frames, 2)``: 1 where one speaks alone and is another
        than the last who did; and 1 where there is somebody to compare with.
    """
    alone = speaks.sum(axis=2) == 1
    voice = np.where(alone, speaks.argmax(axis=2), _NOBODY)
    n_windows, n_frames = voice.shape
    found = np.zeros((n_windows, n_frames, 2), np.float32)
    last = np.full(n_windows, _NOBODY)
    since = np.zeros(n_windows, np.int_)
    for frame in range(n_frames):
        now = voice[:, frame]
        compared = (now >= 0) & (last >= 0) & (since <= _MEMORY_FRAMES)
        found[:, frame, 0] = compared & (now != last)
        found[:, frame, 1] = compared
        last = np.where(now >= 0, now, last)
        since = np.where(now >= 0, 0, since + 1)
    return found


def pieces(
    n_voices: NDArray[np.int_], changing: NDArray[np.float32]
) -> list[tuple[int, int]]:
    """Cut a recording.

    Args:
        n_voices: how many speak in each frame, shape ``(n_frames,)``.
        changing: mean over windows of what `changes` gives, shape ``(n_frames, 2)``.

    Returns:
        first frame of each piece and the one behind its last; in order, none of them
        with two voices at once.
    """
    changed = np.convolve(changing[:, 0], _NEARLY, "same")
    share = changed / np.maximum(changing[:, 1], _LEAST_COMPARED)
    highest = maximum_filter1d(share, 2 * _NEAR_FRAMES + 1)
    cuts = (share > _HALF) & (share >= highest)
    return [part for piece in _runs(n_voices, cuts) for part in _parts(*piece)]


def _runs(
    n_voices: NDArray[np.int_], changed: NDArray[np.bool_]
) -> Iterator[tuple[int, int]]:
    begin, end = _NOBODY, _NOBODY
    for frame in np.flatnonzero(n_voices).tolist():
        alone = n_voices[frame] == 1
        cut = changed[frame] and frame - begin >= _LEAST_FRAMES
        if begin >= 0 and (not alone or frame - end > _GAP_FRAMES or cut):
            yield begin, end
            begin = _NOBODY
        if alone:
            begin = frame if begin < 0 else begin
            end = frame + 1
    if begin >= 0:
        yield begin, end


def _parts(begin: int, end: int) -> Iterator[tuple[int, int]]:
    n_parts = -(-(end - begin) // _MOST_FRAMES)
    cuts = np.linspace(begin, end, n_parts + 1).round().astype(int).tolist()
    yield from itertools.pairwise(cuts)
