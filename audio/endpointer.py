"""Frames with speech probabilities to stretches of speech worth transcribing."""

import math
from dataclasses import dataclass

import numpy as np

from audio.errors import PartyError
from audio.events import SpeechEnded, SpeechStarted
from audio.frame import FRAME_S, FRAME_SAMPLES, RATE, Frame, Party, Segment

EndpointerEvent = SpeechStarted | SpeechEnded | Segment

_ROUNDING = 1e-9
"""Keeps a whole number of frames whole when it is divided out of seconds."""


@dataclass(frozen=True, slots=True)
class EndpointerParams:
    """When speech begins, when it has ended, and when it is cut.

    Times are rounded up to whole frames, the longest segment down. The two
    thresholds are those of the detector's authors (Silero VAD,
    `get_speech_timestamps`: 0.5, and 0.15 less to leave speech).

    Attributes:
        onset: a frame at least this probable can begin speech.
        offset: a frame at least this probable continues it.
        min_speech_s: this much speech must be heard before it counts; what stops
            for as long before that never was speech.
        hangover_s: silence that ends speech.
        pre_roll_s: audio before the first frame of speech in its segment, for
            the soft sounds that words begin with.
        trailing_s: audio after the last frame of speech in its segment.
        cut_after_s: a segment this long is cut at its next pause.
        cut_pause_s: silence within speech that is a pause to cut at.
        max_segment_s: no segment is longer; without a pause it is cut at its
            least speech-like frame since `cut_after_s`.

    Raises:
        ValueError: a value is out of its range, or two contradict each other.
    """

    onset: float = 0.5
    offset: float = 0.35
    min_speech_s: float = 0.16
    hangover_s: float = 0.6
    pre_roll_s: float = 0.2
    trailing_s: float = 0.2
    cut_after_s: float = 8.0
    cut_pause_s: float = 0.25
    max_segment_s: float = 12.0

    def __post_init__(self) -> None:
        if not 0 < self.offset <= self.onset <= 1:
            raise ValueError(
                "thresholds must satisfy 0 < offset <= onset <= 1, "
                f"got offset {self.offset} and onset {self.onset}"
            )
        if not 0 < self.min_speech_s <= self.hangover_s:
            raise ValueError(
                "times must satisfy 0 < min_speech_s <= hangover_s, "
                f"got {self.min_speech_s} and {self.hangover_s}"
            )
        if not 0 <= self.trailing_s <= self.hangover_s or self.pre_roll_s < 0:
            raise ValueError(
                "times must satisfy 0 <= trailing_s <= hangover_s and "
                f"0 <= pre_roll_s, got trailing_s {self.trailing_s}, hangover_s "
                f"{self.hangover_s} and pre_roll_s {self.pre_roll_s}"
            )
        if not 0 < self.cut_pause_s <= self.hangover_s:
            raise ValueError(
                "times must satisfy 0 < cut_pause_s <= hangover_s, "
                f"got {self.cut_pause_s} and {self.hangover_s}"
            )
        # What a cut leaves open is never due for the next cut at once.
        if not (
            self.pre_roll_s + self.hangover_s
            < self.cut_after_s
            <= self.max_segment_s - 2 * FRAME_S
        ):
            raise ValueError(
                "times must satisfy pre_roll_s + hangover_s < cut_after_s <= "
                f"max_segment_s - {2 * FRAME_S}, got cut_after_s "
                f"{self.cut_after_s} and max_segment_s {self.max_segment_s}"
            )


@dataclass(slots=True)
class _Speech:
    """The stretch of speech that goes on; sample indexes of the call.

    Attributes:
        start: start of its first frame of speech.
        end: end of its last frame of speech so far.
        n_frames: how many frames of speech were heard.
        told: it is long enough to count, and `SpeechStarted` was returned.
    """

    start: int
    end: int
    n_frames: int = 0
    told: bool = False


