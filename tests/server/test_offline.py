"""A recording is worked through ahead of its call, and its log is none the wiser."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from audio.frame import FRAME_SAMPLES, RATE, CustomerWindow, Frame, Party
from models.errors import InferenceError
from models.fake import FakeDetector
from models.ports import BatchTranscriber, Spoken, Transcript, VoiceReading
from server.engine import Models
from server.events import (
    CallEndReason,
    CallStarted,
    Consent,
    Degradation,
    Degraded,
    LanguageDetected,
    LogEntry,
    TranscriptFinal,
)
from server.factory import CallFactory
from server.offline import answered, follow
from server.questions import SoFarRequest, TranscribeRequest, VoiceRequest

pytestmark = pytest.mark.unit

AHEAD_S = 30.0
PARTIES = (Party.CUSTOMER, Party.AGENT)
COMPLAINTS = (
    "this is the third time i call about the same bill",
    "you people are useless i want to speak to your manager",
    "i will tell everybody about this",
    "thank you that is kind",
)


def words_for(pcm: NDArray[np.float32], language: str | None) -> Transcript:
    """Words that follow from the audio alone, and fail for one utterance in nine."""
    if len(pcm) // FRAME_SAMPLES % 9 == 0:
        raise InferenceError("was to fail")
    text = COMPLAINTS[len(pcm) // FRAME_SAMPLES % len(COMPLAINTS)]
    return Transcript(text, language or "en", 1.0 if language else 0.8, 0.9)


class Batching(BatchTranscriber):
    """A transcriber that takes several utterances at once, and counts them."""

    name = "batching"

    def __init__(self) -> None:
        self.batches: list[int] = []
        self._lock = threading.Lock()

    def transcribe_batch(
        self, utterances: Sequence[Spoken]
    ) -> list[Transcript | InferenceError]:
        with self._lock:
            self.batches.append(len(utterances))
        return [self._try(one) for one in utterances]

    def _try(self, utterance: Spoken) -> Transcript | InferenceError:
        try:
            return words_for(utterance.pcm, utterance.language)
        except InferenceError as error:
            return error


class Level:
    """A voice reader that takes loud for angry, and fails on some windows."""

    model = "level"

    def read(self, window: CustomerWindow) -> VoiceReading:
        if window.start // FRAME_SAMPLES % 11 == 0:
            raise InferenceError("was to fail")
        anger = round(float(np.abs(window.pcm).mean()) * 2, 4)
        return VoiceReading(window.end_s, min(1.0, anger), -20.0, self.model)


class OneByOne:
    """Answers each question when the call asks it: what all else is held against."""

    def __init__(self) -> None:
        self.n_words = 0
        self.n_unfinished = 0

    def words(self, request: TranscribeRequest) -> Transcript | None:
        self.n_words += 1
        self.n_unfinished += isinstance(request, SoFarRequest)
        try:
            return words_for(request.segment.pcm, request.language)
        except InferenceError:
            return None

    def voice(self, request: VoiceRequest) -> VoiceReading | None:
        try:
            return Level().read(request.window)
        except InferenceError:
            return None

    def settle(self, language: str) -> None:
        """Nothing is asked ahead here."""


def frames(
    seconds: float, seed: int, speakers: Sequence[int] = (0, 1)
) -> list[tuple[Frame, ...]]:
    """Parties who take turns of random length, sometimes at once."""
    draw = np.random.default_rng(seed)
    n_frames = round(seconds * RATE / FRAME_SAMPLES)
    pcm = np.zeros((2, n_frames * FRAME_SAMPLES), np.float32)
    at = 0
    while at < n_frames:
        party, length = int(draw.choice(speakers)), int(draw.integers(8, 300))
        level = draw.uniform(0.05, 0.9)
        pcm[party, at * FRAME_SAMPLES : (at + length) * FRAME_SAMPLES] = level
        at += length + int(draw.integers(-10, 60))
    return [
        tuple(
            Frame(pcm[i, start : start + FRAME_SAMPLES], start, party)
            for i, party in enumerate(PARTIES)
        )
        for start in range(0, pcm.shape[1], FRAME_SAMPLES)
    ]


def started(language: str | None, consent: Consent = Consent.GRANTED) -> CallStarted:
    return CallStarted("c", "", "", language, PARTIES, consent, "", ())


def factory(transcriber: Batching, workers: int = 2, batch: int = 4) -> CallFactory:
    return CallFactory.of(
        Models(FakeDetector, transcriber, Level(), (), workers, batch)
    )


@pytest.fixture(scope="module")
def shared() -> CallFactory:
    return factory(Batching())


def at_once(
    call_frames: Sequence[tuple[Frame, ...]],
    first: CallStarted,
    shared: CallFactory,
    answers: OneByOne,
) -> Iterator[LogEntry]:
    call = shared.new_plain_call(first)
    yield from answered(call, call.start(), answers)
    for one in call_frames:
        yield from answered(call, call.receive_frames([one]), answers)
    yield from answered(call, call.end(CallEndReason.COMPLETED), answers)


@pytest.mark.parametrize(
    ("language", "consent"), [(None, Consent.GRANTED), ("en", Consent.TEXT_ONLY)]
)
def test_the_log_is_that_of_a_call_which_is_answered_at_once(
    shared: CallFactory, language: str | None, consent: Consent
) -> None:
    call_frames = frames(90.0, 3)
    first = started(language, consent)
    transcriber = Batching()
    models = replace(shared.models, transcriber=transcriber)

    blocks = [call_frames[at : at + 50] for at in range(0, len(call_frames), 50)]
    ahead = list(follow(blocks, first, replace(shared, models=models), lambda _: None))

    one_by_one = OneByOne()
    assert ahead == list(at_once(call_frames, first, shared, one_by_one))
    kinds = [type(entry.event) for entry in ahead]
    assert kinds.count(TranscriptFinal) > 10
    assert Degraded(Degradation.MODEL_FAILED) in [entry.event for entry in ahead]
    assert (LanguageDetected in kinds) == (language is None)


@pytest.mark.parametrize(("language", "spare"), [("en", 0), (None, 4)])
def test_words_are_found_together_and_hardly_ever_twice(
    shared: CallFactory, language: str | None, spare: int
) -> None:
    call_frames = frames(300.0, 4, speakers=[1])  # Reading words takes long.
    transcriber = Batching()
    models = replace(shared.models, transcriber=transcriber)

    list(
        follow([call_frames], started(language), replace(shared, models=models), print)
    )

    one_by_one = OneByOne()
    list(at_once(call_frames, started(language), shared, one_by_one))
    assert one_by_one.n_words <= sum(transcriber.batches) <= one_by_one.n_words + spare
    assert len(transcriber.batches) < 0.7 * one_by_one.n_words
    assert max(transcriber.batches) <= shared.models.words_batch


def test_unfinished_words_are_found_when_the_call_asks_for_them(
    shared: CallFactory,
) -> None:
    call_frames = frames(120.0, 4, speakers=[0])
    transcriber = Batching()
    models = replace(shared.models, transcriber=transcriber)

    list(follow([call_frames], started("en"), replace(shared, models=models), print))

    one_by_one = OneByOne()
    list(at_once(call_frames, started("en"), shared, one_by_one))
    assert one_by_one.n_unfinished >= 2
    assert sum(transcriber.batches) == one_by_one.n_words


def test_somebody_who_breaks_off_waits_for_nothing_further(
    shared: CallFactory,
) -> None:
    class EnoughError(Exception):
        """Nobody wants the rest."""

    def stop(done_s: float) -> None:
        if done_s:
            raise EnoughError

    blocks = iter([frames(40.0, 5), frames(10.0, 6)])

    with pytest.raises(EnoughError):
        list(follow(blocks, started("en"), shared, stop, ahead_s=AHEAD_S))

    assert "look-ahead" not in " ".join(one.name for one in threading.enumerate())
