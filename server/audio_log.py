"""A call's audio on disk: raw bytes while it lives, FLAC once it is over."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from audio.codec import AudioFormat, decode
from server.flac import write_flac

RAW = ".raw"
FLAC = ".flac"

_BLOCK_BYTES = 1 << 18
"""How much is converted or copied at once; a call of hours never stands in memory."""


class AudioLog:
    """Append-only file of one call's audio, and what the disk has yet to take.

    Audio is held in memory from `append` until `store` has written it. Blocking.
    One thread appends and stores, any other may read.

    Args:
        folder: where the file is; made when it is not there.
        call_id: names the file.
        audio_format: of the audio.
        power_safe: count as stored only what survives a loss of power, and not
            all that survives the end of the process.

    Raises:
        OSError: the file cannot be opened.

    Attributes:
        path: the file.
        power_safe: see above.
        n_bytes: how much is stored: acknowledged audio is never more than this.
        n_received: how much is stored or held.
    """

    def __init__(
        self,
        folder: Path,
        call_id: str,
        audio_format: AudioFormat,
        *,
        power_safe: bool = False,
    ) -> None:
        self.path = folder / f"{call_id}{RAW}"
        self._format = audio_format
        self.power_safe = power_safe
        self._lock = threading.Lock()
        self._held = bytearray()
        folder.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a+b", buffering=0)
        self._n_written = os.fstat(self._file.fileno()).st_size
        self.n_bytes = self._n_written

    @property
    def n_received(self) -> int:
        """How much is stored or held."""
        with self._lock:
            return self._n_written + len(self._held)

    @property
    def n_held(self) -> int:
        """How much the disk has yet to take."""
        return len(self._held)

    def append(self, data: bytes) -> None:
        """Hold `data`, which follows what is there."""
        with self._lock:
            self._held += data

    def store(self, until: int | None = None) -> None:
        """Write what is held, up to byte `until` of the call.

        Raises:
            OSError: the disk is full or gone; what it did not take stays held.
        """
        end = self.n_received if until is None else until
        while self._n_written < end:
            data = bytes(self._held[: end - self._n_written])
            n_done = self._file.write(data)
            with self._lock:
                self._n_written += n_done
                del self._held[:n_done]
        if self.power_safe and self.n_bytes < self._n_written:
            os.fdatasync(self._file.fileno())
        self.n_bytes = self._n_written

    def read(self, at: int, n_bytes: int) -> bytes:
        """Return up to `n_bytes` of the call from byte `at` on, stored or held."""
        with self._lock:
            held_from = at - self._n_written
            if held_from >= 0:
                return bytes(self._held[held_from : held_from + n_bytes])
            return os.pread(self._file.fileno(), min(n_bytes, -held_from), at)

    def keep_place(self) -> None:
        """See that the file is where it should be; where it is gone, write it again.

        A file whose folder was removed lives on for who holds it open, so nothing
        that was acknowledged is lost.

        Raises:
            OSError: the folder is gone and cannot be made.
        """
        if is_in_place(self.path, self._file.fileno()):
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        again = self.path.open("w+b", buffering=0)
        try:
            for at in range(0, self._n_written, _BLOCK_BYTES):
                write_all(
                    again.fileno(), os.pread(self._file.fileno(), _BLOCK_BYTES, at)
                )
        except OSError:
            again.close()
            self.path.unlink(missing_ok=True)
            raise
        with self._lock:
            self._file, gone = again, self._file
        gone.close()

    def close(self) -> None:
        """Write no more; what was stored stays as it is."""
        self._file.close()

    def finish(self) -> None:
        """Make the recording a FLAC file; the raw file goes when that is whole.

        Raises:
            OSError: there is no room; the raw file stays.
        """
        os.fsync(self._file.fileno())
        self.close()
        raw_to_flac(self.path, self.path.with_suffix(FLAC), self._format)

    def delete(self) -> None:
        """Remove what was stored: the customer does not want it kept."""
        self.close()
        self.path.unlink(missing_ok=True)
        self.path.with_suffix(FLAC).unlink(missing_ok=True)


def is_in_place(path: Path, fileno: int) -> bool:
    """Whether an open file is still the one that its path names."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(fileno)
    return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)


def write_all(fileno: int, data: bytes) -> None:
    """Write all of `data`, however many pieces the system takes it in.

    Raises:
        OSError: the disk is full or gone.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(fileno, view) :]


def raw_to_flac(raw: Path, flac: Path, audio_format: AudioFormat) -> None:
    """Convert raw call audio to 16-bit FLAC at its own rate, then remove it.

    The FLAC file appears whole or not at all. A half sample at the end, from a
    line that was cut, is left out; of a call without any audio there is no file.

    Raises:
        OSError: there is no room; the raw file stays.
    """
    step = audio_format.instant_bytes
    if raw.stat().st_size < step:
        raw.unlink()
        return
    with raw.open("rb") as source:
        rate, n_channels = audio_format.rate, audio_format.n_channels
        write_flac(flac, rate, n_channels, _decoded(source, audio_format))
    raw.unlink()


def _decoded(
    source: BinaryIO, audio_format: AudioFormat
) -> Iterator[NDArray[np.float32]]:
    step = audio_format.instant_bytes
    while data := source.read(_BLOCK_BYTES // step * step):
        yield decode(data[: len(data) // step * step], audio_format)
