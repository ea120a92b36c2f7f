"""Who speaks when on a line that carries several voices, and whose each frame is.

Speakers are what a diariser tells apart and has no other name for; parties are what
they turn out to be. Pure.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from audio.frame import FRAME_SAMPLES, RATE, Frame, Party

REACH_S = 0.3
"""Audio this near to a turn goes with it: the soft sounds that words begin and end
with, as far as the speech detector hears something in them."""


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """One speaker's speech from a start to an end: a line of RTTM.

    Attributes:
        start_s: in seconds of call time.
        end_s: likewise.
        speaker: name, the same for the same voice throughout the call.
    """

    start_s: float
    end_s: float
    speaker: str


@dataclass(frozen=True, slots=True, eq=False)
class HeardFrame:
    """A frame of a line with several voices, and whose it is.

    Attributes:
        frame: the audio.
        speaker: who has the floor over most of it; None where nobody is near.
        alone: nobody else is heard in any sample of it.
    """

    frame: Frame
    speaker: str | None
    alone: bool


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Samples from here to the next stretch: who has the floor, and who speaks."""

    start: int
    speaking: frozenset[str]
    floor: str | None


class Timeline:
    """Answers whose a frame is. Turns of different speakers may overlap.

    Args:
        turns: in any order.
        floor: turns without overlaps that say who is the louder where several
            speak; by default whoever began first keeps the floor.
    """

    def __init__(self, turns: Iterable[Turn], floor: Iterable[Turn] = ()) -> None:
        self.turns = tuple(sorted(turns))
        self._holders = tuple(sorted(floor)) or self.turns
        edges = {0}
        for turn in self.turns + self._holders:
            edges |= {_sample(turn.start_s), _sample(turn.end_s)}
        self._starts = sorted(edges)
        self._stretches = [self._stretch(start) for start in self._starts]

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names, in the order in which they are first heard."""
        return tuple(dict.fromkeys(turn.speaker for turn in self.turns))

    def hear(self, frame: Frame) -> HeardFrame:
        """Tell whose a frame is."""
        shares: dict[str | None, int] = {}
        speaking: set[str] = set()
        index = bisect_right(self._starts, frame.start) - 1
        for number in range(index, len(self._starts)):
            stretch = self._stretches[number]
            if stretch.start >= frame.end:
                break
            last = number + 1 == len(self._starts)
            end = frame.end if last else min(frame.end, self._starts[number + 1])
            length = end - max(frame.start, stretch.start)
            shares[stretch.floor] = shares.get(stretch.floor, 0) + length
            speaking |= stretch.speaking
        holder = max(shares, key=lambda name: (name is not None, shares[name]))
        if holder is None:
            holder = self._nearest(frame)
        return HeardFrame(frame, holder, not speaking - {holder})

    def most_heard(self, start_s: float, end_s: float, among: Sequence[str]) -> str:
        """Tell whose turns overlap a stretch most; the first named where none does.

        Args:
            start_s: of the stretch, in seconds of call time.
            end_s: of the stretch.
            among: speakers to choose from, at least one.
        """
        overlap_s = dict.fromkeys(among, 0.0)
        for turn in self.turns:
            if turn.speaker in overlap_s:
                shared_s = min(end_s, turn.end_s) - max(start_s, turn.start_s)
                overlap_s[turn.speaker] += max(0.0, shared_s)
        return max(among, key=lambda speaker: overlap_s[speaker])

    def _stretch(self, start: int) -> _Stretch:
        speaking = frozenset(
            turn.speaker
            for turn in self.turns
            if _sample(turn.start_s) <= start < _sample(turn.end_s)
        )
        floor = next(
            (
                turn.speaker
                for turn in self._holders
                if _sample(turn.start_s) <= start < _sample(turn.end_s)
            ),
            None,
        )
        return _Stretch(start, speaking, floor)

    def _nearest(self, frame: Frame) -> str | None:
        middle_s = (frame.start + FRAME_SAMPLES // 2) / RATE
        near = [
            (max(turn.start_s - middle_s, middle_s - turn.end_s), turn.speaker)
            for turn in self.turns
            if turn.start_s - REACH_S <= middle_s <= turn.end_s + REACH_S
        ]
        return min(near)[1] if near else None


class Router:
    """Gives each frame of a mono line to the party that has the floor.

    The others hear silence in its place. Where others speak too, the frame says so,
    and is kept from the voice model.

    Args:
        parties: those who get a frame each, in this order; one may stand there twice,
            while nobody knows who is who.
        places: index into `parties` of each speaker.
        elsewhere: that of a speaker who has none there; None: his frames are nobody's.
    """

    def __init__(
        self,
        parties: Sequence[Party],
        places: Mapping[str, int],
        elsewhere: int | None = None,
    ) -> None:
        self._parties = tuple(parties)
        self._places = dict(places)
        self._elsewhere = elsewhere
        self._silence = np.zeros(FRAME_SAMPLES, np.float32)

    def route(self, heard: HeardFrame) -> tuple[Frame, ...]:
        """Return one frame for each party."""
        frame = heard.frame
        owner = None
        if heard.speaker is not None:
            owner = self._places.get(heard.speaker, self._elsewhere)
        return tuple(
            Frame(frame.pcm, frame.start, party, shared=not heard.alone)
            if place == owner
            else Frame(self._silence, frame.start, party)
            for place, party in enumerate(self._parties)
        )


def _sample(time_s: float) -> int:
    return round(time_s * RATE)