class Endpointer:
    """Finds where one party's speech begins and ends.

    Pure: no clock, no I/O. Segments of a party follow each other without
    overlap; every frame from the start to the end of speech is in exactly one of
    them. Holds at most one open segment and the hangover after it.

    Args:
        party: whose frames come.
        params: when speech begins, ends and is cut.
    """

    def __init__(self, party: Party, params: EndpointerParams) -> None:
        self._party = party
        self._params = params
        self._min_frames = _n_frames(params.min_speech_s)
        self._hangover_frames = _n_frames(params.hangover_s)
        self._pre_roll_frames = _n_frames(params.pre_roll_s)
        self._trailing_frames = _n_frames(params.trailing_s)
        self._cut_after_frames = _n_frames(params.cut_after_s)
        self._cut_pause_frames = _n_frames(params.cut_pause_s)
        self._max_frames = math.floor(params.max_segment_s / FRAME_S + _ROUNDING)
        self._frames: list[Frame] = []
        self._probabilities: list[float] = []
        self._speech: _Speech | None = None
        self._next_start: int | None = None

    @property
    def speaking(self) -> bool:
        """Whether the party speaks: told to have started, not yet to have ended."""
        return self._speech is not None and self._speech.told

    def feed(self, frame: Frame, probability: float) -> list[EndpointerEvent]:
        """Take the party's next frame; return what is certain now.

        `SpeechStarted` comes once enough speech was heard, `SpeechEnded` and then
        the last `Segment` one hangover after the end of speech. A segment that
        was cut comes alone: the speech goes on.

        Args:
            frame: begins where the one before ended.
            probability: that the frame holds speech, in [0, 1].

        Raises:
            PartyError: the frame is another party's.
            ValueError: the frame does not follow the one before, or the
                probability is none.
        """
        self._check(frame, probability)
        self._next_start = frame.end
        self._frames.append(frame)
        self._probabilities.append(probability)
        if self._speech is None:
            if probability < self._params.onset:
                self._forget(keep=self._pre_roll_frames)
                return []
            self._speech = _Speech(frame.start, frame.start)
        if probability < self._params.offset:
            return self._hear_silence(self._speech, frame)
        return self._hear_speech(self._speech, frame)

    def flush(self) -> list[EndpointerEvent]:
        """Return what is still open: the audio ends, or is not to be heard on.

        Frames may be fed after it, from any place in the call.
        """
        speech = self._speech
        told = self._end(speech) if speech is not None and speech.told else []
        self._speech = None
        self._next_start = None
        self._forget(keep=0)
        return told

    @property
    def open_s(self) -> float:
        """Length of the segment that still grows, 0 while nobody speaks."""
        return len(self._frames) * FRAME_S if self.speaking else 0.0

    def open_segment(self) -> Segment:
        """Return the segment that still grows, as far as it has come.

        For partial transcripts: it ends with the last frame fed and counts as
        cut, since the speech may go on.

        Raises:
            ValueError: nobody speaks.
        """
        if not self.speaking:
            raise ValueError("there is no open segment while nobody speaks")
        return self._segment(len(self._frames), cut=True)

    def _check(self, frame: Frame, probability: float) -> None:
        if frame.party is not self._party:
            raise PartyError(
                f"the endpointer of the {self._party} got a frame of the {frame.party}"
            )
        if self._next_start is not None and frame.start != self._next_start:
            raise ValueError(
                f"the next frame must begin at sample {self._next_start}, "
                f"got one at {frame.start}"
            )
        if not 0 <= probability <= 1:
            raise ValueError(f"a probability is in [0, 1], got {probability}")

    def _hear_speech(self, speech: _Speech, frame: Frame) -> list[EndpointerEvent]:
        pause_frames = (frame.start - speech.end) // FRAME_SAMPLES
        speech.end = frame.end
        speech.n_frames += 1
        if speech.told:
            return self._cut_if_due(pause_frames)
        if speech.n_frames < self._min_frames:
            return []
        speech.told = True
        return [SpeechStarted(self._party, speech.start / RATE)]

    def _hear_silence(self, speech: _Speech, frame: Frame) -> list[EndpointerEvent]:
        silent_frames = (frame.end - speech.end) // FRAME_SAMPLES
        if speech.told:
            if silent_frames < self._hangover_frames:
                return []
            told = self._end(speech)
        else:
            if silent_frames < self._min_frames:
                return []
            told = []
        self._speech = None
        self._forget(keep=self._pre_roll_frames)
        return told

    def _cut_if_due(self, pause_frames: int) -> list[EndpointerEvent]:
        # Only at a frame of speech: what is cut off is followed by speech, and
        # that frame is left for the next segment.
        n_before = len(self._frames) - 1
        paused = (
            n_before > self._cut_after_frames and pause_frames >= self._cut_pause_frames
        )
        if n_before < self._max_frames and not paused:
            return []
        first = self._cut_after_frames
        last = min(n_before, self._max_frames)
        quietest = first + int(np.argmin(self._probabilities[first:last]))
        cut = self._segment(quietest + 1, cut=True)
        self._forget(keep=len(self._frames) - quietest - 1)
        return [cut]

    def _end(self, speech: _Speech) -> list[EndpointerEvent]:
        """Return the end of speech and its last segment, and forget the latter."""
        start = self._frames[0].start
        n_speech = (speech.end - start) // FRAME_SAMPLES
        n_segment = min(
            n_speech + self._trailing_frames, self._max_frames, len(self._frames)
        )
        segment = self._segment(n_segment, cut=False)
        self._forget(keep=len(self._frames) - n_segment)
        ended = SpeechEnded(self._party, speech.start / RATE, speech.end / RATE)
        return [ended, segment]

    def _segment(self, n_frames: int, *, cut: bool) -> Segment:
        frames = self._frames[:n_frames]
        pcm = np.concatenate([frame.pcm for frame in frames])
        return Segment(pcm, frames[0].start, self._party, cut)

    def _forget(self, *, keep: int) -> None:
        """Let go of all frames but the last `keep`."""
        n_gone = max(0, len(self._frames) - keep)
        del self._frames[:n_gone]
        del self._probabilities[:n_gone]


def _n_frames(duration_s: float) -> int:
    return math.ceil(duration_s / FRAME_S - _ROUNDING)
