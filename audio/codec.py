"""Bytes of a telephone line to samples, and back."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from audio.errors import DamagedError, FormatError, ShapeError

FULL_SCALE = 32_768
"""The 16-bit value that is 1.0 as a float."""

RATE_STEP = 25
"""Rates are multiples of it, so that 40 ms hold a whole number of samples."""

RATES = range(8_000, 48_000 + RATE_STEP, RATE_STEP)
"""Every rate that we take, in Hz: telephony's, and 11025, 22050, 44100 too."""

MAX_CHANNELS = 2


class Encoding(StrEnum):
    """How one sample is written."""

    PCM_S16LE = "pcm_s16le"
    MULAW = "mulaw"
    ALAW = "alaw"


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What has to be known to read a stream of audio bytes.

    Attributes:
        encoding: how one sample is written.
        rate: sampling rate in Hz, a multiple of 25 from 8000 to 48000.
        n_channels: 1, or 2 with interleaved samples.

    Raises:
        FormatError: the rate or the number of channels is not one that we take.
    """

    encoding: Encoding
    rate: int
    n_channels: int

    def __post_init__(self) -> None:
        if self.rate not in RATES:
            raise FormatError(
                f"the rate must be a multiple of {RATE_STEP} from {RATES[0]} to "
                f"{RATES[-1]} Hz, got {self.rate}; resample the audio first"
            )
        if self.n_channels not in range(1, MAX_CHANNELS + 1):
            raise FormatError(
                "audio must have one channel, or two with a party on each, "
                f"got {self.n_channels}"
            )

    @property
    def instant_bytes(self) -> int:
        """Bytes of one sampling instant: a sample of every channel."""
        sample_bytes = 2 if self.encoding is Encoding.PCM_S16LE else 1
        return sample_bytes * self.n_channels

    def silence(self, n_bytes: int) -> bytes:
        """Return `n_bytes` that sound like nothing.

        The quietest code of A-law is not zero but a 4096th of full scale.
        """
        return _SILENCE[self.encoding] * n_bytes


def decode(data: bytes, audio_format: AudioFormat) -> NDArray[np.float32]:
    """Read interleaved audio bytes.

    A sample is its 16-bit value divided by 32768. G.711 codes become the 16-bit
    values that the standard gives them, so audio which was stored losslessly in
    16 bits has the very samples it had live.

    Returns:
        float32, shape ``(n_samples, n_channels)``, in [-1.0, 1.0).

    Raises:
        DamagedError: `data` ends in the middle of a sampling instant.
    """
    if len(data) % audio_format.instant_bytes:
        raise DamagedError(
            f"{audio_format.encoding} with {audio_format.n_channels} channels comes "
            f"in multiples of {audio_format.instant_bytes} bytes, got {len(data)}"
        )
    if audio_format.encoding is Encoding.PCM_S16LE:
        values = np.frombuffer(data, np.dtype("<i2"))
    else:
        codes = np.frombuffer(data, np.uint8)
        values = _VALUES[audio_format.encoding][codes]
    pcm = values.astype(np.float32) / np.float32(FULL_SCALE)
    return pcm.reshape(-1, audio_format.n_channels)


def encode(pcm: NDArray[np.float32], audio_format: AudioFormat) -> bytes:
    """Write samples as interleaved audio bytes; what is too loud is clipped.

    Args:
        pcm: float, shape ``(n_samples, n_channels)``, without NaN.
        audio_format: the encoding and number of channels to write.

    Raises:
        ShapeError: `pcm` does not have the format's number of channels.
    """
    if pcm.ndim != MAX_CHANNELS or pcm.shape[1] != audio_format.n_channels:
        raise ShapeError(
            f"pcm must have shape (n_samples, {audio_format.n_channels}), "
            f"got {pcm.shape}"
        )
    scaled = np.rint(pcm * FULL_SCALE)
    values = np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype("<i2")
    if audio_format.encoding is Encoding.PCM_S16LE:
        return values.tobytes()
    return _CODES[audio_format.encoding][values.view(np.uint16)].tobytes()


def _mulaw_values() -> NDArray[np.int16]:
    """Return the 16-bit value of each of the 256 mu-law codes.

    All bits of a code are sent inverted. The magnitude is a mantissa of four bits
    with a leading one and a half step, scaled by the segment, less a bias of 33 in
    the standard's 14 bits, which are the upper ones of our 16.

    Source: ITU-T G.711 (11/88), section 3.2 and tables 2a, 2b.
    """
    code = ~np.arange(256, dtype=np.uint8)
    segment = (code >> 4 & 7).astype(np.int32)
    mantissa = (code & 15).astype(np.int32)
    magnitude = 4 * (((2 * mantissa + 33) << segment) - 33)
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_values() -> NDArray[np.int16]:
    """Return the 16-bit value of each of the 256 A-law codes.

    The even bits of a code are sent inverted and a set sign bit means positive.
    The first two segments have the same step; values are the middle of their
    step, in the standard's 13 bits, which are the upper ones of our 16.

    Source: ITU-T G.711 (11/88), section 3.1 and tables 1a, 1b.
    """
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    segment = (code >> 4 & 7).astype(np.int32)
    mantissa = (code & 15).astype(np.int32)
    leading = np.where(segment, 33, 1)
    magnitude = 8 * (2 * mantissa + leading) << np.maximum(segment - 1, 0)
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _mulaw_magnitude_code(magnitude: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return segment and mantissa for the upper 14 bits of 16-bit magnitudes."""
    biased = np.minimum(magnitude // 4, 8_158) + 33
    segment: NDArray[np.int32] = np.frexp(biased)[1] - 6
    return segment << 4 | biased >> (segment + 1) & 15


def _alaw_magnitude_code(magnitude: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return segment and mantissa for the upper 13 bits of 16-bit magnitudes."""
    steps = np.minimum(magnitude // 8, 4_095)
    segment: NDArray[np.int32] = np.maximum(np.frexp(steps)[1] - 5, 0)
    return segment << 4 | steps >> np.maximum(segment, 1) & 15


def _codes(
    magnitude_code: Callable[[NDArray[np.int32]], NDArray[np.int32]],
    negative: int,
    positive: int,
) -> NDArray[np.uint8]:
    """Return the code of every 16-bit value, in the order of its bit pattern.

    `negative` and `positive` hold the sign bit and the bits sent inverted. The
    magnitude of a negative value is its ones' complement, which decides on which
    side a value falls that is exactly between two steps.

    Source: ITU-T G.191 (Software Tools Library), module g711, whose reference
    code does so.
    """
    values = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)
    inverted = np.where(values < 0, negative, positive)
    magnitudes = np.where(values < 0, ~values, values)
    return (magnitude_code(magnitudes) ^ inverted).astype(np.uint8)


_VALUES = {Encoding.MULAW: _mulaw_values(), Encoding.ALAW: _alaw_values()}
_CODES = {
    Encoding.MULAW: _codes(_mulaw_magnitude_code, negative=0x7F, positive=0xFF),
    Encoding.ALAW: _codes(_alaw_magnitude_code, negative=0x55, positive=0xD5),
}
_SILENCE = {
    Encoding.PCM_S16LE: b"\x00",
    Encoding.MULAW: b"\xff",
    Encoding.ALAW: b"\xd5",
}
