"""Answers what a call over a recording will ask, before it asks: in batches.

Where speech begins and ends, and which windows the voice is read in, follows from the
audio alone. So somebody who only listens for speech can run ahead of the call, collect
what it is going to ask, and have it answered together, on every core, while the call
follows at a distance. An answer counts only for the very question that it was given
to: what was not foreseen is asked when the call asks it. So the log is the same as
that of a call which is answered at once; it only comes sooner. Whether unfinished words
are asked for follows from the curve, which nobody knows ahead: they are answered when
the call asks.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar

from audio.crosstalk import CrossTalk
from audio.endpointer import Endpointer, EndpointerEvent
from audio.frame import RATE, CustomerWindow, Frame, Party, Segment
from audio.windows import CustomerWindows
from models.errors import InferenceError
from models.ports import (
    SpeechDetector,
    Spoken,
    Transcript,
    VoiceReading,
    read_all,
)
from server.call import Call, CallParams
from server.events import CallStarted, Consent
from server.factory import CallFactory
from server.questions import TranscribeRequest, VoiceRequest

_Q = TypeVar("_Q")
_A = TypeVar("_A")

_CLASS_S = 1.0
"""Utterances are batched with others as long: a batch takes as long as its longest."""

_VOICE_BATCH = 16

_WordsKey = tuple[Party, int, int]


@dataclass(slots=True, eq=False)
class _Batch(Generic[_A]):
    """Answers that are being worked out together."""

    answers: Future[Sequence[_A | InferenceError]]


@dataclass(slots=True, eq=False)
class _Foreseen(Generic[_Q, _A]):
    """A question that the call is going to ask.

    Attributes:
        asked: as it was given to a model; None while it was not.
        batch: what it is answered with, and its place in there.
    """

    question: _Q
    asked: _Q | None = None
    batch: _Batch[_A] | None = None
    index: int = 0

    def answer(self) -> _A | None:
        """Wait for the answer; None when the model could not run on it."""
        assert self.batch is not None  # noqa: S101 - it was given to a model before
        answer = self.batch.answers.result()[self.index]
        return None if isinstance(answer, InferenceError) else answer


_ForeseenWords = _Foreseen[Spoken, Transcript]


class _Listener:
    """Hears where one party speaks, and remembers it for the call."""

    def __init__(
        self, party: Party, detector: SpeechDetector, params: CallParams
    ) -> None:
        self.party = party
        self.endpointer = Endpointer(party, params.endpointer)
        self._detector = detector
        self._probabilities: deque[float] = deque()

    def hear(self, frames: Sequence[Frame]) -> list[float]:
        heard = self._detector.probabilities(frames)
        self._probabilities += heard
        return heard

    def probabilities(self, frames: Sequence[Frame]) -> list[float]:
        """Say it again, to the call; see `models.ports.SpeechDetector`."""
        return [self._probabilities.popleft() for _ in frames]


class LookAhead:
    """Listens ahead of one call, and has its questions answered. One thread drives it.

    Holds the speech that was heard and not yet asked for: the driver bounds it by how
    far ahead it lets it hear.

    Args:
        started: of the call.
        factory: makes the call; its models answer, `words_workers` batches of
            `words_batch` utterances at once.
        n_utterances: that there were before, where it is listened to again.

    Attributes:
        call: the call itself, which hears what was heard here.
        heard_s: call time up to which this has listened.
    """

    def __init__(
        self, started: CallStarted, factory: CallFactory, n_utterances: int = 0
    ) -> None:
        models, params = factory.models, factory.params
        self.heard_s = 0.0
        self._models = models
        self._listeners = [
            _Listener(party, models.new_detector(), params) for party in started.parties
        ]
        hearing = replace(models, new_detector=iter(self._listeners).__next__)
        hearer = replace(factory, models=hearing)
        self.call: Call = hearer.new_plain_call(started, n_utterances)
        self._cross_talk = CrossTalk(len(started.parties), params.cross_talk)
        self._windows: CustomerWindows | None = None
        if started.consent is Consent.GRANTED and Party.CUSTOMER in started.parties:
            self._windows = CustomerWindows(params.windows)
        self._language = started.language
        self._threads = ThreadPoolExecutor(models.words_workers, "look-ahead")
        self._running: list[_Batch[Transcript] | _Batch[VoiceReading]] = []
        self._words: dict[_WordsKey, _ForeseenWords] = {}
        self._voice: dict[tuple[int, int], _Foreseen[CustomerWindow, VoiceReading]] = {}
        self._heard_all = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def hear(self, frames: Iterable[tuple[Frame, ...]]) -> None:
        """Listen on, and begin to answer what fills a batch."""
        steps = list(frames)
        if not steps:
            return
        heard = [
            listener.hear(channel)
            for listener, channel in zip(
                self._listeners, zip(*steps, strict=True), strict=True
            )
        ]
        for instant, speech in zip(steps, zip(*heard, strict=True), strict=True):
            others = self._cross_talk.feed(instant)
            for listener, frame, p, other in zip(
                self._listeners, instant, speech, others, strict=True
            ):
                found = listener.endpointer.feed(frame, 0.0 if other else p)
                self._foresee(found)
                if listener.party is Party.CUSTOMER and self._windows is not None:
                    speaking = listener.endpointer.speaking
                    window = self._windows.feed(frame, speaking=speaking)
                    if window is not None:
                        self._foresee_voice(window)
            self.heard_s = instant[0].end / RATE

    def flush(self) -> None:
        """The recording has ended: nothing further comes to be batched with."""
        self._heard_all = True
        for listener in self._listeners:
            self._foresee(listener.endpointer.flush())
        if self._language is not None:
            self._begin_all()

    def settle(self, language: str) -> None:
        """From now on the call asks for words in this language."""
        self._language = language
        if self._heard_all:
            self._begin_all()

    def words(self, request: TranscribeRequest) -> Transcript | None:
        """Return the words that the call asks for; None when the model failed."""
        segment = request.segment
        key = _key(segment)
        foreseen = self._words.get(key)
        if foreseen is None or (
            foreseen.asked is not None and foreseen.asked.language != request.language
        ):
            foreseen = _Foreseen(Spoken(segment.pcm, request.language))
            self._words[key] = foreseen
        if foreseen.asked is None:
            self._begin_words(foreseen)
            self._keep_busy()
        answer = foreseen.answer()
        del self._words[key]
        return answer

    def voice(self, request: VoiceRequest) -> VoiceReading | None:
        """Return the reading that the call asks for; None when the model failed."""
        window = request.window
        key = window.start, len(window.pcm)
        foreseen = self._voice.get(key)
        if foreseen is None:
            foreseen = self._voice[key] = _Foreseen(window)
        if foreseen.asked is None:
            self._begin_voice()
            self._keep_busy()
        answer = foreseen.answer()
        del self._voice[key]
        return answer

    def _foresee(self, found: Sequence[EndpointerEvent]) -> None:
        for item in found:
            if isinstance(item, Segment):
                foreseen = _foreseen(item)
                self._words[_key(item)] = foreseen
                alike = self._open(_class(foreseen))
                full = len(alike) >= self._models.words_batch
                # While the language is open, what is asked ahead is asked in vain.
                if full and self._language is not None:
                    self._begin_words(foreseen)

    def _foresee_voice(self, window: CustomerWindow) -> None:
        self._voice[window.start, len(window.pcm)] = _Foreseen(window)
        if sum(one.asked is None for one in self._voice.values()) >= _VOICE_BATCH:
            self._begin_voice()

    def _open(self, class_: int) -> list[_ForeseenWords]:
        """Return those of one class that were not given to a model yet."""
        words = self._words.values()
        return [one for one in words if one.asked is None and _class(one) == class_]

    def _begin_words(self, wanted: _ForeseenWords) -> None:
        """Have a question answered, together with others of its length."""
        batch = [wanted]
        if self._language is not None:
            alike = [one for one in self._open(_class(wanted)) if one is not wanted]
            batch += alike[: self._models.words_batch - 1]
        for one in batch:
            one.asked = Spoken(one.question.pcm, self._language)
        self._begin(batch, self._transcribe_all)

    def _begin_voice(self) -> None:
        batch = [one for one in self._voice.values() if one.asked is None]
        batch = batch[:_VOICE_BATCH]
        for one in batch:
            one.asked = one.question
        self._begin(batch, self._read_all)

    def _begin(
        self,
        batch: Sequence[_Foreseen[_Q, _A]],
        answer: Callable[[Sequence[_Q]], Sequence[_A | InferenceError]],
    ) -> None:
        asked = [one.asked for one in batch if one.asked is not None]
        together = _Batch(self._threads.submit(answer, asked))
        for index, one in enumerate(batch):
            one.batch, one.index = together, index
        self._running.append(together)  # type: ignore[arg-type]

    def _begin_all(self) -> None:
        for one in list(self._words.values()):
            if one.asked is None:
                self._begin_words(one)
        while any(one.asked is None for one in self._voice.values()):
            self._begin_voice()

    def _keep_busy(self) -> None:
        """The call has to wait: let every thread have something to do meanwhile."""
        while self._language is not None:  # While it is open it would be in vain.
            running = [one for one in self._running if not one.answers.done()]
            self._running = running
            if len(running) >= self._models.words_workers:
                return
            waiting = self._words.values()
            oldest = next((one for one in waiting if one.asked is None), None)
            if oldest is None:
                return
            self._begin_words(oldest)

    def _transcribe_all(
        self, utterances: Sequence[Spoken]
    ) -> Sequence[Transcript | InferenceError]:
        return self._models.transcriber.transcribe_batch(utterances)

    def _read_all(
        self, windows: Sequence[CustomerWindow]
    ) -> Sequence[VoiceReading | InferenceError]:
        return read_all(self._models.voice_reader, windows)


def _key(segment: Segment) -> _WordsKey:
    return segment.party, segment.start, len(segment.pcm)


def _foreseen(segment: Segment) -> _ForeseenWords:
    return _Foreseen(Spoken(segment.pcm, None))


def _class(one: _ForeseenWords) -> int:
    """Utterances of one class are about as long."""
    return int(len(one.question.pcm) / RATE / _CLASS_S)
