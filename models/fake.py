"""Models without weights, for tests: what they say follows from what they are given."""

import threading
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from audio.frame import RATE, CustomerWindow, Frame
from audio.speakers import HeardFrame, Timeline, Turn
from models.errors import InferenceError
from models.ports import Diarisation, Transcriber, Transcript, VoiceReading

_SILENT_DBFS = -120.0
_NOTHING: Mapping[int, str] = MappingProxyType({})


def level_dbfs(pcm: NDArray[np.float32]) -> float:
    """RMS level of `pcm`, -120 where it is silent."""
    rms = float(np.sqrt(np.mean(np.square(pcm, dtype=np.float64))))
    return max(_SILENT_DBFS, 20 * float(np.log10(max(rms, 1e-12))))


class FakeDetector:
    """A `SpeechDetector` that takes everything above a level for speech.

    Args:
        threshold_dbfs: level of a frame from which on it is speech.
    """

    def __init__(self, threshold_dbfs: float = -50.0) -> None:
        self._threshold_dbfs = threshold_dbfs

    def probabilities(self, frames: Sequence[Frame]) -> list[float]:
        """Return 0.99 for each loud frame and 0.01 for each quiet one."""
        loud = [level_dbfs(frame.pcm) >= self._threshold_dbfs for frame in frames]
        return [0.99 if one else 0.01 for one in loud]


class FakeTranscriber(Transcriber):
    """A `Transcriber` that reads its words from a script.

    Args:
        script: what to say for the first utterance, the second and so on; after
            its end, and without one, the text tells the length: ``"1.5 seconds"``.
        by_samples: what to say for an utterance of exactly so many samples, which
            does not depend on the order of calls; comes before `script`.
        language: the language detected where none is asked for.
        fails_on: indexes of the utterances, from 0, that raise `InferenceError`.
    """

    name = "fake transcriber"

    def __init__(
        self,
        script: Sequence[str] = (),
        *,
        by_samples: Mapping[int, str] = _NOTHING,
        language: str = "en",
        fails_on: Sequence[int] = (),
    ) -> None:
        self._script = tuple(script)
        self._by_samples = dict(by_samples)
        self._language = language
        self._fails_on = frozenset(fails_on)
        self._n_heard = 0
        self._lock = threading.Lock()

    def transcribe(self, pcm: NDArray[np.float32], language: str | None) -> Transcript:
        """Return the next words of the script.

        Raises:
            InferenceError: this utterance was to fail.
        """
        with self._lock:
            index = self._n_heard
            self._n_heard += 1
        if index in self._fails_on:
            raise InferenceError(f"utterance {index} was to fail")
        return Transcript(
            text=self._text(index, len(pcm)),
            language=language or self._language,
            language_probability=1.0 if language else 0.9,
            confidence=0.9,
        )

    def _text(self, index: int, n_samples: int) -> str:
        if n_samples in self._by_samples:
            return self._by_samples[n_samples]
        if index < len(self._script):
            return self._script[index]
        return f"{n_samples / RATE:.1f} seconds"


class FakeVoiceReader:
    """A `VoiceReader` that reads anger from a script, or takes loud for angry.

    Args:
        script: anger of the first window, the second and so on. After its end, and
            without one, anger rises from 0 at -40 dBFS to 1 at -10 dBFS.
    """

    model = "fake voice"

    def __init__(self, script: Sequence[float] = ()) -> None:
        self._script = tuple(script)
        self._n_read = 0
        self._lock = threading.Lock()

    def read(self, window: CustomerWindow) -> VoiceReading:
        """Read one window."""
        with self._lock:
            index = self._n_read
            self._n_read += 1
        level = level_dbfs(window.pcm)
        by_level = min(1.0, max(0.0, (level + 40.0) / 30.0))
        anger = self._script[index] if index < len(self._script) else by_level
        return VoiceReading(window.end_s, anger, level, self.model)


class FakeTracker:
    """A `SpeakerTracker` that says what it was told, a little later.

    Args:
        turns: who speaks when, whatever the audio.
        behind: frames that must follow one before it is given to somebody.
    """

    def __init__(self, turns: Sequence[Turn], behind: int = 20) -> None:
        self._timeline = Timeline(turns)
        self._behind = behind
        self._waiting: list[Frame] = []

    def feed(self, frame: Frame) -> list[HeardFrame]:
        """Return the frame that came `behind` frames ago."""
        self._waiting.append(frame)
        n_certain = len(self._waiting) - self._behind
        return [self._next() for _ in range(max(0, n_certain))]

    def flush(self) -> list[HeardFrame]:
        """Return those that are left."""
        return [self._next() for _ in range(len(self._waiting))]

    def _next(self) -> HeardFrame:
        return self._timeline.hear(self._waiting.pop(0))


class FakeDiariser:
    """A `Diariser` that says what it was told.

    Args:
        turns: who speaks when, whatever the audio.
        floor: the same without overlaps; by default the turns themselves.
    """

    name = "fake diariser"

    def __init__(self, turns: Sequence[Turn], floor: Sequence[Turn] = ()) -> None:
        self._found = Diarisation(tuple(turns), tuple(floor) or tuple(turns))

    def diarise(self, pcm: NDArray[np.float32]) -> Diarisation:
        """Return what it was told."""
        assert pcm.ndim == 1  # noqa: S101  # as every diariser wants it
        return self._found
