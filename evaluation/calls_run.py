"""Runs a call whose course is known through the live service's own parts.

Framer, speech detector, endpointer, voice reader and `server.call.Call` are the real
ones; only the transcriber is not: the words of a turn are known, and a segment gets
those that were said in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from audio.frame import CustomerWindow, Frame, Segment
from audio.framer import Framer
from evaluation.calls_audio import LINE, PARTIES, Rendered, Utterance
from models.ports import SpeechDetector, Transcript, VoiceReader, VoiceReading
from server.call import Call, Output
from server.events import CallEndReason, CallStarted, Consent, LogEntry
from server.factory import CallFactory
from server.questions import SoFarRequest, UtteranceRequest, VoiceRequest

_EDGE_S = 0.35
"""How far the endpointer may miss the end of a turn that it has heard to its end."""


class Signals(StrEnum):
    """What is listened to."""

    VOICE = "voice"
    WORDS = "words"
    FUSED = "fused"


@dataclass(frozen=True, slots=True)
class Heard:
    """What the models made of a call; the same whatever is listened to.

    Attributes:
        speech: of each party, the probability of speech of every frame.
        readings: of the voice, by the window's first sample and length.
    """

    speech: tuple[list[float], ...] = field(
        default_factory=lambda: tuple([] for _ in PARTIES)
    )
    readings: dict[tuple[int, int], VoiceReading] = field(default_factory=dict)


class _RememberingDetector:
    """A `SpeechDetector` that asks the model only for frames not heard before."""

    def __init__(self, model: SpeechDetector, heard: list[float]) -> None:
        self._model = model
        self._heard = heard
        self._n_asked = 0

    def probabilities(self, frames: Sequence[Frame]) -> list[float]:
        first, self._n_asked = self._n_asked, self._n_asked + len(frames)
        n_known = len(self._heard) - first
        if n_known < len(frames):
            self._heard += self._model.probabilities(frames[max(0, n_known) :])
        return self._heard[first : self._n_asked]


class ScriptedTranscriber:
    """Gives each segment the words that were said in it, each word once.

    A segment that ends within a turn gets the turn's words as far as they had come,
    at an even pace; the next segment gets the rest.

    Args:
        utterances: of both parties.
        language: that all of them speak.
    """

    def __init__(self, utterances: Sequence[Utterance], language: str) -> None:
        self._utterances = utterances
        self._language = language
        self._given = [0] * len(utterances)

    def transcribe(self, segment: Segment) -> Transcript:
        """Return the words of a segment; segments of a party come in order."""
        words = [
            word
            for number, one in enumerate(self._utterances)
            if one.party is segment.party and one.start_s < segment.end_s - _EDGE_S
            for word in self._words(number, segment)
        ]
        joint = "" if self._language == "zh" else " "
        return Transcript(joint.join(words), self._language, 1.0, 1.0)

    def transcribe_so_far(self, segment: Segment) -> Transcript:
        """Return the words of a segment that still grows; they are not used up."""
        given = self._given.copy()
        transcript = self.transcribe(segment)
        self._given = given
        return transcript

    def _words(self, number: int, segment: Segment) -> list[str]:
        one = self._utterances[number]
        words = list(one.text) if self._language == "zh" else one.text.split()
        said = len(words)
        if segment.end_s < one.end_s - _EDGE_S:
            share = (segment.end_s - one.start_s) / (one.end_s - one.start_s)
            said = round(share * len(words))
        first = self._given[number]
        self._given[number] = max(first, said)
        return words[first:said]


class Listener:
    """Plays calls to the service's parts, again for each choice of signals.

    Args:
        factory: puts the calls together; its models hear what is not remembered.
    """

    def __init__(self, factory: CallFactory) -> None:
        self._factory = factory

    def listen(
        self, rendered: Rendered, language: str, signals: Signals, heard: Heard
    ) -> list[LogEntry]:
        """Return the log that the live service would write of a call.

        Args:
            rendered: the call.
            language: that is spoken.
            signals: a missing one is missing as it may be live: without the voice
                the customer consents to text only, without words nothing that is
                said can be made out.
            heard: what the models made of it before; filled in.
        """
        models = self._factory.models
        detectors = iter(
            [_RememberingDetector(models.new_detector(), one) for one in heard.speech]
        )
        models = replace(models, new_detector=lambda: next(detectors))
        consent = Consent.TEXT_ONLY if signals is Signals.WORDS else Consent.GRANTED
        started = CallStarted("c", "a", "", language, PARTIES, consent, "", ())
        call = replace(self._factory, models=models).new_plain_call(started)
        utterances = () if signals is Signals.VOICE else rendered.utterances
        answerer = _Answerer(
            call,
            ScriptedTranscriber(utterances, language),
            models.voice_reader,
            heard.readings,
        )
        framer = Framer(LINE, PARTIES)
        log = list(answerer.answered(call.start()))
        frames = [*framer.receive_bytes(rendered.mulaw), *framer.flush()]
        log += answerer.answered(call.receive_frames(frames))
        log += answerer.answered(call.end(CallEndReason.COMPLETED))
        return log


@dataclass(frozen=True, slots=True)
class _Answerer:
    """Answers a call's questions as they come."""

    call: Call
    transcriber: ScriptedTranscriber
    voice_reader: VoiceReader
    readings: dict[tuple[int, int], VoiceReading]

    def answered(self, outputs: Sequence[Output]) -> Iterator[LogEntry]:
        """Yield the entries of the log, with all that follows from the answers."""
        todo = list(outputs)
        while todo:
            output = todo.pop(0)
            match output:
                case LogEntry():
                    yield output
                case SoFarRequest(request_id=request_id, segment=segment):
                    words = self.transcriber.transcribe_so_far(segment)
                    todo += self.call.receive_transcript(request_id, words)
                case UtteranceRequest(request_id=request_id, segment=segment):
                    words = self.transcriber.transcribe(segment)
                    todo += self.call.receive_transcript(request_id, words)
                case VoiceRequest(request_id=request_id, window=window):
                    reading = self._read(window)
                    todo += self.call.receive_voice(request_id, reading)
                case _:
                    pass  # Partials are for somebody who watches.

    def _read(self, window: CustomerWindow) -> VoiceReading:
        key = window.start, len(window.pcm)
        if key not in self.readings:
            self.readings[key] = self.voice_reader.read(window)
        return self.readings[key]
