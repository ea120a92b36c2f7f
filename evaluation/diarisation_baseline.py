"""The plain way to tell voices apart, to measure ours against.

Silero's voice activity, the speaker encoder on windows of 1.6 s every 0.8 s, and
average-linkage clustering. No overlaps, and no boundary but the activity's and the
middle between two windows.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import (  # type: ignore[import-untyped]  # no stubs
    fcluster,
    linkage,
)

from audio.endpointer import Endpointer, EndpointerParams
from audio.events import SpeechEnded
from audio.frame import RATE, Party, whole_frames
from audio.speakers import Turn
from models.ports import Diarisation
from models.speaker_encoder import (
    N_DIMENSIONS,
    load_speaker_encoder,
    spectrogram,
)
from models.speech_detection import SileroDetector

_WINDOW_S = 1.6
_HOP_S = 0.8
_HANGOVER_S = 0.3
_LEAST_S = 0.45


def speech_of(pcm: NDArray[np.float32]) -> list[tuple[float, float]]:
    """Return start and end, in seconds, of what Silero takes for speech."""
    detector = SileroDetector()
    endpointer = Endpointer(
        Party.UNKNOWN, EndpointerParams(hangover_s=_HANGOVER_S, trailing_s=0.1)
    )
    found: list[tuple[float, float]] = []
    frames = whole_frames(pcm, Party.UNKNOWN)
    for frame, heard in zip(frames, detector.probabilities(frames), strict=True):
        found += _ends(endpointer.feed(frame, heard))
    return found + list(_ends(endpointer.flush()))


def _ends(events: Sequence[object]) -> Iterator[tuple[float, float]]:
    for event in events:
        if isinstance(event, SpeechEnded):
            yield event.start_s, event.end_s


def diarise_plainly(pcm: NDArray[np.float32], n_speakers: int) -> Diarisation:
    """Diarise with the plain way, told how many speakers there are."""
    pieces = [piece for span in speech_of(pcm) for piece in _windows(*span)]
    if not pieces:
        return Diarisation((), ())
    voices = np.array(
        [_voice(pcm[round(a * RATE) : round(b * RATE)]) for a, b in pieces]
    )
    known = np.flatnonzero(~np.isnan(voices).any(axis=1))
    labels = np.zeros(len(pieces), int)
    if len(known) > 1:
        tree = linkage(voices[known], "average", metric="cosine")
        labels[known] = fcluster(tree, n_speakers, criterion="maxclust")
        for index in set(range(len(pieces))) - set(known.tolist()):
            labels[index] = labels[known[np.argmin(np.abs(known - index))]]
    turns = joined(pieces, labels)
    return Diarisation(turns, turns)


@torch.inference_mode()
def _voice(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Describe the voice of a piece; NaN where it is too short."""
    if len(pcm) < _LEAST_S * RATE:
        return np.full(N_DIMENSIONS, np.nan, np.float32)
    mel = spectrogram(torch.from_numpy(pcm))
    voice: NDArray[np.float32] = load_speaker_encoder().alone(mel).numpy()
    return voice


def _windows(start_s: float, end_s: float) -> Iterator[tuple[float, float]]:
    at_s = start_s
    while at_s == start_s or at_s + _WINDOW_S - _HOP_S < end_s:
        yield at_s, min(at_s + _WINDOW_S, end_s)
        at_s += _HOP_S


def joined(
    pieces: list[tuple[float, float]], labels: NDArray[np.int_]
) -> tuple[Turn, ...]:
    """Join windows of one speaker; two that overlap part in the middle."""
    turns: list[Turn] = []
    for (start_s, end_s), label in zip(pieces, labels, strict=True):
        speaker = f"plain{label}"
        last = turns[-1] if turns else None
        if last is not None and start_s <= last.end_s:
            if last.speaker == speaker:
                turns[-1] = Turn(last.start_s, end_s, speaker)
                continue
            middle_s = (start_s + last.end_s) / 2
            turns[-1] = Turn(last.start_s, middle_s, last.speaker)
            turns.append(Turn(middle_s, end_s, speaker))
            continue
        turns.append(Turn(start_s, end_s, speaker))
    return tuple(turns)
