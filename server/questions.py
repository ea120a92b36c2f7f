"""What a call asks the models, and when the answers take effect. Pure."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from audio.frame import CustomerWindow, Segment


@dataclass(frozen=True, slots=True, eq=False)
class TranscribeRequest:
    """The call wants the words of a segment; answer with `Call.receive_transcript`.

    Attributes:
        request_id: which answer it is.
        segment: what was said.
        language: that it is in; None: find out.
    """

    request_id: int
    segment: Segment
    language: str | None


@dataclass(frozen=True, slots=True, eq=False)
class UtteranceRequest(TranscribeRequest):
    """An utterance is over, and its words are wanted."""

    utterance_id: str


@dataclass(frozen=True, slots=True, eq=False)
class SoFarRequest(TranscribeRequest):
    """The customer speaks on, and the words so far are to count."""


@dataclass(frozen=True, slots=True, eq=False)
class VoiceRequest:
    """The call wants a window read; answer with `Call.receive_voice`."""

    request_id: int
    window: CustomerWindow


@dataclass(frozen=True, slots=True, eq=False)
class PartialRequest:
    """Somebody speaks for long: the words so far may be shown. Needs no answer."""

    segment: Segment
    language: str | None


Question = UtteranceRequest | SoFarRequest | VoiceRequest
"""What a call waits for."""


@dataclass(order=True, slots=True)
class _Asked:
    """A question, and what its answer does when its time has come."""

    due: float
    request_id: int
    apply: Callable[[], None] | None = field(default=None, compare=False)


class Agenda:
    """The questions of a call, each with the call time at which its answer counts.

    That time is fixed when it is asked, and answers take effect in its order, whenever
    they come: that is what makes the log independent of how fast the models are.
    """

    def __init__(self) -> None:
        self._asked: list[_Asked] = []
        self._unanswered: dict[int, _Asked] = {}
        self._n = 0

    def ask(self, due: float) -> int:
        """Note a question; return its number."""
        self._n += 1
        asked = _Asked(due, self._n)
        heapq.heappush(self._asked, asked)
        self._unanswered[self._n] = asked
        return self._n

    def answer(self, request_id: int, apply: Callable[[], None]) -> None:
        """Note what the answer to a question does.

        Raises:
            KeyError: there is no such question, or it was answered before.
        """
        self._unanswered.pop(request_id).apply = apply

    def apply(self, until: float) -> bool:
        """Let the answers take effect that are due; False: one of them is missing."""
        while self._asked and self._asked[0].due <= until:
            apply = self._asked[0].apply
            if apply is None:
                return False
            heapq.heappop(self._asked)
            apply()
        return True

    def missing(self, until: float) -> int | None:
        """The question due next, if it is due and has no answer yet."""
        if not self._asked or self._asked[0].due > until:
            return None
        first = self._asked[0]
        return first.request_id if first.apply is None else None
