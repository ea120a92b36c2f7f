"""A call's audio on disk: raw bytes while it lives, FLAC once it is over."""

import os
from pathlib import Path

import numpy as np
import soundfile

from audio.codec import FULL_SCALE, AudioFormat, decode

_BLOCK_BYTES = 1 << 18
"""How much is converted at once; a call of hours never stands in memory."""


class AudioLog:
    """Append-only file of one call's audio, exactly as it arrived.

    Every write goes to the operating system before it returns, so what has been
    acknowledged survives the end of the process. Blocking; used by one thread.

    Attributes:
        n_bytes: how much is stored.
    """

    def __init__(self, folder: Path, call_id: str, audio_format: AudioFormat) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._raw = folder / f"{call_id}.raw"
        self._flac = folder / f"{call_id}.flac"
        self._format = audio_format
        self._file = self._raw.open("ab", buffering=0)
        self.n_bytes = self._file.tell()

    def append(self, data: bytes) -> None:
        """Store `data` after what is there.

        Raises:
            OSError: the disk is full or gone; nothing of `data` counts as stored.
        """
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self.n_bytes += len(data)

    def close(self) -> None:
        """Write no more; what was stored stays as it is."""
        self._file.close()

    def finish(self) -> None:
        """Make the recording a FLAC file; the raw file goes when that is whole."""
        os.fsync(self._file.fileno())
        self.close()
        raw_to_flac(self._raw, self._flac, self._format)

    def delete(self) -> None:
        """Remove what was stored: the customer does not want it kept."""
        self.close()
        self._raw.unlink(missing_ok=True)
        self._flac.unlink(missing_ok=True)


def raw_to_flac(raw: Path, flac: Path, audio_format: AudioFormat) -> None:
    """Convert raw call audio to 16-bit FLAC at its own rate, then remove it.

    The FLAC file appears whole or not at all. A half sample at the end, from a
    line that was cut, is left out.
    """
    partial = flac.with_suffix(".flac.part")
    step = audio_format.instant_bytes
    with (
        raw.open("rb") as source,
        soundfile.SoundFile(
            partial,
            "w",
            samplerate=audio_format.rate,
            channels=audio_format.n_channels,
            format="FLAC",
            subtype="PCM_16",
        ) as target,
    ):
        while data := source.read(_BLOCK_BYTES // step * step):
            whole = data[: len(data) // step * step]
            pcm = decode(whole, audio_format)
            target.write(np.rint(pcm * FULL_SCALE).astype(np.int16))
    partial.replace(flac)
    raw.unlink()
