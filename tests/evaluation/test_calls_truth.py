import numpy as np
import pytest

from alerts.events import CueArmed
from audio.frame import Party
from emotion.events import HostilityPoint, Phase
from evaluation.calls_audio import Utterance
from evaluation.calls_plan import Kind, Mood
from evaluation.calls_score import (
    Outcome,
    concordance,
    cued,
    delays_s,
    early_cues,
    false_cues,
    figures_of,
    leads_s,
    middle,
    moments,
    outcome_of,
    phase_counts,
    phase_f1,
    ratio,
)
from evaluation.calls_truth import ANGRY, CALMED, IRRITATED, PEAK, Truth, truth_of
from server.events import LogEntry

pytestmark = pytest.mark.unit


def said(mood: Mood, start_s: float, end_s: float) -> Utterance:
    return Utterance(Party.CUSTOMER, mood, start_s, end_s, "")


ESCALATES = (
    said(Mood.CALM, 0, 10),
    said(Mood.IRRITATED, 20, 25),
    said(Mood.ANGRY, 30, 35),
    said(Mood.ANGRY, 45, 50),
    said(Mood.CALMING, 60, 65),
)


def test_hostility_rises_with_irritation_and_anger_and_falls_again() -> None:
    truth = truth_of(ESCALATES, 100.0)

    by_second = dict(enumerate(truth.hostility, 1))
    assert by_second[19] == 0
    assert by_second[23] == pytest.approx(IRRITATED)
    assert by_second[29] == pytest.approx(IRRITATED)
    assert by_second[33] == pytest.approx(ANGRY)
    assert by_second[40] == by_second[59] == pytest.approx(PEAK)
    assert by_second[75] == by_second[100] == pytest.approx(CALMED)
    assert np.all(np.diff(truth.hostility[59:75]) < 0)


def test_an_escalation_is_timed_by_its_words() -> None:
    (escalation,) = truth_of(ESCALATES, 100.0).escalations

    assert (escalation.start_s, escalation.angry_s) == (20, 30)
    assert (escalation.peak_s, escalation.end_s) == (40, 60)


def test_phases_come_in_their_order() -> None:
    phases = truth_of(ESCALATES, 100.0).phases

    assert list(dict.fromkeys(phases)) == list(Phase)
    assert phases[19] is Phase.TAKE_OFF
    assert phases[39] is Phase.PEAK
    assert phases[59] is Phase.SLOW_DOWN


def test_a_second_escalation_starts_again_at_take_off() -> None:
    again = (said(Mood.CALM, 70, 75), said(Mood.ANGRY, 76, 80))

    truth = truth_of((*ESCALATES, *again), 90.0)

    assert [one.angry_s for one in truth.escalations] == [30, 76]
    assert truth.escalations[1].end_s == 90
    assert truth.phases[75] is Phase.TAKE_OFF
    assert truth.hostility[-1] == pytest.approx(PEAK)


@pytest.mark.parametrize(
    "mood", [Mood.CALM, Mood.HAPPY, Mood.SURPRISED, Mood.SAD, Mood.FRIGHTENED]
)
def test_other_feelings_are_not_hostile(mood: Mood) -> None:
    truth = truth_of((said(mood, 0, 20),), 20.0)

    assert not truth.hostility.any()
    assert truth.escalations == ()
    assert set(truth.phases) == {Phase.RATIONAL}


def test_the_agent_has_no_part_in_the_truth() -> None:
    agent = Utterance(Party.AGENT, Mood.ANGRY, 5, 15, "")

    assert truth_of((agent,), 20.0).escalations == ()


def outcome(
    *armed: tuple[float, str], kind: Kind = Kind.VOICE, duration_s: float = 100.0
) -> Outcome:
    said_in = ESCALATES if kind is Kind.VOICE else ()
    truth = truth_of(said_in, duration_s)
    return Outcome(kind, duration_s, truth, truth.hostility, truth.phases, armed)


def test_a_cue_within_the_escalation_catches_it() -> None:
    caught = outcome((32.5, "c1"))

    assert ratio([cued(caught), cued(outcome())]) == 0.5
    assert delays_s(caught) == pytest.approx([2.5])
    assert leads_s(caught) == pytest.approx([7.5])


def test_a_cue_in_irritation_comes_before_anger() -> None:
    assert delays_s(outcome((24.0, "c1"))) == pytest.approx([-6.0])


