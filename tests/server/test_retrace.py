"""A call is gone on with by the answers that its own log holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.pause_cue import PauseCueParams
from alerts.playbook import load_playbook
from audio.codec import AudioFormat, Encoding
from audio.frame import RATE, Frame, Party
from audio.framer import Framer
from emotion.words import load_word_reader
from models.fake import FakeDetector
from models.ports import Transcript, VoiceReading
from server.call import Call, CallParams, Output
from server.errors import RetraceError
from server.events import (
    CallEndReason,
    CallStarted,
    Consent,
    LanguageDetected,
    LogEntry,
    TranscriptFinal,
    WordsSoFar,
)
from server.questions import TranscribeRequest, UtteranceRequest, VoiceRequest
from server.retrace import Retrace
from server.wire import entry_from_json, entry_to_json

pytestmark = pytest.mark.unit

WORDS = load_word_reader()
PLAYBOOK = load_playbook()
TWO = (Party.CUSTOMER, Party.AGENT)
SAID = (
    "this is the third time i am calling",
    "",
    "this is ridiculous you are completely useless",
    None,
    "i will report you to the ombudsman",
)


def talk() -> list[tuple[Frame, ...]]:
    """The customer speaks for two seconds of every three, the agent in between."""
    times = np.arange(40 * RATE) / RATE
    sound = np.sin(times * 2000).astype(np.float32)
    customer = 0.5 * sound * (times % 3 < 2)
    agent = 0.2 * sound * (times % 9 > 8)
    pcm = np.stack([customer, agent], axis=1).astype(np.float32)
    framer = Framer(AudioFormat(Encoding.PCM_S16LE, RATE, 2), TWO)
    return framer.receive_pcm(pcm) + framer.flush()


TALK = talk()


PARAMS = CallParams(pause_cue=PauseCueParams(begun_s=60.0, recent_s=-1.0))
"""No cue ever comes: unfinished words count only until there is one."""


def new_call(params: CallParams | None = None) -> Call:
    started = CallStarted("c", "a", "", None, TWO, Consent.GRANTED, "", ("m",))
    detectors = [FakeDetector() for _ in TWO]
    return Call(started, detectors, WORDS, PLAYBOOK, params or PARAMS)


@dataclass
class Line:
    """Runs a call behind a retrace; a model answers what the log does not."""

    call: Call
    retrace: Retrace
    log: list[LogEntry] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def take(self, outputs: Sequence[Output]) -> None:
        todo = self.retrace.follow(self.call, outputs)
        while todo:
            output = todo.pop(0)
            match output:
                case LogEntry():
                    self.log.append(output)
                case VoiceRequest():
                    self.asked.append(f"voice {output.window.end_s}")
                    given = self.call.receive_voice(output.request_id, heard(output))
                    todo += self.retrace.follow(self.call, given)
                case TranscribeRequest():
                    self.asked.append(getattr(output, "utterance_id", "so far"))
                    given = self.call.receive_transcript(
                        output.request_id, words(output)
                    )
                    todo += self.retrace.follow(self.call, given)
                case _:
                    pass

    def run(self) -> None:
        self.take(self.call.start())
        for frame in TALK:
            self.take(self.call.receive_frames([frame]))
        self.take(self.call.end(CallEndReason.COMPLETED))


def heard(request: VoiceRequest) -> VoiceReading | None:
    end_s = request.window.end_s
    if round(end_s) % 7 == 0:
        return None
    return VoiceReading(end_s, (end_s % 10) / 11, -20 / 3, "fake")


def words(request: TranscribeRequest) -> Transcript | None:
    number = request.segment.start_s
    if isinstance(request, UtteranceRequest):
        number = int(request.utterance_id[1:])
    text = SAID[int(number) % len(SAID)]
    if text is None:
        return None
    return Transcript(text, request.language or "en", 0.923456, 0.654321)


def whole() -> Line:
    line = Line(new_call(), Retrace(()))
    line.run()
    return line


WHOLE = whole()
STORED = [entry_from_json(entry_to_json(entry)) for entry in WHOLE.log]


def test_the_call_that_is_retraced_has_everything_in_it() -> None:
    kinds = {type(entry.event) for entry in WHOLE.log}

    assert {LanguageDetected, TranscriptFinal, VoiceReading, WordsSoFar} <= kinds
    assert any(entry_to_json(e)["kind"] == "AlertOpened" for e in WHOLE.log)
    assert any(entry_to_json(e)["kind"] == "Degraded" for e in WHOLE.log)


@settings(max_examples=30)
@given(st.integers(0, len(STORED)))
def test_wherever_a_log_was_cut_it_goes_on_as_if_it_had_not_been(n: int) -> None:
    line = Line(new_call(), Retrace(STORED[:n]))

    line.run()

    again = [entry_to_json(entry) for entry in line.log]
    assert again == [entry_to_json(entry) for entry in WHOLE.log[n:]]


def test_no_model_is_asked_for_what_the_log_holds() -> None:
    line = Line(new_call(), Retrace(STORED))

    line.run()

    assert line.asked == []
    assert line.log == []
    assert line.retrace.done


def test_another_model_than_before_changes_nothing_of_what_is_stored() -> None:
    half = len(STORED) // 2
    line = Line(new_call(), Retrace(STORED[:half]))

    line.run()

    held = {
        entry.event.utterance_id
        for entry in STORED[:half]
        if isinstance(entry.event, TranscriptFinal)
    }
    assert not held & set(line.asked) - {""}
    assert line.log[0].seq == half + 1


def test_a_log_that_other_rules_wrote_is_not_gone_on_with() -> None:
    other = replace(PARAMS, words_latency_s=0.9)
    line = Line(new_call(other), Retrace(STORED))

    with pytest.raises(RetraceError, match="is stored as") as error:
        line.run()

    assert "ridiculous" not in str(error.value)


def test_a_stored_number_that_differs_is_seen() -> None:
    changed = [entry_to_json(entry) for entry in STORED]
    point = next(entry for entry in changed if entry["kind"] == "HostilityPoint")
    point["body"]["score"] = 99.0
    line = Line(new_call(), Retrace([entry_from_json(entry) for entry in changed]))

    with pytest.raises(RetraceError, match="HostilityPoint"):
        line.run()
