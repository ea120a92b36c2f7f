"""The log of a call is a function of its audio, its controls and the answers."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.events import (
    AlertAcknowledged,
    AlertOpened,
    CueArmed,
    CueReleased,
    CuesMuted,
)
from alerts.playbook import load_playbook
from audio.codec import AudioFormat, Encoding
from audio.endpointer import EndpointerParams
from audio.events import SpeechEnded, SpeechStarted
from audio.frame import FRAME_SAMPLES, RATE, Frame, Party
from audio.framer import Framer
from audio.turn_taking import TurnTakingParams
from emotion.events import (
    CustomerKind,
    CustomerKindChanged,
    HostilityPoint,
    Tier,
    WordReading,
)
from emotion.words import WordReader, load_word_reader
from models.fake import FakeDetector
from models.ports import Transcript, VoiceReading
from server.call import Call, CallParams, Output
from server.controls import AcknowledgeAlert
from server.events import (
    CallEnded,
    CallEndReason,
    CallStarted,
    Consent,
    ConsentChanged,
    Degradation,
    Degraded,
    LanguageDetected,
    LogEntry,
    Note,
    Recovered,
    TranscriptFinal,
    WordsRead,
    WordsSoFar,
)
from server.questions import (
    PartialRequest,
    Question,
    SoFarRequest,
    TranscribeRequest,
    VoiceRequest,
)

pytestmark = pytest.mark.unit

WORDS = load_word_reader()
PLAYBOOK = load_playbook()
PARAMS = CallParams()
NEVER_TENSE = replace(PARAMS, tense_score=101.0)
TWO = (Party.CUSTOMER, Party.AGENT)
Frames = list[tuple[Frame, ...]]

SAID = {
    5: "hello i have a question about my bill",
    10: "this is the third time i am calling and nobody has helped me",
    16: "this is ridiculous you are completely useless",
    25: "i will report you to the ombudsman",
    36: "thank you that helps",
}
"""What the customer says, by the second before which it begins."""


def said(party: Party, start_s: float) -> str:
    if party is Party.AGENT:
        return "let me look at that for you"
    return next(text for before_s, text in SAID.items() if start_s < before_s - 0.5)


def speech(*spans: tuple[float, float], value: float, total_s: float) -> np.ndarray:
    """A channel that is `value` within the spans (seconds), and silent elsewhere."""
    pcm = np.zeros(round(total_s * RATE), np.float32)
    for start_s, end_s in spans:
        pcm[round(start_s * RATE) : round(end_s * RATE)] = value
    return pcm


CUSTOMER = speech((0.5, 3), (5, 9), (10, 16), (17, 22), (30, 32), value=0.5, total_s=36)
AGENT = speech((3.5, 4.5), (22.5, 26), (32.5, 34), value=-0.5, total_s=36)


def frames_of(pcm: np.ndarray, parties: tuple[Party, ...]) -> Frames:
    framer = Framer(AudioFormat(Encoding.PCM_S16LE, RATE, len(parties)), parties)
    return framer.receive_pcm(pcm.astype(np.float32)) + framer.flush()


TALK = frames_of(np.stack([CUSTOMER, AGENT], axis=1), TWO)


def new_call(
    parties: tuple[Party, ...] = TWO,
    consent: Consent = Consent.GRANTED,
    language: str | None = "en",
    params: CallParams = PARAMS,
) -> Call:
    started = CallStarted("c", "a", "", language, parties, consent, "", ("m",))
    detectors = [FakeDetector() for _ in parties]
    return Call(started, detectors, WORDS, PLAYBOOK, params)


@dataclass
class Driver:
    """Feeds a call and answers it; `later` says which answers are held back."""

    call: Call
    later: bool = False
    log: list[LogEntry] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)
    partials: list[PartialRequest] = field(default_factory=list)
    n_said: int = 0

    def take(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if isinstance(output, LogEntry):
                self.log.append(output)
            elif isinstance(output, PartialRequest):
                self.partials.append(output)
            else:
                self.asked.append(output)
        while self.asked and not self.later:
            self.answer(0)

    def answer(self, index: int) -> None:
        request = self.asked.pop(index)
        if isinstance(request, VoiceRequest):
            end_s = request.window.end_s
            anger = 0.1 if end_s < 5 else 0.9
            reading = VoiceReading(end_s, anger, -20.0, "fake")
            self.take(self.call.receive_voice(request.request_id, reading))
        else:
            segment = request.segment
            text = said(segment.party, segment.start_s)
            words = Transcript(text, request.language or "en", 1.0, 0.9)
            self.take(self.call.receive_transcript(request.request_id, words))

    def run(self, frames: Frames = TALK) -> list[LogEntry]:
        self.take(self.call.start())
        self.take(self.call.receive_frames(frames))
        self.take(self.call.end(CallEndReason.COMPLETED))
        return self.log


WHOLE = Driver(new_call()).run()


def found(log: list[LogEntry], kind: type) -> list[LogEntry]:
    return [entry for entry in log if isinstance(entry.event, kind)]


def score_at(log: list[LogEntry], second: int) -> float:
    return next(
        entry.event.score
        for entry in log
        if isinstance(entry.event, HostilityPoint) and entry.event.at_s == second
    )


def test_the_log_is_numbered_without_a_hole_and_time_never_goes_back() -> None:
    times = [entry.at_s for entry in WHOLE]

    assert [entry.seq for entry in WHOLE] == list(range(1, len(WHOLE) + 1))
    assert times == sorted(times)
    assert isinstance(WHOLE[0].event, CallStarted)
    assert WHOLE[-1].event == CallEnded(CallEndReason.COMPLETED, len(TALK) * 0.032)


def test_a_call_that_escalates_has_words_a_curve_alerts_and_a_cue() -> None:
    scores = [entry.event.score for entry in found(WHOLE, HostilityPoint)]  # type: ignore[union-attr]  # found by kind
    tiers = {entry.event.reading.tier for entry in found(WHOLE, WordsRead)}  # type: ignore[union-attr]  # likewise

    assert max(scores[:4]) < 30
    assert max(scores) > 60
    assert len(scores) == int(WHOLE[-1].at_s)
    assert Tier.THIRD_PARTY in tiers
    assert found(WHOLE, AlertOpened)
    assert found(WHOLE, CueArmed)


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_the_log_does_not_depend_on_when_answers_come(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - no secret
    driver = Driver(new_call(), later=True)
    driver.take(driver.call.start())
    at = 0

    while at < len(TALK) or driver.asked:
        if driver.asked and (at >= len(TALK) or rng.random() < 0.5):
            driver.answer(rng.randrange(len(driver.asked)))
        else:
            step = rng.randint(1, 400)
            driver.take(driver.call.receive_frames(TALK[at : at + step]))
            at += step
    driver.take(driver.call.end(CallEndReason.COMPLETED))
    while driver.asked:
        driver.answer(rng.randrange(len(driver.asked)))

    assert driver.log == WHOLE


def test_call_time_stands_still_for_a_late_answer_and_nothing_is_lost() -> None:
    driver = Driver(new_call(), later=True)
    driver.take(driver.call.start())
    driver.take(driver.call.receive_frames(TALK))
    first = driver.asked[0]
    assert isinstance(first, VoiceRequest)

    assert driver.call.received_s == pytest.approx(len(TALK) * 0.032)
    due_s = first.window.end_s + CallParams().voice_latency_s
    assert driver.call.now_s == pytest.approx(due_s, abs=0.033)

    while driver.asked:
        driver.answer(0)
    assert driver.call.now_s == driver.call.received_s


@given(st.permutations(TWO))
def test_only_the_customers_audio_is_ever_read(parties: list[Party]) -> None:
    channels = {Party.CUSTOMER: CUSTOMER, Party.AGENT: AGENT}
    pcm = np.stack([channels[party] for party in parties], axis=1)
    driver = Driver(new_call(tuple(parties)), later=True)
    driver.take(driver.call.start())
    voice = []
    for frame in frames_of(pcm, tuple(parties)):
        driver.take(driver.call.receive_frames([frame]))
        voice += [a.window for a in driver.asked if isinstance(a, VoiceRequest)]
        while driver.asked:
            driver.answer(0)

    assert len(voice) >= 10
    assert all(window.pcm.min() >= 0 for window in voice)  # the agent is below zero


def test_text_only_consent_keeps_the_voice_model_out() -> None:
    driver = Driver(new_call(consent=Consent.TEXT_ONLY))

    log = driver.run()

    assert not found(log, VoiceReading)
    assert found(log, WordsRead)
    assert found(log, HostilityPoint)


def test_consent_can_change_in_the_middle() -> None:
    driver = Driver(new_call(consent=Consent.TEXT_ONLY))
    driver.take(driver.call.start())
    driver.take(driver.call.receive_frames(TALK[:300]))
    driver.take(driver.call.receive_control(ConsentChanged(Consent.GRANTED)))
    driver.take(driver.call.receive_frames(TALK[300:]))

    readings = found(driver.log, VoiceReading)

    assert readings
    assert readings[0].at_s > 300 * FRAME_SAMPLES / RATE


def test_a_mono_call_is_transcribed_but_nobody_is_scored() -> None:
    parties = (Party.UNKNOWN,)
    driver = Driver(new_call(parties))

    log = driver.run(frames_of(CUSTOMER[:, None], parties))

    assert log[1].event == Degraded(Degradation.ROLES_UNKNOWN)
    assert found(log, TranscriptFinal)
    kinds = {type(entry.event) for entry in log}
    assert kinds == {
        CallStarted,
        Degraded,
        SpeechStarted,
        SpeechEnded,
        TranscriptFinal,
        CallEnded,
    }


def test_the_language_is_settled_once_and_then_asked_for() -> None:
    driver = Driver(new_call(language=None))
    asked: list[str | None] = []
    driver.take(driver.call.start())
    driver.later = True
    for frame in TALK:
        driver.take(driver.call.receive_frames([frame]))
        asked += [a.language for a in driver.asked if isinstance(a, TranscribeRequest)]
        while driver.asked:
            driver.answer(0)

    assert len(found(driver.log, LanguageDetected)) == 1
    assert asked[0] is None
    assert asked[-1] == "en"


def test_partials_are_asked_for_while_somebody_speaks_for_long() -> None:
    driver = Driver(new_call(params=NEVER_TENSE))
    driver.run()

    long_turn = [p for p in driver.partials if 9.5 < p.segment.start_s < 10.1]

    assert [round(p.segment.end_s - 10) for p in long_turn] == [2, 4, 6]


def without_cues(params: CallParams = PARAMS) -> list[LogEntry]:
    driver = Driver(new_call(params=params))
    driver.take(driver.call.receive_control(CuesMuted("a")))
    return driver.run()


def test_unfinished_words_of_a_tense_customer_count() -> None:
    whole, plain = without_cues(), without_cues(NEVER_TENSE)

    early = found(whole, WordsSoFar)
    assert [round(entry.at_s) for entry in early] == [12, 14]
    assert found(plain, WordsSoFar) == []
    turn = next(entry.event for entry in early)
    assert isinstance(turn, WordsSoFar)
    assert turn.reading.start_s == pytest.approx(9.8, abs=0.1)
    assert score_at(whole, 13) > score_at(plain, 13) + 10
    # What was said takes their place: nothing counts twice.
    assert score_at(whole, 28) == pytest.approx(score_at(plain, 28), abs=1)


def test_unfinished_words_are_not_asked_for_where_they_can_bring_no_cue_sooner() -> (
    None
):
    assert [round(entry.at_s) for entry in found(WHOLE, CueArmed)] == [9, 10, 17]
    assert found(WHOLE, WordsSoFar) == []


def test_unfinished_words_of_a_calm_customer_or_of_an_agent_cost_nothing() -> None:
    driver = Driver(new_call())
    frames = frames_of(np.stack([AGENT, CUSTOMER], axis=1), TWO)

    driver.take(driver.call.start())
    driver.later = True
    asked = []
    for frame in frames:
        driver.take(driver.call.receive_frames([frame]))
        asked += [a for a in driver.asked if isinstance(a, TranscribeRequest)]
        while driver.asked:
            request = driver.asked.pop(0)
            if isinstance(request, VoiceRequest):
                driver.take(driver.call.receive_voice(request.request_id, None))
            else:
                words = Transcript("you are useless", "en", 1.0, 0.9)
                if request.segment.party is Party.CUSTOMER:
                    words = replace(words, text="where is my parcel please")
                driver.take(driver.call.receive_transcript(request.request_id, words))

    assert asked
    assert not any(isinstance(one, SoFarRequest) for one in asked)


def test_unfinished_words_wait_while_there_is_too_much_to_do() -> None:
    driver = Driver(new_call())
    driver.take(driver.call.start())
    driver.take(driver.call.receive_control(Degraded(Degradation.VOICE_SPARSE)))
    driver.take(driver.call.receive_frames(TALK))
    driver.take(driver.call.end(CallEndReason.COMPLETED))

    assert max(entry.event.score for entry in found(driver.log, HostilityPoint)) > 40  # type: ignore[union-attr]  # found by kind
    assert found(driver.log, WordsSoFar) == []


def test_an_answer_that_failed_is_said_and_the_call_goes_on() -> None:
    driver = Driver(new_call(), later=True)
    driver.take(driver.call.start())
    driver.take(driver.call.receive_frames(TALK))
    driver.take(driver.call.end(CallEndReason.COMPLETED))
    while driver.asked:
        request = driver.asked.pop(0)
        if isinstance(request, VoiceRequest):
            driver.take(driver.call.receive_voice(request.request_id, None))
        else:
            driver.take(driver.call.receive_transcript(request.request_id, None))

    assert found(driver.log, Degraded)
    assert driver.call.ended


def test_an_alert_can_be_acknowledged_once() -> None:
    driver = Driver(new_call())
    driver.take(driver.call.start())
    driver.take(driver.call.receive_frames(TALK))
    opened = found(driver.log, AlertOpened)[0].event
    assert isinstance(opened, AlertOpened)

    for alert_id in ("nonsense", opened.alert_id, opened.alert_id):
        driver.take(driver.call.receive_control(AcknowledgeAlert(alert_id, "Mia")))

    (acknowledged,) = found(driver.log, AlertAcknowledged)
    assert acknowledged.event == AlertAcknowledged(
        opened.alert_id, "Mia", driver.call.now_s
    )


class _Compensation(WordReader):
    """Hears in every utterance an angry customer who wants a remedy."""

    def read(
        self, text: str, language: str, start_s: float, end_s: float
    ) -> WordReading:
        reading = super().read(text, language, start_s, end_s)
        return replace(
            reading,
            hostility=0.9,
            customer=CustomerKind.COMPENSATION,
            customer_p=0.9,
        )


def test_what_the_customer_wants_is_told_once_and_the_opening_line_fits_it() -> None:
    started = CallStarted("c", "a", "", "en", TWO, Consent.GRANTED, "", ("m",))
    detectors = [FakeDetector() for _ in TWO]
    words = _Compensation([])

    driver = Driver(Call(started, detectors, words, PLAYBOOK, CallParams()))
    log = driver.run(frames_of(np.stack([CUSTOMER, 0 * AGENT], axis=1), TWO))

    (changed,) = found(log, CustomerKindChanged)
    assert isinstance(log[changed.seq - 2].event, WordsRead)
    released = [one.event for one in log if isinstance(one.event, CueReleased)]
    assert released[0].line_id == "offer"


def test_notes_are_logged_where_they_were_made() -> None:
    driver = Driver(new_call())
    driver.take(driver.call.start())
    driver.take(driver.call.receive_frames(TALK[:100]))
    driver.take(driver.call.receive_control(Note("slow down", "Mia")))

    assert driver.log[-1].event == Note("slow down", "Mia")
    assert driver.log[-1].at_s == pytest.approx(3.2)


def test_the_voice_is_read_less_often_while_there_is_too_much_to_do() -> None:
    driver = Driver(new_call())
    driver.take(driver.call.start())
    driver.take(driver.call.receive_frames(TALK[:315]))  # 10.08 s
    driver.take(driver.call.receive_control(Degraded(Degradation.VOICE_SPARSE)))
    driver.take(driver.call.receive_frames(TALK[315:520]))  # 16.64 s
    driver.take(driver.call.receive_control(Recovered(Degradation.VOICE_SPARSE)))
    driver.take(driver.call.receive_frames(TALK[520:]))

    ends = [entry.event.end_s for entry in found(driver.log, VoiceReading)]  # type: ignore[union-attr]  # found by kind
    assert [round(end) for end in ends if 5 < end < 16.5] == [6, 7, 8, 9, 13, 16]
    assert [round(end) for end in ends if 17 < end < 22] == [18, 19, 20, 21]


def test_a_call_says_which_answer_its_time_stands_still_for() -> None:
    driver = Driver(new_call(), later=True)
    driver.take(driver.call.start())
    before = driver.call.waiting_for
    driver.take(driver.call.receive_frames(TALK))

    stalls = [driver.call.waiting_for]
    while driver.call.waiting_for is not None:
        waited = driver.call.waiting_for
        (index,) = (i for i, a in enumerate(driver.asked) if a.request_id == waited)
        driver.answer(index)
        stalls.append(driver.call.waiting_for)

    assert before is None
    assert stalls[0] == 1
    assert stalls[-1] is None
    assert driver.call.now_s == driver.call.received_s


def test_answers_count_as_the_log_holds_them() -> None:
    driver = Driver(new_call(), later=True)
    driver.take(driver.call.start())
    driver.take(driver.call.receive_frames(TALK))
    request = driver.asked.pop(0)
    assert isinstance(request, VoiceRequest)
    reading = VoiceReading(request.window.end_s, 1 / 3, -20 / 3, "fake")
    driver.take(driver.call.receive_voice(request.request_id, reading))

    (logged,) = found(driver.log, VoiceReading)
    assert logged.event == VoiceReading(request.window.end_s, 0.3333, -6.6667, "fake")


def test_the_hangover_is_the_same_everywhere() -> None:
    with pytest.raises(ValueError, match="hangover"):
        CallParams(
            endpointer=EndpointerParams(hangover_s=0.5),
            turn_taking=TurnTakingParams(hangover_s=0.6),
        )