@pytest.mark.parametrize("at_s", [5.0, 70.0])
def test_a_cue_outside_catches_nothing(at_s: float) -> None:
    missed = outcome((at_s, "c1"))

    assert ratio([cued(missed)]) == 0.0
    assert len(delays_s(missed)) == 0
    assert np.isnan(middle([delays_s(missed)]))


def test_a_cue_that_is_armed_again_catches_but_is_no_new_false_cue() -> None:
    again = outcome((5.0, "c1"), (31.0, "c1"))

    assert cued(again).tolist() == [1, 1]
    assert early_cues(again)[0] == 1
    assert again.new_cues == [5.0]


def test_false_cues_are_counted_by_the_hour() -> None:
    calm = [
        outcome((10.0, "c1"), (50.0, "c2"), kind=Kind.CALM, duration_s=1800.0),
        outcome(kind=Kind.CALM, duration_s=1800.0),
    ]

    assert ratio(list(map(false_cues, calm))) == 2.0


def curved(score: np.ndarray, known: np.ndarray) -> Outcome:
    phases = (Phase.RATIONAL,) * len(known)
    return Outcome(Kind.CALM, 1.0, Truth(known, phases, ()), score, phases, ())


def test_concordance_is_one_for_the_truth_and_less_for_a_shifted_or_flat_curve() -> (
    None
):
    known = np.array([0.0, 10.0, 50.0, 80.0])

    def of(score: np.ndarray) -> float:
        return concordance([moments(curved(score, known))])

    assert of(known) == pytest.approx(1.0)
    assert of(np.full(4, 35.0)) == pytest.approx(0.0)
    assert 0 < of(known + 20) < 1
    assert of(-known) < 0


def test_concordance_agrees_with_its_definition() -> None:
    draw = np.random.default_rng(3)
    score, known = draw.normal(40, 9, 500), draw.normal(30, 20, 500)
    score += known
    pearson = np.corrcoef(score, known)[0, 1]
    expected = (2 * pearson * score.std() * known.std()) / (
        score.var() + known.var() + (score.mean() - known.mean()) ** 2
    )
    halves = [
        moments(curved(score[part], known[part]))
        for part in (slice(0, 200), slice(200, 500))
    ]

    assert concordance(halves) == pytest.approx(expected)


def test_phase_f1_is_the_mean_over_phases() -> None:
    known = (Phase.RATIONAL,) * 3 + (Phase.PEAK,)
    told = (Phase.RATIONAL,) * 2 + (Phase.PEAK,) * 2
    level = np.zeros(4)
    one = Outcome(Kind.VOICE, 4.0, Truth(level, known, ()), level, told, ())

    f1 = phase_f1([phase_counts(one)])

    assert f1 == pytest.approx((2 * 2 / 5 + 2 * 1 / 3) / 2)


def test_a_log_is_compared_second_by_second() -> None:
    points = [
        HostilityPoint(float(at), 10.0 * at, 0, 100, Phase.RATIONAL, ())
        for at in range(1, 4)
    ]
    armed = CueArmed("c1", 2.2, 0.7)
    log = [LogEntry(n, 0.0, point) for n, point in enumerate(points, 1)]
    log.append(LogEntry(4, 2.2, armed))

    found = outcome_of(Kind.CALM, 4.5, truth_of((), 4.5), log)

    assert found.curve.tolist() == [10, 20, 30]
    assert len(found.truth.hostility) == len(found.phases) == 3
    assert found.armed == ((2.2, "c1"),)


def test_figures_have_their_names_and_intervals() -> None:
    outcomes = [
        outcome((32.0, "c1")),
        outcome(),
        outcome(kind=Kind.HAPPY),
        outcome((9.0, "c1"), kind=Kind.CALM),
    ]

    figures = {figure.name: figure for figure in figures_of("calls.fused", outcomes)}

    assert figures["calls.fused.ccc"].value == pytest.approx(1.0)
    assert figures["calls.fused.recall"].value == 0.5
    assert figures["calls.fused.recall"].low == 0.0
    assert figures["calls.fused.recall"].high == 1.0
    assert figures["calls.fused.delay_median_s"].value == pytest.approx(2.0)
    assert figures["calls.fused.lead_median_s"].value == pytest.approx(8.0)
    assert figures["calls.fused.false_cues_per_hour.calm"].value == pytest.approx(36)
    assert figures["calls.fused.false_cues_per_hour.happy"].value == 0.0
    assert figures["calls.fused.phase_f1"].value == pytest.approx(1.0)
    assert "calls.fused.false_cues_per_hour.sad" not in figures
