"""Any rate to 16 kHz, while the audio still arrives."""

from fractions import Fraction

import numpy as np
import soxr
from numpy.typing import NDArray

from audio.codec import RATE_STEP
from audio.frame import RATE


class Resampler:
    """Brings the channels of one stream to 16 kHz.

    The filter is fed in blocks of 40 ms however the input is cut, so the output
    depends on the samples alone, to the last bit. Output comes up to 0.16 s of
    audio after its input (measured at 8 kHz; half of it at 44.1 kHz), at its own
    place in time: what sounds at `t` in the input sounds at `t` in the output.
    Audio that has 16 kHz already passes through untouched and at once.

    Args:
        rate: of the input, in Hz; one of `audio.codec.RATES`.
        n_channels: how many channels are resampled, each for itself.
    """

    def __init__(self, rate: int, n_channels: int) -> None:
        self._rate = rate
        self._block_samples = rate // RATE_STEP
        self._filter = soxr.ResampleStream(rate, RATE, n_channels, dtype="float32")
        self._rest: NDArray[np.float32] = np.empty((0, n_channels), np.float32)
        self._n_received = 0
        self._n_returned = 0

    def feed(self, pcm: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take more samples; return those that are certain by now.

        Args:
            pcm: float32, shape ``(n_samples, n_channels)``.

        Returns:
            float32, shape ``(n_samples, n_channels)`` at 16 kHz; peaks may pass
            1.0 where the input was close to it.
        """
        self._n_received += len(pcm)
        if self._rate == RATE:
            return pcm
        held = np.concatenate([self._rest, pcm])
        n_whole = len(held) - len(held) % self._block_samples
        self._rest = held[n_whole:]
        blocks = held[:n_whole].reshape(-1, self._block_samples, held.shape[1])
        parts = [self._filter.resample_chunk(block) for block in blocks]
        return self._count(np.concatenate([held[:0], *parts]))

    def flush(self) -> NDArray[np.float32]:
        """Return what the filter still holds; nothing may be fed after it.

        With it, the output of `n` samples is ``n * 16000 / rate`` samples long,
        rounded to the nearest.
        """
        if self._rate == RATE:
            return self._rest
        tail = self._filter.resample_chunk(self._rest, last=True)
        # The filter's own rounding may be one sample off.
        n_due = round(Fraction(self._n_received * RATE, self._rate)) - self._n_returned
        missing = max(0, n_due - len(tail))
        return self._count(np.pad(tail, ((0, missing), (0, 0)))[:n_due])

    def _count(self, pcm: NDArray[np.float32]) -> NDArray[np.float32]:
        self._n_returned += len(pcm)
        return pcm
