import pytest

from emotion.errors import OrderError, ParameterError
from emotion.events import Evidence
from emotion.phases import PhaseParams
from emotion.voice import LOG_ODDS_LIMIT, VoiceParams, VoiceTrack, log_odds
from models.ports import VoiceReading

pytestmark = pytest.mark.unit

CALM = 0.02
ANGRY = 0.9


def heard(*angers: float, level_dbfs: float = -30.0) -> VoiceTrack:
    track = VoiceTrack(VoiceParams())
    for at, anger in enumerate(angers, 1):
        track.feed(VoiceReading(float(at), anger, level_dbfs, "fake"))
    return track


def points(evidence: list[Evidence]) -> dict[str, float]:
    return {item.code: item.weight for item in evidence}


def test_log_odds_are_finite_and_limited() -> None:
    assert log_odds(0.5) == 0.0
    assert log_odds(0.0) == -log_odds(1.0) == -LOG_ODDS_LIMIT


def test_nothing_heard_is_no_evidence() -> None:
    track = heard()

    assert track.evidence(1.0) == []
    assert not track.heard_within(15.0, 1.0)


@pytest.mark.parametrize("odd_at", range(10))
def test_one_odd_reading_changes_nothing(odd_at: int) -> None:
    angers = [CALM] * 10
    angers[odd_at] = 0.99

    assert all(heard(*angers[:n]).evidence(float(n)) == [] for n in range(1, 11))


def test_sustained_anger_counts_and_says_since_when() -> None:
    opening = VoiceParams().baseline_readings
    track = heard(*[CALM] * opening, *[ANGRY] * 3)

    (evidence,) = track.evidence(opening + 3.0)

    assert evidence.weight > 40
    assert 0.5 < evidence.value < ANGRY
    assert (evidence.start_s, evidence.end_s) == (opening + 1.0, opening + 3.0)


def test_two_angry_readings_are_held_below_take_off() -> None:
    track = heard(*[CALM] * 8, 0.99, 0.99, CALM)

    assert points(track.evidence(11.0))["voice_anger"] <= VoiceParams().most_unsustained


def test_somebody_who_calls_in_angry_is_heard() -> None:
    track = heard(*[0.97] * 12)

    assert points(track.evidence(12.0))["voice_anger"] > 40


def test_a_naturally_sharp_voice_is_compared_with_its_own_opening() -> None:
    opening = VoiceParams().baseline_readings
    sharp = heard(*[0.2] * opening, *[0.6] * 6)
    soft = heard(*[0.03] * opening, *[0.6] * 6)

    at_s = float(opening + 6)
    assert (
        points(sharp.evidence(at_s))["voice_anger"]
        < points(soft.evidence(at_s))["voice_anger"]
    )


def test_a_lively_voice_has_to_rise_further_than_an_even_one() -> None:
    opening = VoiceParams().baseline_readings
    lively = heard(*[0.005, 0.1] * (opening // 2), *[0.2] * 6)
    even = heard(*[0.022] * opening, *[0.2] * 6)

    at_s = float(opening + 6)
    assert points(even.evidence(at_s))["voice_anger"] > 2 * points(
        lively.evidence(at_s)
    ).get("voice_anger", 0.0)


def test_faint_anger_of_an_even_voice_counts() -> None:
    opening = VoiceParams().baseline_readings
    track = heard(*[0.008, 0.01] * (opening // 2), *[0.15] * 6)

    assert points(track.evidence(opening + 6.0))["voice_anger"] > PhaseParams().take_off


def louder(*, angry: bool) -> list[Evidence]:
    track = VoiceTrack(VoiceParams())
    for at in range(1, 25):
        late = at > 10
        anger = ANGRY if angry and late else CALM
        level_dbfs = -12.0 if late else -30.0
        track.feed(VoiceReading(float(at), anger, level_dbfs, "fake"))
    return track.evidence(24.0)


def test_loud_alone_is_not_angry() -> None:
    assert louder(angry=False) == []


def test_loud_and_angry_counts_more() -> None:
    found = points(louder(angry=True))

    assert 0 < found["voice_louder"] <= VoiceParams().most_louder


def test_anger_fades_slowly_while_nothing_is_heard() -> None:
    track = heard(*[CALM] * 8, *[ANGRY] * 6)

    at_once = points(track.evidence(14.0))["voice_anger"]
    half_life_s = VoiceParams().half_life_silent_s
    waited = points(track.evidence(14.0 + half_life_s))["voice_anger"]

    assert waited == pytest.approx(at_once / 2)


def test_calm_readings_end_the_evidence() -> None:
    assert heard(*[CALM] * 8, *[ANGRY] * 6, *[CALM] * 8).evidence(22.0) == []


def test_the_spread_tells_how_uncertain_the_voice_is() -> None:
    assert heard(CALM, 0.9, 0.02).spread > heard(CALM, CALM, CALM).spread == 0.0


def test_readings_come_in_order() -> None:
    track = heard(CALM, CALM)

    with pytest.raises(OrderError, match=r"got 1\.0 s after 2\.0 s"):
        track.feed(VoiceReading(1.0, CALM, -30.0, "fake"))


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ParameterError, match="neutral"):
        VoiceParams(neutral=1.5)
    with pytest.raises(ParameterError, match="usual_spread"):
        VoiceParams(usual_spread=0.0)
    with pytest.raises(ParameterError, match="prior_readings"):
        VoiceParams(prior_readings=0)


def test_who_is_angry_from_the_first_word_is_no_baseline_of_their_own() -> None:
    track = heard(*[ANGRY] * 20)

    assert points(track.evidence(20.0))["voice_anger"] > PhaseParams().take_off
