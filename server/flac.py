"""Keeps audio as FLAC: whole, or not at all."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from audio.codec import FULL_SCALE


def write_flac(
    target: Path, rate: int, n_channels: int, blocks: Iterable[NDArray[np.float32]]
) -> None:
    """Write 16-bit FLAC, which has its name only once all of it is there.

    Args:
        target: the file.
        rate: in Hz.
        n_channels: 1 or 2.
        blocks: float32 arrays of shape ``(n_samples, n_channels)``, in [-1, 1].

    Raises:
        OSError: there is no room; nothing is left behind.
    """
    partial = target.with_suffix(f"{target.suffix}.part")
    n_samples = 0
    try:
        with soundfile.SoundFile(
            partial,
            "w",
            samplerate=rate,
            channels=n_channels,
            format="FLAC",
            subtype="PCM_16",
        ) as file:
            for block in blocks:
                scaled = np.rint(block * FULL_SCALE)
                limits = (-FULL_SCALE, FULL_SCALE - 1)
                file.write(np.clip(scaled, *limits).astype(np.int16))
                n_samples += len(block)
        _check_whole(partial, n_samples)
        partial.replace(target)
    except (soundfile.SoundFileError, AssertionError) as error:
        raise OSError(f"{target.name} could not be written: {error}") from error
    finally:
        if not partial.is_dir():  # Then it is nothing of ours.
            partial.unlink(missing_ok=True)


def _check_whole(flac: Path, n_samples: int) -> None:
    """Refuse a file that has lost its end, which a full disk may do in silence."""
    found = soundfile.info(flac).frames
    if found != n_samples:
        raise soundfile.LibsndfileError(
            0, f"{found} of {n_samples} samples were written: "
        )
