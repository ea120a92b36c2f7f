"""Tells a party's own voice from the other party's, heard faintly on the same line.

A handset, a headset or a bridge lets some of one channel through to the other. Its
content is perfect speech, so a speech detector takes it for the wrong party's.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from audio.frame import FRAME_S, FRAME_SAMPLES, Frame

_SILENT_DBFS: Final = -120.0


@dataclass(frozen=True, slots=True)
class CrossTalkParams:
    """What is taken for cross-talk. Both values are our choice.

    Attributes:
        drop_db: speech this far below the loudest of the others is theirs. ITU-T
            G.122 asks of a connection to weaken an echo by more than that; two
            people on one call seldom lie so far apart.
        delay_s: how late cross-talk may come.

    Raises:
        ValueError: a value is not positive.
    """

    drop_db: float = 20.0
    delay_s: float = 0.16

    def __post_init__(self) -> None:
        if min(self.drop_db, self.delay_s) <= 0:
            raise ValueError(
                "drop_db and delay_s must be positive, "
                f"got {self.drop_db} and {self.delay_s}"
            )


class CrossTalk:
    """Compares the levels of the parties' lines, frame by frame. Pure.

    While nobody else is loud nothing is cross-talk, however faint it is.

    Args:
        n_parties: how many lines there are.
        params: what is cross-talk.
    """

    def __init__(self, n_parties: int, params: CrossTalkParams) -> None:
        self._drop_db = params.drop_db
        n_frames = 1 + math.ceil(params.delay_s / FRAME_S)
        self._recent: list[deque[float]] = [
            deque(maxlen=n_frames) for _ in range(n_parties)
        ]

    def feed(self, frames: Sequence[Frame]) -> list[bool]:
        """Take one frame of each party; say of each whether it is cross-talk at most.

        Args:
            frames: of the same moment, in the same order each time.
        """
        if len(self._recent) == 1:
            return [False]
        levels_dbfs = [_level_dbfs(frame) for frame in frames]
        for recent, level_dbfs in zip(self._recent, levels_dbfs, strict=True):
            recent.append(level_dbfs)
        loudest = [max(recent) for recent in self._recent]
        return [
            any(
                level_dbfs < other_dbfs - self._drop_db
                for other, other_dbfs in enumerate(loudest)
                if other != number
            )
            for number, level_dbfs in enumerate(levels_dbfs)
        ]


def _level_dbfs(frame: Frame) -> float:
    # Not `np.mean`: it takes twice as long over so few samples.
    energy = float(np.add.reduce(np.square(frame.pcm, dtype=np.float64)))
    power = energy / FRAME_SAMPLES
    return 10 * math.log10(power) if power > 0 else _SILENT_DBFS
