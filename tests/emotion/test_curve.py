from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.events import Interrupted, LongSilence, SpeechEnded, SpeechStarted
from audio.frame import Party
from emotion.curve import MAX_EVIDENCE, CurveParams, HostilityCurve
from emotion.errors import OrderError, ParameterError
from emotion.events import HostilityPoint, Phase, PhaseChanged, WordReading
from emotion.lexicon import load_lexicons
from emotion.words import WordReader
from models.ports import VoiceReading

pytestmark = pytest.mark.unit

READER = WordReader(load_lexicons())
TAKE_OFF = 40.0


@dataclass
class Played:
    """A call played into a curve, second by second."""

    curve: HostilityCurve = field(default_factory=lambda: HostilityCurve(CurveParams()))
    points: list[HostilityPoint] = field(default_factory=list)
    changes: list[PhaseChanged] = field(default_factory=list)
    now_s: float = 0.0

    def speak(self, seconds: int, anger: float | None, level_dbfs: float = -30) -> None:
        self.curve.feed_speech(SpeechStarted(Party.CUSTOMER, self.now_s))
        for _ in range(seconds):
            if anger is not None:
                reading = VoiceReading(self.now_s, anger, level_dbfs, "fake")
                self.curve.feed_voice(reading)
            self.wait(1)

    def stop(self) -> None:
        self.curve.feed_speech(SpeechEnded(Party.CUSTOMER, 0.0, self.now_s))

    def say(self, text: str) -> None:
        end_s = self.now_s
        self.curve.feed_words(READER.read(text, "en", max(0.0, end_s - 3.0), end_s))

    def wait(self, seconds: int) -> None:
        self.now_s += seconds
        for event in self.curve.advance(self.now_s):
            if isinstance(event, HostilityPoint):
                self.points.append(event)
            else:
                self.changes.append(event)

    @property
    def score(self) -> float:
        return self.points[-1].score

    @property
    def codes(self) -> set[str]:
        return {evidence.code for evidence in self.points[-1].evidence}


def test_there_is_one_point_for_every_whole_second() -> None:
    curve = HostilityCurve(CurveParams())

    points = [
        event
        for now_s in (0.5, 1.0, 1.9, 5.2)
        for event in curve.advance(now_s)
        if isinstance(event, HostilityPoint)
    ]

    assert [point.at_s for point in points] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert curve.score == 0.0


def test_how_time_is_cut_changes_nothing() -> None:
    one, many = HostilityCurve(CurveParams()), HostilityCurve(CurveParams())
    for curve in (one, many):
        curve.feed_words(READER.read("you are an idiot", "en", 0.0, 1.0))

    at_once = one.advance(20.0)
    in_pieces = [event for n in range(201) for event in many.advance(n / 10)]

    assert at_once == in_pieces


@pytest.mark.parametrize(
    "words",
    ["you are all a bunch of idiots", "i will report you to the ombudsman"],
)
def test_strong_words_lift_into_take_off_by_themselves(words: str) -> None:
    played = Played()

    played.say(words)
    played.wait(5)

    assert [change.after for change in played.changes] == [Phase.TAKE_OFF]


def test_a_polite_complaint_stays_rational() -> None:
    played = Played()

    played.speak(5, 0.02)
    played.say("i am a little disappointed with the delivery")
    played.wait(10)

    assert played.changes == []
    assert 0 < max(point.score for point in played.points) < 30


def test_words_and_voice_together_count_more_than_either() -> None:
    voice, words, both = Played(), Played(), Played()
    for played in (voice, words, both):
        played.speak(8, 0.02)
    for played in (words, both):
        played.say("this is the third time i call")
    voice.speak(6, 0.8)
    words.speak(6, 0.02)
    both.speak(6, 0.8)

    assert both.score > max(voice.score, words.score)


def test_sustained_anger_in_the_voice_alone_takes_off() -> None:
    played = Played()
    played.speak(8, 0.02)

    played.speak(2, 0.95)
    early = played.score
    played.speak(8, 0.95)

    assert early < TAKE_OFF < played.score


@pytest.mark.parametrize("odd_at", range(6))
def test_one_odd_reading_moves_nothing(odd_at: int) -> None:
    played = Played()
    for at in range(6):
        played.speak(1, 0.95 if at == odd_at else 0.02)
    played.speak(6, 0.02)

    assert {point.score for point in played.points} == {0.0}


def test_loud_and_friendly_is_calm() -> None:
    played = Played()
    played.speak(8, 0.02, -32)

    played.speak(10, 0.08, -8)
    played.say("oh that is wonderful thank you so much")
    played.speak(10, 0.08, -8)

    assert max(point.score for point in played.points) < 5


def test_a_silent_customer_is_not_calm_yet_but_a_kind_one_is() -> None:
    waiting, kind = Played(), Played()
    for played in (waiting, kind):
        played.speak(8, 0.02)
        played.speak(8, 0.9)
        played.say("this is ridiculous you lied to me")
        played.wait(3)
        played.stop()
    before = waiting.score

    waiting.wait(14)
    kind.speak(4, 0.02)
    kind.say("okay thank you that sounds good")
    kind.wait(10)

    assert waiting.score > 0.75 * before
    assert kind.score < 0.6 * waiting.score


