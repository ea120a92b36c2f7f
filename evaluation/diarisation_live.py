"""Who speaks when, as a live call is told it: label by label, while it comes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.frame import FRAME_S, RATE, Party, whole_frames
from audio.speakers import Turn
from models.ports import SpeakerTracker


@dataclass(frozen=True, slots=True)
class Followed:
    """What a tracker said of a call.

    Attributes:
        turns: who had the floor when.
        given_s: for each frame, how much of the call had been heard when it was given.
        took_s: how long it took.
    """

    turns: tuple[Turn, ...]
    given_s: tuple[float, ...]
    took_s: float


def follow(pcm: NDArray[np.float32], tracker: SpeakerTracker) -> Followed:
    """Play a call to a tracker.

    Args:
        pcm: float32, shape ``(n_samples,)``, mono at 16 kHz.
        tracker: that has heard nothing yet.
    """
    names: list[str | None] = []
    given_s: list[float] = []
    began = time.perf_counter()
    frames = whole_frames(pcm, Party.UNKNOWN)
    for frame in frames:
        for heard in tracker.feed(frame):
            names.append(heard.speaker)
            given_s.append(frame.end / RATE)
    for heard in tracker.flush():
        names.append(heard.speaker)
        given_s.append(len(frames) * FRAME_S)
    took_s = time.perf_counter() - began
    return Followed(tuple(_turns(names)), tuple(given_s), took_s)


def _turns(names: Sequence[str | None]) -> list[Turn]:
    turns: list[Turn] = []
    for number, name in enumerate(names):
        if name is None:
            continue
        start_s, end_s = number * FRAME_S, (number + 1) * FRAME_S
        if turns and turns[-1].speaker == name and turns[-1].end_s == start_s:
            turns[-1] = Turn(turns[-1].start_s, end_s, name)
        else:
            turns.append(Turn(start_s, end_s, name))
    return turns


def latencies_s(followed: Followed, truth: Sequence[Turn]) -> list[float]:
    """Return, for each speaker, how long after his first word he has his own name.

    The names are matched to the speakers by what they share over the whole call; a
    speaker that no name is left for counts from his first word to the end.
    """
    length = len(followed.given_s)
    speakers = sorted({turn.speaker for turn in truth})
    names = sorted({turn.speaker for turn in followed.turns})
    said = {name: _mask(followed.turns, name, length) for name in names}
    true = {name: _mask(truth, name, length) for name in speakers}
    shared = sorted(
        (
            (int((true[who] & said[name]).sum()), who, name)
            for who in speakers
            for name in names
        ),
        reverse=True,
    )
    matched: dict[str, str] = {}
    for n_frames, who, name in shared:
        if n_frames and who not in matched and name not in matched.values():
            matched[who] = name
    found: list[float] = []
    for who in speakers:
        first = int(np.argmax(true[who]))
        right = np.zeros(length, np.bool_)
        if who in matched:
            right = true[who] & said[matched[who]]
        at = int(np.argmax(right)) if right.any() else length - 1
        found.append(followed.given_s[at] - first * FRAME_S)
    return found


def _mask(turns: Sequence[Turn], name: str, length: int) -> NDArray[np.bool_]:
    mask = np.zeros(length, np.bool_)
    for turn in turns:
        if turn.speaker == name:
            mask[round(turn.start_s / FRAME_S) : round(turn.end_s / FRAME_S)] = True
    return mask
