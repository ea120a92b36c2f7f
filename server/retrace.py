"""Takes a call up again after a crash, by the answers that its own log remembers. Pure.

A log follows from audio, controls and the models' answers, and it holds the
answers: a reading as it is, the words of an utterance as they are. So the call is
run over its stored audio once more, each question is answered from the log, and
no model is asked for what it has already said. That is cheap, and exact even
where a model would not give the same answer twice.
"""

from collections import deque
from collections.abc import Sequence

from emotion.events import WordReading
from models.ports import Transcript, VoiceReading
from server.call import Call, Output
from server.errors import RetraceError
from server.events import (
    DIGITS,
    Degradation,
    Degraded,
    Event,
    LanguageDetected,
    LogEntry,
    TranscriptFinal,
    WordsSoFar,
)
from server.mono_call import MonoCall
from server.questions import (
    PartialRequest,
    Question,
    SoFarRequest,
    UtteranceRequest,
    VoiceRequest,
)
from server.wire import entry_to_json

_WORDS_WITHIN = 2
"""Entries that the words of an utterance come in: the language may come first."""


class Retrace:
    """Goes once more the way that a stored log shows, and then on from its end.

    Args:
        log: the entries that are stored, from the first one on.
    """

    def __init__(self, log: Sequence[LogEntry]) -> None:
        self._log = tuple(log)
        self._n_seen = 0
        self._held: dict[int, Question] = {}

    @property
    def done(self) -> bool:
        """Whether everything that is stored has been written again."""
        return self._n_seen == len(self._log)

    def follow(self, call: Call | MonoCall, outputs: Sequence[Output]) -> list[Output]:
        """Return what of a call's outputs is new, answering from the log.

        Raises:
            RetraceError: the call writes something else than is stored.
        """
        new: list[Output] = []
        todo = deque(outputs)
        while True:
            while todo:
                self._sort(todo.popleft(), new)
            if self.done:
                new += self._held.values()
                self._held.clear()
                return new
            question = self._held.pop(call.waiting_for or 0, None)
            if question is None:
                return new
            if self._cut_short():
                new.append(question)
                return new
            todo.extend(self._answer(call, question))

    def _sort(self, output: Output, new: list[Output]) -> None:
        if self.done:
            new.append(output)
            return
        match output:
            case LogEntry():
                self._check(output)
            case UtteranceRequest() | SoFarRequest() | VoiceRequest():
                self._held[output.request_id] = output
            case PartialRequest():
                pass  # The final words are in the log, or will be.
            case _:
                new.append(output)

    def _check(self, entry: LogEntry) -> None:
        stored = self._log[self._n_seen]
        if entry_to_json(entry) != entry_to_json(stored):
            raise RetraceError(
                f"entry {stored.seq} is stored as {type(stored.event).__name__} at "
                f"{stored.at_s:.3f} s, and the call now writes "
                f"{type(entry.event).__name__} at {entry.at_s:.3f} s, or other values"
            )
        self._n_seen += 1

    def _cut_short(self) -> bool:
        """Whether what is stored ends right between a language and its words."""
        last = len(self._log) - self._n_seen == 1
        return last and isinstance(self._log[-1].event, LanguageDetected)

    def _answer(self, call: Call | MonoCall, question: Question) -> list[Output]:
        """Answer at the moment of effect: what is stored next is what it led to."""
        entries = self._log[self._n_seen : self._n_seen + _WORDS_WITHIN]
        following = [entry.event for entry in entries]
        at_once = entries[0].at_s == round(call.now_s, DIGITS)
        failed = at_once and following[0] == Degraded(Degradation.MODEL_FAILED)
        if isinstance(question, VoiceRequest):
            reading = following[0]
            if not failed and not isinstance(reading, VoiceReading):
                raise RetraceError(
                    f"entry {self._n_seen + 1} should be a reading of the voice"
                )
            return call.receive_voice(
                question.request_id,
                reading if isinstance(reading, VoiceReading) else None,
            )
        if isinstance(question, SoFarRequest):
            so_far = _reading_so_far(following[0], question) if at_once else None
            return call.receive_so_far(question.request_id, so_far)
        if failed:
            return call.receive_transcript(question.request_id, None)
        words = Transcript("", question.language or "", 0.0, 0.0)
        for event in following:
            if (
                isinstance(event, TranscriptFinal)
                and event.utterance_id == question.utterance_id
            ):
                words = Transcript(
                    event.text,
                    event.language,
                    event.language_probability,
                    event.confidence,
                )
        return call.receive_transcript(question.request_id, words)


def _reading_so_far(event: Event, question: SoFarRequest) -> WordReading | None:
    """What unfinished words were read as; None where they told nothing."""
    end_s = round(question.segment.end_s, DIGITS)
    if isinstance(event, WordsSoFar) and event.reading.end_s == end_s:
        return event.reading
    return None