def test_an_escalation_runs_through_the_phases() -> None:
    played = Played()
    played.speak(10, 0.02)
    played.say("hello i ordered a router")
    played.speak(5, 0.7)
    played.say("this is the third time i am calling you people lied to me")
    played.speak(6, 0.9)
    played.say("this is ridiculous you are all a bunch of idiots")
    played.speak(6, 0.9)
    played.stop()
    played.wait(6)
    played.speak(6, 0.02)
    played.say("okay")
    played.speak(6, 0.02)
    played.say("thank you that sounds good")
    played.speak(20, 0.02)
    played.say("alright let's do that thank you so much")
    played.speak(25, 0.02)

    assert [change.after for change in played.changes] == [
        Phase.TAKE_OFF,
        Phase.PEAK,
        Phase.SLOW_DOWN,
        Phase.COOL_DOWN,
        Phase.PROBLEM_SOLVING,
    ]
    assert played.changes[0].at_s <= 10 + 7


def test_a_customer_who_interrupts_raises_the_score_a_little() -> None:
    played = Played()
    played.wait(1)

    for _ in range(6):
        played.curve.feed_turns(Interrupted(Party.CUSTOMER, played.now_s))
    played.wait(3)

    assert 0 < played.score <= CurveParams().behaviour.most_interruptions
    assert played.codes == {"customer_interrupts"}
    (evidence,) = played.points[-1].evidence
    assert (evidence.value, evidence.start_s) == (6, 1.0)


def test_what_the_agent_does_never_raises_the_score() -> None:
    played = Played()

    played.curve.feed_turns(Interrupted(Party.AGENT, 0.5))
    played.curve.feed_turns(LongSilence(0.5))
    played.curve.feed_speech(SpeechStarted(Party.AGENT, 0.5))
    played.wait(5)

    assert played.score == 0.0


def test_interruptions_are_forgotten() -> None:
    played = Played()
    played.curve.feed_turns(Interrupted(Party.CUSTOMER, 0.5))

    played.wait(120)

    assert played.codes == set()


def test_a_missing_signal_widens_the_band() -> None:
    blind, heard, known = Played(), Played(), Played()
    for played in (heard, known):
        played.speak(5, 0.8)
    known.say("this is ridiculous")
    known.wait(1)
    heard.wait(1)
    blind.say("this is ridiculous")
    blind.wait(6)

    widths = [p.points[-1].high - p.score for p in (known, heard, blind)]

    assert widths[0] < min(widths[1:])


def test_evidence_explains_the_score_heaviest_first() -> None:
    played = Played()
    played.speak(8, 0.02)
    played.speak(8, 0.95)
    played.say("i called three times you lied to me this is ridiculous you idiot")
    played.say("give me your manager i will sue you and post it on facebook")
    played.wait(8)

    weights = [evidence.weight for evidence in played.points[-1].evidence]

    assert len(weights) == MAX_EVIDENCE
    assert weights == sorted(weights, reverse=True)
    assert 0 < sum(weights) <= played.score


def test_time_runs_forward() -> None:
    curve = HostilityCurve(CurveParams())
    curve.advance(2.0)

    with pytest.raises(OrderError, match=r"got 1\.0 s after 2\.0 s"):
        curve.advance(1.0)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ParameterError, match="attack"):
        CurveParams(attack=0.0)


@dataclass(frozen=True)
class Voice:
    anger: float


@dataclass(frozen=True)
class Words:
    hostility: float


@dataclass(frozen=True)
class Talk:
    party: Party
    starts: bool


@dataclass(frozen=True)
class Pass:
    seconds: float


STEPS = st.one_of(
    st.builds(Voice, st.floats(0.0, 1.0)),
    st.builds(Words, st.floats(-1.0, 1.0)),
    st.builds(Talk, st.sampled_from(Party), st.booleans()),
    st.builds(Interrupted, st.sampled_from(Party), st.just(0.0)),
    st.builds(Pass, st.floats(0.0, 5.0)),
)


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=60))
def test_whatever_is_fed_the_curve_stays_within_its_bounds(steps: list[object]) -> None:
    played = Played()
    for step in steps:
        match step:
            case Voice(anger):
                reading = VoiceReading(played.now_s, anger, -30.0, "fake")
                played.curve.feed_voice(reading)
            case Words(hostility):
                now_s = played.now_s
                played.curve.feed_words(
                    WordReading(now_s, now_s, hostility, None, (), "en", "fake")
                )
            case Talk(party, starts=True):
                played.curve.feed_speech(SpeechStarted(party, played.now_s))
            case Talk(party):
                played.curve.feed_speech(SpeechEnded(party, 0.0, played.now_s))
            case Interrupted():
                played.curve.feed_turns(step)
            case Pass(seconds):
                played.now_s += seconds
                played.wait(0)

    assert [p.at_s for p in played.points] == [
        float(n) for n in range(1, int(played.now_s) + 1)
    ]
    assert all(0 <= p.low <= p.score <= p.high <= 100 for p in played.points)
    assert all(len(p.evidence) <= MAX_EVIDENCE for p in played.points)
