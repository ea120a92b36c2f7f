"""Tells the voices of one live line apart as they come: a `SpeakerTracker`.

Once a second our segmentation model says who speaks in the last 8 s, up to three
voices; the speaker encoder describes those who have just spoken, and what it has
described so far is grouped anew. Where two are told apart in one window, there are two
people. Groups keep the names they were first given, so a label that is out is never
another's.

Source: the scheme of Coria et al. 2021, Overlap-aware low-latency online speaker
diarization, arXiv:2109.06483, with regrouping in place of its centroids.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import (  # type: ignore[import-untyped]  # no stubs
    linear_sum_assignment,
)

from audio.frame import FRAME_S, FRAME_SAMPLES, RATE, Frame
from audio.speakers import REACH_S, HeardFrame
from models import diarisation_weights
from models.live_hearing import WINDOW_SAMPLES, LiveHearing, Window
from models.voice_clusters import CountParams, grouped, means

_MAX_ITEMS = 240
"""Descriptions of voices that are remembered; then every second old one is let go."""

_TWO = 2


@dataclass(frozen=True, slots=True)
class TrackingParams:
    """How voices are followed.

    Attributes:
        step_frames: frames between two looks.
        ahead_s: audio that must follow a frame before it is given to somebody.
        most: voices that are told apart.
        counting: when two groups of voices are two people.
    """

    step_frames: int = 30
    ahead_s: float = 0.5
    most: int = 3
    counting: CountParams = field(default_factory=lambda: CountParams(first_groups=2))

    def __post_init__(self) -> None:
        if self.most < 1:
            raise ValueError(f"most must be 1 or more, got {self.most}")


class LiveTracker:
    """Follows the voices of one call. Not thread-safe; its memory dies with it.

    Args:
        weights: of the segmentation model.
        params: how voices are followed.

    Raises:
        WeightsError: weights are missing or not the ones expected.
    """

    def __init__(
        self,
        weights: Path = diarisation_weights.DEFAULT,
        params: TrackingParams | None = None,
    ) -> None:
        self._hearing = LiveHearing(weights)
        self._params = params or TrackingParams()
        self._recent: deque[Frame] = deque(maxlen=-(-WINDOW_SAMPLES // FRAME_SAMPLES))
        self._waiting: deque[Frame] = deque()
        self._given: deque[tuple[int, frozenset[int]]] = deque(
            maxlen=self._recent.maxlen
        )
        self._n_new = 0
        self._voices: list[NDArray[np.float32]] = []
        self._seconds: list[float] = []
        self._whose: list[int] = []
        self._n_speakers = 0

    def feed(self, frame: Frame) -> list[HeardFrame]:
        """See `models.ports.SpeakerTracker`."""
        self._recent.append(frame)
        self._waiting.append(frame)
        self._n_new += 1
        if self._n_new < self._params.step_frames:
            return []
        return self._look(frame.end - round(self._params.ahead_s * RATE))

    def flush(self) -> list[HeardFrame]:
        """See `models.ports.SpeakerTracker`."""
        return self._look(self._waiting[-1].end) if self._waiting else []

    def _look(self, until: int) -> list[HeardFrame]:
        self._n_new = 0
        window = self._hearing.hear(self._recent)
        speakers = self._speakers_of(window)
        out: list[HeardFrame] = []
        while self._waiting and self._waiting[0].end <= until:
            out.append(self._give(self._waiting.popleft(), window, speakers))
        return out

    def _speakers_of(self, window: Window) -> list[int | None]:
        """Say who each voice of a window is; None for one that is not heard."""
        n_voices = window.speaks.shape[1]
        heard = [index for index in range(n_voices) if window.speaks[:, index].any()]
        described = [
            index for index in heard if not np.isnan(window.voices[index]).any()
        ]
        # The last windows have most of their audio in common: what is new counts.
        step_s = self._params.step_frames * FRAME_S
        for index in described:
            seconds = min(float(window.alone_s[index]), step_s)
            self._remember(window.voices[index], seconds)
        if described:
            second_s = self._params.counting.second_s
            self._regroup(int((window.alone_s >= second_s).sum()))
        found: list[int | None] = [None] * n_voices
        if not heard or not self._n_speakers:
            return found
        fit = np.array([self._fit(window, index) for index in heard], np.float32)
        best = self._apart(fit, [index in described for index in heard])
        for index, speaker in zip(heard, best, strict=True):
            found[index] = speaker
        return found

    def _apart(self, fit: NDArray[np.float32], described: Sequence[bool]) -> list[int]:
        """Choose a speaker for each voice.

        Who has just been described is whom he is most like. Who has not is somebody
        else than the others in the window: the segmentation model tells them apart.
        """
        rows, columns = linear_sum_assignment(-fit)
        apart = dict(zip(rows.tolist(), columns.tolist(), strict=True))
        best: list[int] = fit.argmax(axis=1).tolist()
        return [
            best[row] if known else apart.get(row, best[row])
            for row, known in enumerate(described)
        ]

    def _remember(self, voice: NDArray[np.float32], seconds: float) -> None:
        self._voices.append(voice)
        self._seconds.append(seconds)
        self._whose.append(-1)
        if len(self._voices) > _MAX_ITEMS:
            keep = [
                place
                for place in range(len(self._voices))
                if place % 2 or place > _MAX_ITEMS // 2
            ]
            self._voices = [self._voices[place] for place in keep]
            self._seconds = [self._seconds[place] for place in keep]
            self._whose = [self._whose[place] for place in keep]

    def _regroup(self, together: int) -> None:
        """Group all that was described; each group keeps the name it had.

        Args:
            together: voices that one window tells apart.
        """
        voices, seconds = np.array(self._voices), np.array(self._seconds, np.float32)
        params = self._params
        least = max(1, self._n_speakers, min(together, _TWO, params.most))
        groups = grouped(voices, seconds, least, params.most, params.counting)
        self._n_speakers = max(int(groups.max()) + 1, self._n_speakers)
        shared = np.zeros((self._n_speakers, self._n_speakers))
        for group, name, length in zip(groups, self._whose, seconds, strict=True):
            if name >= 0:
                shared[group, name] += length
        _, names = linear_sum_assignment(-shared)
        self._whose = [int(names[group]) for group in groups]

    def _fit(self, window: Window, index: int) -> NDArray[np.float32]:
        """Say how well a voice of a window fits each speaker.

        Who says too little to be described is whoever was there before. For others
        that counts for nothing: a label that was wrong would keep itself alive.
        """
        fit = np.zeros(self._n_speakers, np.float32)
        if not np.isnan(window.voices[index]).any():
            whose = np.array(self._whose)
            present = np.unique(whose)
            middle = means(
                np.array(self._voices),
                np.array(self._seconds, np.float32),
                np.searchsorted(present, whose),
            )
            fit[present] = middle @ window.voices[index]
            return fit
        middles = window.middles
        for start, speakers in self._given:
            place = np.searchsorted(middles, start + FRAME_SAMPLES // 2)
            if place < len(middles) and window.speaks[place, index]:
                for speaker in speakers:
                    fit[speaker] += FRAME_S
        return fit / max(float(fit.sum()), FRAME_S)

    def _give(
        self, frame: Frame, window: Window, speakers: Sequence[int | None]
    ) -> HeardFrame:
        if not len(window.speaks):
            return HeardFrame(frame, None, alone=True)
        middle = frame.start + FRAME_SAMPLES // 2
        place = int(np.searchsorted(window.middles, middle))
        place = min(place, len(window.speaks) - 1)
        voices = _speaking(window, place)
        if not voices:
            place = _nearest(window, middle, place)
            voices = _speaking(window, place) if place >= 0 else []
            near: frozenset[int] = frozenset()
        else:
            named = {speakers[voice] for voice in voices}
            near = frozenset(name for name in named if name is not None)
        self._given.append((frame.start, near))
        louder = sorted(voices, key=lambda voice: -window.loudness[place, voice])
        holder = speakers[louder[0]] if louder else None
        alone = len(near) < _TWO
        name = None if holder is None else f"SPEAKER_{holder:02d}"
        return HeardFrame(frame, name, alone)


def _speaking(window: Window, place: int) -> list[int]:
    return [int(voice) for voice in np.flatnonzero(window.speaks[place])]


def _nearest(window: Window, middle: int, place: int) -> int:
    """Find the frame with speech next to a silent one, within reach; -1: none."""
    spoken = np.flatnonzero(window.speaks.any(axis=1))
    if not len(spoken):
        return -1
    nearest = int(spoken[np.abs(spoken - place).argmin()])
    near = abs(int(window.middles[nearest]) - middle) <= REACH_S * RATE
    return nearest if near else -1
