"""The picture of a recording: how loud each channel is, in a few thousand steps."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from audio.codec import FULL_SCALE

PEAKS = 2400
"""Steps of the picture, a few for each of its pixels."""

_BLOCK_SAMPLES = 1 << 20


@dataclass(frozen=True, slots=True)
class Peaks:
    """A recording's picture.

    Attributes:
        channels: for each channel, the highest level of each step, in [0, 1].
    """

    duration_s: float
    channels: list[list[float]]


_PEAKS = TypeAdapter(Peaks)


def peaks_of(recording: Path) -> Peaks:
    """Return a recording's picture: drawn once, then kept beside the recording.

    Raises:
        soundfile.LibsndfileError: it is not there, or holds no audio at all.
    """
    kept = recording.with_suffix(".peaks.json")
    try:
        return _PEAKS.validate_json(kept.read_bytes())
    except (OSError, ValidationError):
        pass  # Not drawn yet, or broken off while it was written.
    found = read_peaks(recording)
    partial = kept.with_suffix(f".{os.getpid()}.part")
    try:
        partial.write_bytes(_PEAKS.dump_json(found))
        partial.replace(kept)
    except OSError:
        partial.unlink(missing_ok=True)  # A full disk keeps nobody from looking.
    return found


def read_peaks(
    path: Path, n_peaks: int = PEAKS, from_s: float = 0.0, to_s: float | None = None
) -> Peaks:
    """Read a stretch of a FLAC file once, in pieces; hours of audio take seconds.

    Args:
        path: the recording.
        n_peaks: steps of the picture, at most.
        from_s: where the stretch begins; past the end there is silence.
        to_s: where it ends, or the recording; None: the recording's end.

    Raises:
        soundfile.LibsndfileError: it is not there, or holds no audio at all.
    """
    with soundfile.SoundFile(path) as file:
        first = min(file.frames, round(from_s * file.samplerate))
        end = file.frames if to_s is None else round(to_s * file.samplerate)
        left = max(0, min(file.frames, end) - first)
        total = max(1, left)
        step = max(1, -(-total // n_peaks))
        highest: list[NDArray[np.int32]] = []
        block = max(step, _BLOCK_SAMPLES // step * step)
        file.seek(first)
        while len(pcm := file.read(min(block, left), dtype="int16", always_2d=True)):
            left -= len(pcm)
            starts = np.arange(0, len(pcm), step)
            above = np.maximum.reduceat(pcm, starts).astype(np.int32)
            below = np.minimum.reduceat(pcm, starts).astype(np.int32)
            highest.append(np.maximum(above, -below))
        found = (
            np.concatenate(highest)
            if highest
            else np.zeros((1, file.channels), np.int32)
        )
        return Peaks(
            duration_s=total / file.samplerate,
            channels=[
                [round(int(peak) / FULL_SCALE, 3) for peak in channel]
                for channel in found.T
            ],
        )
