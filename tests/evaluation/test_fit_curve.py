from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from alerts.events import CueArmed
from alerts.pause_cue import PauseCueParams
from audio.codec import encode
from audio.frame import Frame, Party
from emotion.customer import EmotionParams
from emotion.events import HostilityPoint, Phase
from emotion.forecast import ForecastParams
from evaluation.calls_audio import LINE, Rendered, Utterance
from evaluation.calls_plan import Kind, Mood
from evaluation.calls_run import Heard, Listener, Signals
from evaluation.calls_truth import Truth, truth_of
from evaluation.fit_curve import (
    KNOBS,
    LEAST,
    Tuned,
    _cues,
    described,
    fit_forecast,
    keeps_promises,
    loss,
    search,
)
from evaluation.fit_replay import (
    Followed,
    Recorded,
    follow,
    read_higher,
    recorded,
    without_opening,
)
from models.ports import Transcriber, Transcript, VoiceReading
from server.engine import Models
from server.events import LogEntry
from server.factory import CallFactory

pytestmark = pytest.mark.unit

DURATION_S = 60.0
TURNS = (
    (Mood.CALM, 1.0, 9.0, "hello i have a question about my bill"),
    (Mood.ANGRY, 14.0, 26.0, "you are a bunch of useless idiots"),
    (Mood.CALMING, 34.0, 42.0, "thank you that helps"),
)


class LoudIsSpeech:
    def probabilities(self, frames: Sequence[Frame]) -> list[float]:
        return [float(np.abs(frame.pcm).max() > 0.2) for frame in frames]


class AngryInTheMiddle:
    def read(self, window: object) -> VoiceReading:
        end_s: float = getattr(window, "end_s")  # noqa: B009 - whatever has an end
        return VoiceReading(end_s, 0.9 if 14 < end_s < 27 else 0.02, -26.0, "fake")


class NoWhisper(Transcriber):
    def transcribe(self, _pcm: object, _language: str | None) -> Transcript:
        raise AssertionError


@cache
def played() -> tuple[Recorded, list[LogEntry]]:
    """A call of beeps through the real parts, and what a replay needs of it."""
    pcm = np.zeros((round(DURATION_S * LINE.rate), 2), np.float32)
    for _, start_s, end_s, _ in TURNS:
        at_s = np.arange(round(start_s * LINE.rate), round(end_s * LINE.rate))
        pcm[at_s, 0] = 0.5 * np.sign(np.sin(at_s))
    said = tuple(
        Utterance(Party.CUSTOMER, mood, start_s, end_s, text)
        for mood, start_s, end_s, text in TURNS
    )
    rendered = Rendered(encode(pcm, LINE), said, DURATION_S)
    models = Models(LoudIsSpeech, NoWhisper(), AngryInTheMiddle(), ("fake",))
    log = Listener(CallFactory.of(models)).listen(
        rendered, "en", Signals.FUSED, Heard()
    )
    truth = truth_of(said, DURATION_S)
    return recorded(Kind.BOTH, DURATION_S, truth, log), log


def test_a_replay_draws_the_curve_of_the_call() -> None:
    call, log = played()
    points = [one.event for one in log if isinstance(one.event, HostilityPoint)]

    followed = follow(call, EmotionParams())

    assert max(point.score for point in points) > 40
    assert list(followed.points) == points[: len(followed.points)]
    assert len(followed.points) >= DURATION_S - 1


def test_a_replay_arms_the_cues_of_the_call() -> None:
    call, log = played()
    armed = [one.event for one in log if isinstance(one.event, CueArmed)]

    (outcome,) = _cues([follow(call, EmotionParams())], Tuned())

    assert armed
    assert [cue_id for _, cue_id in outcome.armed] == [one.cue_id for one in armed]
    assert [at_s for at_s, _ in outcome.armed] == pytest.approx(
        [one.at_s for one in armed], abs=0.3
    )


def test_a_voice_that_reads_higher_is_the_same_call_otherwise() -> None:
    call, _ = played()

    higher = read_higher(call, 3.0)

    changed = [
        (before, after)
        for before, after in zip(call.inputs, higher.inputs, strict=True)
        if before != after
    ]
    readings = [one for _, one in call.inputs if isinstance(one, VoiceReading)]
    assert len(changed) == len(readings)
    assert {
        (before[1].anger, round(after[1].anger, 3))
        for before, after in changed
        if isinstance(before[1], VoiceReading) and isinstance(after[1], VoiceReading)
    } == {(0.02, 0.291), (0.9, 0.994)}


