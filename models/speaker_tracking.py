"""Tells the voices of one live line apart as they come: a `SpeakerTracker`.

Once a second our segmentation model hears the last 8 s and tells up to three voices
apart in them; the speaker encoder describes each, and what it has described so far is
grouped anew. Groups keep the names they were first given, so a label that is out is
never another's. Source: the scheme of Coria et al. 2021, Overlap-aware low-latency
online speaker diarization, arXiv:2109.06483, with regrouping in place of its centroids.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import (  # type: ignore[import-untyped]  # no stubs
    linear_sum_assignment,
)

from audio.frame import FRAME_S, FRAME_SAMPLES, RATE, Frame
from audio.speakers import REACH_S, HeardFrame
from models import diarisation_weights
from models.speaker_encoder import (
    HOP_SAMPLES,
    N_DIMENSIONS,
    SpeakerEncoder,
    load_speaker_encoder,
    spectrogram,
)
from models.voice_clusters import (
    CountParams,
    Parting,
    PartingParams,
    count,
    grouped,
    means,
)

if TYPE_CHECKING:
    from pyannote.audio.utils.powerset import Powerset

    from models.segmentation import Segmentation

_MAX_ITEMS = 240
"""Descriptions of voices that are remembered; then every second old one is let go."""

_DESCRIBED_FRAMES = 320
"""A voice is described from its last 3.2 s in a window."""

_LEAST_S = 0.4
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class TrackingParams:
    """How voices are followed.

    Attributes:
        step_frames: frames between two looks.
        ahead_s: audio that must follow a frame before it is given to somebody.
        most: voices that are told apart.
        counting: when two groups of voices are two people.
        parting: how what parts two people is found.
    """

    step_frames: int = 30
    ahead_s: float = 0.5
    most: int = 3
    counting: CountParams = field(default_factory=CountParams)
    parting: PartingParams = field(default_factory=PartingParams)

    def __post_init__(self) -> None:
        if self.most < 1:
            raise ValueError(f"most must be 1 or more, got {self.most}")


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """What the segmentation model hears in the last seconds.

    Attributes:
        start: first sample.
        centres: middle of each of its frames, in samples of the call.
        speaks: bool, shape ``(n_frames, n_voices)``.
        loudness: how sure it is of each, likewise.
    """

    start: int
    centres: NDArray[np.int_]
    speaks: NDArray[np.bool_]
    loudness: NDArray[np.float32]


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
        self._segmentation = _segmentation(weights)
        self._encoder: SpeakerEncoder = load_speaker_encoder()
        self._params = params or TrackingParams()
        self._recent: deque[Frame] = deque(
            maxlen=round(diarisation_weights.WINDOW_S / FRAME_S)
        )
        self._waiting: deque[Frame] = deque()
        self._given: deque[tuple[int, frozenset[int]]] = deque(
            maxlen=self._recent.maxlen
        )
        self._n_new = 0
        self._voices: list[NDArray[np.float32]] = []
        self._seconds: list[float] = []
        self._whose: list[int] = []
        self._differences: deque[tuple[NDArray[np.float32], float]] = deque(
            maxlen=_MAX_ITEMS
        )
        self._parting = Parting.unknown(N_DIMENSIONS)
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
        window = self._segmented()
        speakers = self._speakers_of(window)
        out: list[HeardFrame] = []
        while self._waiting and self._waiting[0].end <= until:
            out.append(self._give(self._waiting.popleft(), window, speakers))
        return out

    def _segmented(self) -> _Window:
        pcm = diarisation_weights.narrowed(
            np.concatenate([frame.pcm for frame in self._recent])
        )
        model, classes = self._segmentation
        with torch.inference_mode():
            scores = model(torch.from_numpy(pcm)[None, None])
            speaks = classes.to_multilabel(scores)[0].numpy() > _HALF
            loudness = classes.to_multilabel(scores, soft=True)[0].exp().numpy()
        first, second = (model.receptive_field_center(index) for index in (0, 1))
        start = self._recent[0].start
        centres = start + first + (second - first) * np.arange(len(speaks))
        return _Window(start, centres.astype(int), speaks, loudness)

    def _speakers_of(self, window: _Window) -> list[int | None]:
        """Say who each voice of a window is; None for one that is not heard."""
        n_voices = window.speaks.shape[1]
        heard = [index for index in range(n_voices) if window.speaks[:, index].any()]
        described = self._described(window, heard)
        # The last windows have most of their audio in common: what is new counts.
        step_s = self._params.step_frames * FRAME_S
        for voice, seconds in described.values():
            self._remember(voice, min(seconds, step_s))
        for (one, one_s), (other, other_s) in combinations(described.values(), 2):
            self._differences.append((one - other, min(one_s, other_s)))
        if described:
            self._regroup()
        if not heard or not self._n_speakers:
            return [None] * n_voices
        fit = np.array(
            [self._fit(window, index, described) for index in heard], np.float32
        )
        best = fit.argmax(axis=1)
        if self._n_speakers > 1 and len(heard) > 1:
            best = self._apart(fit, best, [index in described for index in heard])
        found: list[int | None] = [None] * n_voices
        for index, speaker in zip(heard, best, strict=True):
            found[index] = int(speaker)
        return found

    def _apart(
        self,
        fit: NDArray[np.float32],
        best: NDArray[np.intp],
        described: Sequence[bool],
    ) -> NDArray[np.intp]:
        """Take a voice that says too little to be described for somebody else.

        The segmentation model tells it from the others in the window, so it is not
        one of those who are there.
        """
        if all(described):
            return best
        rows, columns = linear_sum_assignment(-fit)
        apart = dict(zip(rows.tolist(), columns.tolist(), strict=True))
        return np.array(
            [
                best[row] if described[row] else apart.get(row, best[row])
                for row in range(len(best))
            ]
        )

    def _described(
        self, window: _Window, heard: Sequence[int]
    ) -> dict[int, tuple[NDArray[np.float32], float]]:
        """Describe each voice from where it speaks alone; seconds of that beside it."""
        pcm = np.concatenate([frame.pcm for frame in self._recent])
        mel = spectrogram(torch.from_numpy(pcm))
        at = np.arange(len(mel)) * HOP_SAMPLES + window.start
        nearest = np.searchsorted(window.centres, at).clip(0, len(window.centres) - 1)
        alone = window.speaks.sum(axis=1) == 1
        mels: list[torch.Tensor] = []
        for index in heard:
            mask = (window.speaks[:, index] & alone)[nearest]
            mels.append(mel[torch.from_numpy(mask)][-_DESCRIBED_FRAMES:])
        if not mels:
            return {}
        with torch.inference_mode():
            voices = self._encoder.voices(mels).numpy()
        return {
            index: (voice, len(part) * HOP_SAMPLES / RATE)
            for index, voice, part in zip(heard, voices, mels, strict=True)
            if not np.isnan(voice).any()
        }

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

    def _regroup(self) -> None:
        """Group all that was described; each group keeps the name it had."""
        voices, seconds = np.array(self._voices), np.array(self._seconds, np.float32)
        params = self._params
        self._n_speakers = count(
            voices, seconds, params.most, params.counting, max(1, self._n_speakers)
        )
        if self._differences:
            differences, beside_s = zip(*self._differences, strict=True)
            self._parting = Parting.of(
                np.array(differences),
                np.array(beside_s, np.float32),
                self._params.parting,
            )
        stretched = self._parting.stretched(voices)
        groups = grouped(stretched, seconds, self._n_speakers)
        self._n_speakers = max(int(groups.max()) + 1, self._n_speakers)
        shared = np.zeros((self._n_speakers, self._n_speakers))
        for group, name, length in zip(groups, self._whose, seconds, strict=True):
            if name >= 0:
                shared[group, name] += length
        _, names = linear_sum_assignment(-shared)
        self._whose = [int(names[group]) for group in groups]

    def _fit(
        self,
        window: _Window,
        index: int,
        described: dict[int, tuple[NDArray[np.float32], float]],
    ) -> NDArray[np.float32]:
        """Say how well a voice of a window fits each speaker.

        Who says too little to be described is whoever was there before. For others
        that counts for nothing: a label that was wrong would keep itself alive.
        """
        fit = np.zeros(self._n_speakers, np.float32)
        if index in described:
            whose = np.array(self._whose)
            present = np.unique(whose)
            groups = np.searchsorted(present, whose)
            middle = means(
                self._parting.stretched(np.array(self._voices)),
                np.array(self._seconds, np.float32),
                groups,
            )
            fit[present] = middle @ self._parting.stretched(described[index][0])
            return fit
        for start, speakers in self._given:
            place = np.searchsorted(window.centres, start + FRAME_SAMPLES // 2)
            if place < len(window.centres) and window.speaks[place, index]:
                for speaker in speakers:
                    fit[speaker] += FRAME_S
        return fit

    def _give(
        self, frame: Frame, window: _Window, speakers: Sequence[int | None]
    ) -> HeardFrame:
        middle = frame.start + FRAME_SAMPLES // 2
        place = int(np.searchsorted(window.centres, middle))
        place = min(place, len(window.centres) - 1)
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
        alone = len(near) < 2  # noqa: PLR2004  # two at once
        name = None if holder is None else f"SPEAKER_{holder:02d}"
        return HeardFrame(frame, name, alone)


def _speaking(window: _Window, place: int) -> list[int]:
    return [int(voice) for voice in np.flatnonzero(window.speaks[place])]


def _nearest(window: _Window, middle: int, place: int) -> int:
    """Find the frame with speech next to a silent one, within reach; -1: none."""
    spoken = np.flatnonzero(window.speaks.any(axis=1))
    if not len(spoken):
        return -1
    nearest = int(spoken[np.abs(spoken - place).argmin()])
    near = abs(int(window.centres[nearest]) - middle) <= REACH_S * RATE
    return nearest if near else -1


@lru_cache
def _segmentation(weights: Path) -> tuple["Segmentation", "Powerset"]:
    model, _ = diarisation_weights.load(weights)
    return model, diarisation_weights.powerset()
