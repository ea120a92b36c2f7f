"""What the rest of the house needs from learned models, in its own words."""

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from audio.frame import CustomerWindow, Frame
from audio.speakers import HeardFrame, Turn
from models.errors import InferenceError


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of one utterance.

    Attributes:
        text: what was said; empty when nothing was said or nothing can be trusted.
        language: ISO 639-1 code, the one asked for or the one detected.
        language_probability: how sure the detection is, 1.0 when it was asked for.
        confidence: geometric mean of the token probabilities, in [0, 1].
    """

    text: str
    language: str
    language_probability: float
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: arrays do not compare
class Spoken:
    """Audio of one utterance whose words are wanted.

    Attributes:
        pcm: float32, shape ``(n_samples,)``, mono at 16 kHz, in [-1, 1];
            at most 30 s.
        language: ISO 639-1 code, or None to detect it among the configured ones.
    """

    pcm: NDArray[np.float32]
    language: str | None

    @property
    def key(self) -> str:
        """Tells it from others, for whoever remembers what was said in it."""
        return key_of(self.pcm, self.language or "")


def key_of(pcm: NDArray[np.float32], asked: str) -> str:
    """Tell audio, and what was asked about it, from any other; a hash of both."""
    return hashlib.sha256(asked.encode() + b"\0" + pcm.tobytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class VoiceReading:
    """How the customer's voice sounded over one window.

    Attributes:
        end_s: end of the window, in seconds of call time.
        anger: calibrated probability of anger, in [0, 1].
        level_dbfs: RMS level of the speech in the window, before normalisation.
        model: name and version of the weights that said so.
    """

    end_s: float
    anger: float
    level_dbfs: float
    model: str


class SpeechDetector(Protocol):
    """Hears whether somebody speaks. Keeps state: one for each party of each call."""

    def probabilities(self, frames: Sequence[Frame]) -> list[float]:
        """Probability in [0, 1] of speech in each of the party's next frames.

        It does not depend on how many frames come at once.
        """
        ...


class Transcriber(Protocol):
    """Turns utterances into text. Thread-safe; blocking: off the event loop.

    Inherit from it; from `BatchTranscriber` where several at once are less work.
    """

    def transcribe(self, pcm: NDArray[np.float32], language: str | None) -> Transcript:
        """Transcribe one utterance.

        Args:
            pcm: float32, shape ``(n_samples,)``, mono at 16 kHz, in [-1, 1];
                at most 30 s.
            language: ISO 639-1 code, or None to detect it among the configured ones.

        Raises:
            InferenceError: the model could not run on this input.
        """
        ...

    def transcribe_batch(
        self, utterances: Sequence[Spoken]
    ) -> list[Transcript | InferenceError]:
        """Transcribe several utterances, of as many calls as there are.

        The words of an utterance never depend on what it is batched with.

        Returns:
            For each utterance its transcript, or why there is none; in order.
        """
        return [_try_one(self, one) for one in utterances]

    def take_processor_s(self) -> float:
        """Processor time taken in other processes since this was last asked."""
        return 0.0


class BatchTranscriber(Transcriber, Protocol):
    """A `Transcriber` that gains from taking several utterances at once."""

    def transcribe(self, pcm: NDArray[np.float32], language: str | None) -> Transcript:
        """Transcribe an utterance as a batch of its own."""
        answer = self.transcribe_batch([Spoken(pcm, language)])[0]
        if isinstance(answer, InferenceError):
            raise answer
        return answer

    @abstractmethod
    def transcribe_batch(
        self, utterances: Sequence[Spoken]
    ) -> list[Transcript | InferenceError]:
        """See `Transcriber.transcribe_batch`."""
        ...


def _try_one(
    transcriber: Transcriber, utterance: Spoken
) -> Transcript | InferenceError:
    try:
        return transcriber.transcribe(utterance.pcm, utterance.language)
    except InferenceError as error:
        return error


@dataclass(frozen=True, slots=True)
class WordTime:
    """One word of an utterance, and when it was said.

    Attributes:
        start: index of its first character in the utterance's text.
        end: index after its last character.
        start_s: from the beginning of the audio, in seconds.
        end_s: likewise.
    """

    start: int
    end: int
    start_s: float
    end_s: float


class WordTimes(Protocol):
    """Tells when in an utterance each word was said. Blocking, thread-safe."""

    def locate(
        self, pcm: NDArray[np.float32], text: str, language: str
    ) -> Sequence[WordTime]:
        """Find the words of `text` in the audio in which it was said.

        Args:
            pcm: float32, shape ``(n_samples,)``, mono at 16 kHz, at most 30 s.
            text: what was said, all of it.
            language: ISO 639-1 code.

        Returns:
            The words in order; some may be missing.

        Raises:
            InferenceError: the model could not run on this input.
        """
        ...


class VoiceReader(Protocol):
    """Reads anger from the customer's voice. Blocking, thread-safe."""

    def read(self, window: CustomerWindow) -> VoiceReading:
        """Read one window of speech, 1 to 5 s long.

        Raises:
            InferenceError: the model could not run on this input.
        """
        ...


def read_all(
    reader: VoiceReader, windows: Sequence[CustomerWindow]
) -> list[VoiceReading | InferenceError]:
    """Read several windows in turn.

    Returns:
        For each window its reading, or why there is none; in order.
    """
    return [_try_window(reader, window) for window in windows]


def _try_window(
    reader: VoiceReader, window: CustomerWindow
) -> VoiceReading | InferenceError:
    try:
        return reader.read(window)
    except InferenceError as error:
        return error


@dataclass(frozen=True, slots=True)
class Diarisation:
    """Who speaks when on a line with several voices.

    Attributes:
        turns: of every speaker; they may overlap.
        floor: the same without overlaps: who is the louder where several speak.
    """

    turns: tuple[Turn, ...]
    floor: tuple[Turn, ...]


class Diariser(Protocol):
    """Tells voices on one line apart. Blocking, thread-safe.

    What it makes of a voice to tell it from others dies with the call of `diarise`.
    """

    @property
    def name(self) -> str:
        """Name and version of the models."""
        ...

    def diarise(self, pcm: NDArray[np.float32]) -> Diarisation:
        """Find out who speaks when in a whole recording.

        Args:
            pcm: float32, shape ``(n_samples,)``, mono at 16 kHz, in [-1, 1].

        Raises:
            InferenceError: the models could not run on this input.
        """
        ...


class SpeakerTracker(Protocol):
    """Tells the voices of one line apart as they come. Keeps state: one for each call.

    A function of the frames alone: the same frames give the same speakers. What it
    makes of a voice to tell it from others dies with it.
    """

    def feed(self, frame: Frame) -> list[HeardFrame]:
        """Take the next frame; return those whose speaker is certain by now, in order.

        Raises:
            InferenceError: the models could not run on this input.
        """
        ...

    def flush(self) -> list[HeardFrame]:
        """Return the frames that are left, at the end of the call.

        Raises:
            InferenceError: the models could not run on this input.
        """
        ...


class TextEncoder(Protocol):
    """Turns a text into a vector of its meaning. Pure, thread-safe, a few ms."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        ...

    def encode(self, text: str) -> NDArray[np.float32]:
        """Return the vector; float32, shape ``(n_dims,)``, of length one."""
        ...
