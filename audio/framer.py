"""A stream of bytes, or of decoded samples, to frames of each party."""

import numpy as np
from numpy.typing import NDArray

from audio.codec import AudioFormat, decode
from audio.errors import DamagedError, FormatError, ShapeError
from audio.frame import FRAME_SAMPLES, Frame, Party
from audio.resampler import Resampler


class Framer:
    """Cuts one call's audio into frames, one of each party for every 32 ms.

    Live bytes and the samples of a recording take the same way from the
    resampler on. Pure: the frames depend on the audio alone, not on how it was
    cut on its way here.

    Args:
        audio_format: what arrives; its encoding matters to `receive_bytes` only.
        parties: who is heard on each channel, in the order of the channels.

    Raises:
        FormatError: there is not exactly one party for each channel.
    """

    def __init__(self, audio_format: AudioFormat, parties: tuple[Party, ...]) -> None:
        n_channels = audio_format.n_channels
        if len(parties) != n_channels or len(set(parties)) != n_channels:
            raise FormatError(
                f"{n_channels} channels need as many different parties, "
                f"got {', '.join(parties) or 'none'}"
            )
        self._format = audio_format
        self._parties = parties
        self._resampler = Resampler(audio_format.rate, n_channels)
        self._odd_bytes = b""
        self._rest: NDArray[np.float32] = np.empty((0, n_channels), np.float32)
        self._next_start = 0
        self._n_received = 0
        self._flushed = False

    @property
    def received_s(self) -> float:
        """How much audio has come, in seconds of call time."""
        return self._n_received / self._format.rate

    def receive_bytes(self, data: bytes) -> list[tuple[Frame, ...]]:
        """Take bytes as they came from the line; return the frames they complete.

        Bytes of a sampling instant that is not complete wait for the rest.

        Returns:
            For every 32 ms one frame of each party, in the order of `parties`.

        Raises:
            ValueError: the framer has been flushed.
        """
        held = self._odd_bytes + data
        n_whole = len(held) - len(held) % self._format.instant_bytes
        self._odd_bytes = held[n_whole:]
        return self._receive(decode(held[:n_whole], self._format))

    def receive_pcm(self, pcm: NDArray[np.float32]) -> list[tuple[Frame, ...]]:
        """Take samples that somebody else decoded; return the frames they complete.

        What is louder than full scale is clipped, as it is on a line.

        Args:
            pcm: float32, shape ``(n_samples, n_channels)``, at the format's rate.

        Returns:
            For every 32 ms one frame of each party, in the order of `parties`.

        Raises:
            ShapeError: `pcm` is not float32 with the format's number of channels.
            DamagedError: a sample is not a finite number.
            ValueError: the framer has been flushed.
        """
        n_channels = self._format.n_channels
        if pcm.dtype != np.float32 or pcm.shape[1:] != (n_channels,):
            raise ShapeError(
                f"pcm must be float32 with shape (n_samples, {n_channels}), "
                f"got {pcm.dtype} with shape {pcm.shape}"
            )
        finite = np.isfinite(pcm).all(axis=1)
        if not finite.all():
            at_s = (self._n_received + int(np.argmin(finite))) / self._format.rate
            raise DamagedError(
                f"every sample must be a finite number, the one at {at_s:.3f} s is "
                "not; export the recording again from where it was made"
            )
        return self._receive(np.clip(pcm, -1.0, 1.0))

    def flush(self) -> list[tuple[Frame, ...]]:
        """Return the last frames, filled up with zeros; nothing may come after.

        Half a sampling instant at the end is normal where a line was lost, and
        is dropped.

        Raises:
            ValueError: the framer has been flushed.
        """
        self._check_open()
        self._flushed = True
        frames = self._cut(self._resampler.flush())
        if len(self._rest):
            missing = FRAME_SAMPLES - len(self._rest)
            n_channels = self._format.n_channels
            frames += self._cut(np.zeros((missing, n_channels), np.float32))
        return frames

    def _receive(self, pcm: NDArray[np.float32]) -> list[tuple[Frame, ...]]:
        self._check_open()
        self._n_received += len(pcm)
        return self._cut(self._resampler.feed(pcm))

    def _check_open(self) -> None:
        if self._flushed:
            raise ValueError("the framer was flushed: a new call needs a new framer")

    def _cut(self, pcm: NDArray[np.float32]) -> list[tuple[Frame, ...]]:
        held = np.concatenate([self._rest, np.clip(pcm, -1.0, 1.0)])
        n_frames = len(held) // FRAME_SAMPLES
        self._rest = held[n_frames * FRAME_SAMPLES :]
        frames = []
        for start in range(0, n_frames * FRAME_SAMPLES, FRAME_SAMPLES):
            piece = held[start : start + FRAME_SAMPLES]
            frames.append(self._split(piece))
        return frames

    def _split(self, pcm: NDArray[np.float32]) -> tuple[Frame, ...]:
        start = self._next_start
        self._next_start += FRAME_SAMPLES
        # A frame owns its samples: one that is kept keeps no whole message alive.
        return tuple(
            Frame(pcm[:, channel].copy(), start, party)
            for channel, party in enumerate(self._parties)
        )
