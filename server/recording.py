"""Recordings of any common kind, read piece by piece as PCM."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from audio.codec import AudioFormat, Encoding, decode
from audio.errors import FormatError
from server.errors import RecordingError
from server.refusals import Refusal

_BLOCK_BYTES = 1 << 16
_RAW = {
    ".ulaw": Encoding.MULAW,
    ".ul": Encoding.MULAW,
    ".alaw": Encoding.ALAW,
    ".al": Encoding.ALAW,
}
"""Headerless G.711: 8 kHz mono."""

_LOSSLESS = ("flac", "pcm_", "alac")
"""Codecs whose container says exactly how many samples there are."""


_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
"""What a WAV header says that was written before its end was known."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that can be read.

    Attributes:
        path: where it is.
        rate: in Hz.
        n_channels: 1 or 2.
        duration_s: as its header says; None where it does not.
    """

    path: Path
    rate: int
    n_channels: int
    duration_s: float | None

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Read it once, from its start to its end.

        Yields:
            float32 arrays of shape ``(n_samples, n_channels)``, in [-1, 1].

        Raises:
            RecordingError: it is damaged, or ends before its header says.
        """
        if self.path.suffix.lower() in _RAW:
            yield from self._raw_blocks()
            return
        n_samples = 0
        try:
            with av.open(str(self.path), metadata_errors="ignore") as container:
                stream = container.streams.audio[0]
                exact = stream.codec_context.name.startswith(_LOSSLESS)
                for frame in container.decode(stream):
                    block = _to_float(frame)
                    n_samples += len(block)
                    yield block
        except av.FFmpegError as error:
            raise RecordingError(
                "recording_damaged",
                name=self.path.name,
                seconds=n_samples / self.rate,
                detail=error.strerror or "",
            ) from error
        if n_samples == 0:
            raise RecordingError("recording_no_audio", name=self.path.name)
        missing_s = (self.duration_s or 0.0) - n_samples / self.rate
        if exact and missing_s > 1 / self.rate:
            raise RecordingError(
                "recording_cut",
                name=self.path.name,
                promised=self.duration_s or 0.0,
                found=n_samples / self.rate,
            )

    def _raw_blocks(self) -> Iterator[NDArray[np.float32]]:
        audio_format = AudioFormat(_RAW[self.path.suffix.lower()], self.rate, 1)
        try:
            with self.path.open("rb") as file:
                while data := file.read(_BLOCK_BYTES):
                    yield decode(data, audio_format)
        except OSError as error:
            raise RecordingError(Refusal.of_file(self.path.name, error)) from error


def open_recording(path: Path) -> Recording:
    """Look at a recording's header.

    Raises:
        RecordingError: there is no such file, it is empty, it is not audio, or it
            has more channels or another rate than we take.
    """
    if not path.is_file():
        raise RecordingError("recording_missing", name=str(path))
    try:
        n_bytes = path.stat().st_size
        _check_riff_size(path, n_bytes)
    except OSError as error:
        raise RecordingError(Refusal.of_file(path.name, error)) from error
    if n_bytes == 0:
        raise RecordingError("recording_empty", name=path.name)
    if path.suffix.lower() in _RAW:
        return Recording(path, 8000, 1, n_bytes / 8000)
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise RecordingError("recording_no_audio", name=path.name)
            stream = container.streams.audio[0]
            duration_s = None
            if stream.duration is not None and stream.time_base is not None:
                duration_s = float(stream.duration * stream.time_base)
            recording = Recording(
                path, stream.codec_context.sample_rate, stream.channels, duration_s
            )
    except av.FFmpegError as error:
        raise RecordingError(
            "recording_unreadable", name=path.name, detail=error.strerror or ""
        ) from error
    try:
        AudioFormat(Encoding.PCM_S16LE, recording.rate, recording.n_channels)
    except FormatError as error:
        raise RecordingError(
            "recording_format", name=path.name, detail=str(error)
        ) from error
    return recording


def _check_riff_size(path: Path, n_bytes: int) -> None:
    """Refuse a WAV file that is shorter than it says; FFmpeg would not notice."""
    with path.open("rb") as file:
        header = file.read(8)
    size = int.from_bytes(header[4:], "little")
    if header[:4] == b"RIFF" and size not in _UNKNOWN_SIZES and size + 8 > n_bytes:
        raise RecordingError(
            "recording_cut_bytes",
            name=path.name,
            promised=size + 8,
            found=n_bytes,
        )


def _to_float(frame: av.AudioFrame) -> NDArray[np.float32]:
    """Samples of a decoded frame as float32, shape ``(n_samples, n_channels)``."""
    samples = frame.to_ndarray()
    # Planar formats come as (channels, samples), packed ones as (1, all of them).
    if frame.format.is_planar:
        samples = samples.T
    else:
        samples = samples.reshape(-1, len(frame.layout.channels))
    if samples.dtype == np.uint8:
        return ((samples.astype(np.float32) - 128.0) / 128.0).astype(np.float32)
    if np.issubdtype(samples.dtype, np.integer):
        full_scale = 2.0 ** (8 * samples.dtype.itemsize - 1)
        return (samples / full_scale).astype(np.float32)
    return samples.astype(np.float32)
