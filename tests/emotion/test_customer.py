import pytest

from audio.events import Interrupted, SpeechStarted
from audio.frame import Party
from emotion.customer import Customer, EmotionParams
from emotion.errors import OrderError
from emotion.events import (
    CustomerKind,
    CustomerKindChanged,
    Forecast,
    HostilityPoint,
    PhaseChanged,
    WordHit,
    WordReading,
    WordSign,
)
from emotion.lexicon import load_lexicons
from emotion.manner import Utterance
from emotion.words import WordReader
from models.ports import VoiceReading

pytestmark = pytest.mark.unit

READER = WordReader(load_lexicons())
Events = list[HostilityPoint | PhaseChanged | Forecast]


def test_each_second_has_its_point_then_its_phase_then_its_forecast() -> None:
    customer = Customer(EmotionParams())
    customer.feed_words(WordReading(0.0, 1.0, 1.0, None, (), "en", "fake"))

    events = customer.advance(2.0)

    assert [type(event) for event in events[:4]] == [
        HostilityPoint,
        PhaseChanged,
        Forecast,
        HostilityPoint,
    ]


def test_how_time_is_cut_changes_nothing() -> None:
    one, many = Customer(EmotionParams()), Customer(EmotionParams())
    for customer in (one, many):
        customer.feed_speech(SpeechStarted(Party.CUSTOMER, 0.0))
        customer.feed_turns(Interrupted(Party.CUSTOMER, 0.5))
        customer.feed_words(READER.read("you lied to me", "en", 0.0, 1.0))

    at_once = one.advance(30.0)
    in_pieces: Events = []
    for n in range(301):
        in_pieces += many.advance(n / 10)

    assert at_once == in_pieces


def test_nothing_is_told_between_whole_seconds() -> None:
    customer = Customer(EmotionParams())

    assert customer.advance(0.99) == []


def test_words_that_alarm_are_told_before_the_second_is_over() -> None:
    customer = Customer(EmotionParams())
    customer.advance(3.3)

    (warned,) = customer.feed_words_so_far(
        WordReading(2.0, 3.3, 1.0, None, (), "en", "fake")
    )

    assert warned.at_s == 3.3
    assert warned.p > 0.9


def test_one_odd_voice_reading_never_forecasts_an_escalation() -> None:
    customer = Customer(EmotionParams())
    events: Events = []
    for at in range(30):
        anger = 0.95 if at == 12 else 0.12
        events += customer.feed_voice(VoiceReading(float(at), anger, -30.0, "fake"))
        events += customer.advance(float(at))

    assert all(event.p < 0.1 for event in events if isinstance(event, Forecast))


def test_a_loud_friendly_call_never_forecasts_an_escalation() -> None:
    customer = Customer(EmotionParams())
    events: Events = []
    for at in range(120):
        level_dbfs = -32.0 if at < 10 else -6.0
        customer.feed_voice(VoiceReading(float(at), 0.25, level_dbfs, "fake"))
        events += customer.advance(float(at))
    customer.feed_words(READER.read("that is great thank you", "en", 118.0, 119.0))
    events += customer.advance(125.0)

    assert all(event.p < 0.1 for event in events if isinstance(event, Forecast))


def test_readings_and_time_come_in_order() -> None:
    customer = Customer(EmotionParams())
    customer.feed_voice(VoiceReading(3.0, 0.1, -30.0, "fake"))
    customer.advance(5.0)

    with pytest.raises(OrderError):
        customer.feed_voice(VoiceReading(2.0, 0.1, -30.0, "fake"))
    with pytest.raises(OrderError):
        customer.advance(4.0)


@pytest.mark.parametrize(
    ("text", "rises"), [("me.", False), ("you have made a fool of me.", True)]
)
def test_what_is_made_of_a_scrap_of_a_sentence_counts_for_nothing(
    text: str, *, rises: bool
) -> None:
    customer = Customer(EmotionParams())
    hits = (WordHit(WordSign.ANGER, 0, len(text)),)
    customer.feed_utterance(Utterance(text, "en", 0.0, 1.0))
    customer.feed_words(WordReading(0.0, 1.0, 0.5, None, hits, "en", "fake"))

    points = [e for e in customer.advance(2.0) if isinstance(e, HostilityPoint)]

    assert (points[-1].score > 0) is rises


def test_what_the_customer_wants_most_follows_from_the_words() -> None:
    customer = Customer(EmotionParams())
    kind = CustomerKind.TRUST
    before = customer.kind

    said = WordReading(1.0, 4.0, 0.2, None, (), "en", "fake", kind, 0.9)
    changes = customer.feed_words(said)

    assert before is None
    assert [
        (change.at_s, change.after)
        for change in changes
        if isinstance(change, CustomerKindChanged)
    ] == [(4.0, kind)]
    assert customer.kind is kind
