"""Two-channel calls for the capacity run: real speech, known words, a quarrel."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from audio.frame import RATE, Party
from models.errors import DataError
from models.manifest import read_manifest
from models.voice_audio import read_mono

LINE_RATE = 8_000
TALK_SHARE = 0.7
"""Of the time somebody speaks."""

_SHORTEST_S, _LONGEST_S = 1.0, 12.0
_BLOCK_S = 40.0
"""Real speech between two quarrels."""

_QUARREL_S = 50.0
"""Of the demo call: until after its first cue."""

_GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, less whole numbers, lie as evenly as any between 0 and 1."""

_DEMO = Path(__file__).parent / "demo" / "demo-en.flac"


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """One recording of real speech and its words."""

    pcm: NDArray[np.float32]
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """Who says what when, in call seconds."""

    party: Party
    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class LoadCall:
    """One call to be streamed.

    Attributes:
        pcm: float32, shape ``(n_samples, 2)`` at `LINE_RATE`, customer first.
        turns: the turns whose words are known, complete within the call.
    """

    pcm: NDArray[np.float32]
    turns: Sequence[Turn]


def read_spoken(folder: Path) -> list[Sentence]:
    """Read English recordings short enough to be one turn, at the line's rate.

    Raises:
        DataError: the folder holds none.
    """
    found = []
    for row in read_manifest(folder, ("path", "lang", "text")):
        if row["lang"] != "en":
            continue
        pcm = read_mono(folder / row["path"])
        if _SHORTEST_S <= len(pcm) / RATE <= _LONGEST_S:
            narrow = soxr.resample(pcm, RATE, LINE_RATE).astype(np.float32)
            found.append(Sentence(narrow, row["text"]))
    if not found:
        raise DataError(
            f"{folder.name} holds no English recording of {_SHORTEST_S:g} to "
            f"{_LONGEST_S:g} s"
        )
    return found


def build_call(
    spoken: Sequence[Sentence], index: int, duration_s: float, *, calm: bool = False
) -> LoadCall:
    """Put the call of this number together; the same number gives the same call.

    Real speech takes turns between the two, `TALK_SHARE` of the time; every now and
    then the synthesised demo call is heard, which is what raises cues and alerts.
    Each call begins somewhere else in that round, so that no two are in step.

    Args:
        spoken: what is said.
        index: the number.
        duration_s: how long the call is.
        calm: the demo call is never heard.
    """
    draw = np.random.default_rng(index)
    quarrel = _quarrel()
    cut = int(_begins_at(index) * (_QUARREL_S + _BLOCK_S) * LINE_RATE)
    n_wanted = cut + int(duration_s * LINE_RATE)
    order = draw.permutation(len(spoken))
    pieces: list[NDArray[np.float32]] = []
    turns: list[Turn] = []
    n_now, n_turn = 0, 0

    def add(piece: NDArray[np.float32]) -> None:
        nonlocal n_now
        pieces.append(piece)
        n_now += len(piece)

    def seconds(n_samples: int) -> float:
        return (n_samples - cut) / LINE_RATE

    while n_now < n_wanted:
        if not calm:
            add(quarrel)
        block_end = n_now + int(_BLOCK_S * LINE_RATE)
        while n_now < min(block_end, n_wanted):
            one = spoken[order[n_turn % len(order)]]
            n_turn += 1
            channel = n_turn % 2
            piece = np.zeros((len(one.pcm), 2), np.float32)
            piece[:, channel] = one.pcm
            party = (Party.CUSTOMER, Party.AGENT)[channel]
            end_s = seconds(n_now + len(piece))
            turns.append(Turn(party, seconds(n_now), end_s, one.text))
            add(piece)
            gap = len(one.pcm) * (1 - TALK_SHARE) / TALK_SHARE
            add(np.zeros((int(gap * draw.uniform(0.6, 1.4)), 2), np.float32))
    pcm = np.concatenate(pieces)[cut:n_wanted]
    whole = [
        turn for turn in turns if turn.start_s >= 0 and turn.end_s < duration_s - 1.0
    ]
    return LoadCall(pcm, whole)


def _begins_at(index: int) -> float:
    """Where in its round a call begins, 0 to 1: any number of calls lie evenly."""
    return index * _GOLDEN % 1.0


@cache
def _quarrel() -> NDArray[np.float32]:
    pcm, rate = soundfile.read(_DEMO, dtype="float32", always_2d=True)
    narrow: NDArray[np.float32] = soxr.resample(pcm, rate, LINE_RATE)
    return narrow[: int(_QUARREL_S * LINE_RATE)].astype(np.float32)
