"""The units that audio travels in: parties, frames, segments, windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from audio.errors import PartyError, ShapeError

RATE = 16_000
"""Sampling rate in Hz of everything after the resampler."""

FRAME_SAMPLES = 512
"""Samples in one frame: 32 ms, the step of the speech detector."""

FRAME_S = FRAME_SAMPLES / RATE


class Party(StrEnum):
    """Who is being heard."""

    CUSTOMER = "customer"
    AGENT = "agent"
    UNKNOWN = "unknown"


def _check_mono(pcm: NDArray[np.float32]) -> None:
    if pcm.ndim != 1 or pcm.dtype != np.float32:
        raise ShapeError(
            "pcm must be float32 with shape (n_samples,), "
            f"got {pcm.dtype} with shape {pcm.shape}"
        )


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: arrays do not compare
class Frame:
    """32 ms of one party, mono at 16 kHz.

    Attributes:
        pcm: float32, shape ``(512,)``, values in [-1.0, 1.0].
        start: index of the first sample, counted from the start of the call.
        party: who is being heard.
        shared: somebody else is heard in it too, on a line with one channel.

    Raises:
        ShapeError: `pcm` is not one-dimensional float32 of 512 samples.
    """

    pcm: NDArray[np.float32]
    start: int
    party: Party
    shared: bool = False

    def __post_init__(self) -> None:
        _check_mono(self.pcm)
        if len(self.pcm) != FRAME_SAMPLES:
            raise ShapeError(
                f"a frame has {FRAME_SAMPLES} samples, got {len(self.pcm)}"
            )

    @property
    def end(self) -> int:
        """Index of the first sample after the frame."""
        return self.start + FRAME_SAMPLES


def whole_frames(pcm: NDArray[np.float32], party: Party) -> list[Frame]:
    """Cut audio into frames; what is left over at the end is nobody's.

    Args:
        pcm: float32, shape ``(n_samples,)``, mono at 16 kHz, in [-1.0, 1.0].
        party: who is heard.

    Raises:
        ShapeError: `pcm` is not one-dimensional float32.
    """
    _check_mono(pcm)
    return [
        Frame(pcm[start : start + FRAME_SAMPLES], start, party)
        for start in range(0, len(pcm) - FRAME_SAMPLES + 1, FRAME_SAMPLES)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One stretch of speech of one party, found by the endpointer.

    Attributes:
        pcm: float32, shape ``(n_samples,)``, mono at 16 kHz, in [-1.0, 1.0].
        start: index of the first sample, counted from the start of the call.
        party: who speaks.
        cut: the speech goes on after the segment, which was ended because it
            had become too long to wait for.

    Raises:
        ShapeError: `pcm` is not one-dimensional float32.
    """

    pcm: NDArray[np.float32]
    start: int
    party: Party
    cut: bool = False

    def __post_init__(self) -> None:
        _check_mono(self.pcm)

    @property
    def start_s(self) -> float:
        """Start, in seconds of call time."""
        return self.start / RATE

    @property
    def end_s(self) -> float:
        """End, in seconds of call time."""
        return (self.start + len(self.pcm)) / RATE


@dataclass(frozen=True, slots=True, eq=False)
class CustomerWindow:
    """The customer's most recent audio, and the only thing a voice model takes.

    Nobody but the customer is scored. The type holds that: a window is made
    from frames, and a frame of anybody else, or with anybody else in it, is refused.

    Attributes:
        pcm: float32, shape ``(n_samples,)``, mono at 16 kHz, in [-1.0, 1.0].
        start: index of the first sample, counted from the start of the call.
    """

    pcm: NDArray[np.float32]
    start: int

    def __post_init__(self) -> None:
        _check_mono(self.pcm)

    @classmethod
    def of(cls, frames: Sequence[Frame]) -> Self:
        """Join frames of the customer into one window.

        Raises:
            PartyError: a frame is not the customer's alone, or there is none.
        """
        if not frames:
            raise PartyError("a window needs at least one frame of the customer")
        for frame in frames:
            if frame.party is not Party.CUSTOMER:
                raise PartyError(
                    f"only the customer is scored, got a frame of the {frame.party}"
                )
            if frame.shared:
                raise PartyError(
                    "only the customer is scored, got a frame with somebody else in it"
                )
        return cls(np.concatenate([frame.pcm for frame in frames]), frames[0].start)

    @property
    def end_s(self) -> float:
        """End, in seconds of call time."""
        return (self.start + len(self.pcm)) / RATE