def test_what_comes_soon_is_known_half_a_minute_ahead_or_seen_in_the_curve() -> None:
    call, _ = played()
    followed = follow(call, EmotionParams())
    hot = [one.phase in (Phase.TAKE_OFF, Phase.PEAK) for one in followed.points]

    assert followed.soon[:33].all()
    assert followed.soon[33:].tolist() == hot[33:]


def followed_with(outlooks: np.ndarray, soon: np.ndarray, kind: Kind) -> Followed:
    phases = tuple(Phase.PEAK if one else Phase.RATIONAL for one in soon)
    truth = Truth(np.zeros(len(soon)), phases, ())
    point = HostilityPoint(1.0, 0.0, 0.0, 0.0, Phase.RATIONAL, ())
    call, points = Recorded(kind, 1.0, truth, ()), (point,) * len(soon)
    return Followed(call, points, (), outlooks, np.empty((0, 5)))


def test_the_forecast_learns_what_comes_before_within_its_bounds() -> None:
    draw = np.random.default_rng(5)
    calls = []
    for number in range(120):
        hostile = number % 2 == 0
        score = 50.0 if hostile else 10.0
        outlooks = np.zeros((40, 4))
        outlooks[:, 0] = score + draw.normal(0, 12, 40)
        outlooks[:, 2] = draw.random(40) * (0.1 if hostile else 0.9)
        kind = Kind.BOTH if hostile else Kind.CALM
        calls.append(followed_with(outlooks, np.full(40, hostile), kind))

    params = fit_forecast(calls, ForecastParams())

    assert params.per_point > 0.05
    assert params.per_hostility == LEAST[2]
    assert params.bias < 0


def test_the_defaults_keep_their_promises_and_a_nervous_set_does_not() -> None:
    unsteady = replace(
        Tuned().emotion.forecast, bias=3.0
    )  # Sees escalation everywhere.

    assert keeps_promises(Tuned())
    assert not keeps_promises(
        Tuned(emotion=replace(Tuned().emotion, forecast=unsteady))
    )


def test_every_knob_turns_the_number_it_names() -> None:
    widest = Tuned(cue=PauseCueParams(arm_p=0.9, calm_p=0.01))
    for knob in KNOBS:
        for value in knob.values:
            line = described(knob.turned(widest, value))
            assert any(f"{knob.name}={value:g}" in one for one in line)


def test_misses_weigh_more_than_delays_and_delays_more_than_nothing() -> None:
    call, _ = played()
    (good,) = _cues([follow(call, EmotionParams())], Tuned())
    late = replace(good, armed=((33.0, "c1"),))
    missed = replace(good, armed=())

    assert loss([good], []) < loss([late], []) < loss([missed], [])
    assert loss([good], [good]) < loss([good], [missed])


def test_false_cues_count_against_a_set() -> None:
    call, _ = played()
    (good,) = _cues([follow(call, EmotionParams())], Tuned())
    calm = replace(good, kind=Kind.CALM, truth=truth_of((), DURATION_S), armed=())
    calm = replace(
        calm,
        truth=Truth(
            calm.truth.hostility[: len(calm.curve)],
            calm.truth.phases[: len(calm.phases)],
            (),
        ),
    )
    alarmed = replace(calm, armed=((5.0, "c1"),))

    assert loss([good, calm], []) < loss([good, alarmed], [])


def test_an_escalation_can_be_heard_without_its_calm_opening() -> None:
    call, _ = played()
    first = call.truth.escalations[0]

    cut = without_opening(call)

    assert cut.truth.escalations == (first,)
    assert call.inputs[0][0] < first.start_s <= cut.inputs[0][0]
    assert cut.inputs == call.inputs[-len(cut.inputs) :]


def test_the_search_is_the_same_each_time_and_keeps_the_promises() -> None:
    call, _ = played()

    found = search([call], Tuned(), 2, 0)

    assert found == search([call], Tuned(), 2, 0)
    assert keeps_promises(found)
