import pytest

from audio.events import Interrupted
from audio.frame import Party
from emotion.behaviour import Behaviour, BehaviourParams
from emotion.errors import ParameterError
from emotion.manner import Utterance
from emotion.phases import PhaseParams

pytestmark = pytest.mark.unit

DEMAND = "when is the engineer coming to repair the router"


def codes(behaviour: Behaviour, other_points: float = 0.0) -> dict[str, float]:
    found = behaviour.evidence(other_points, since_s=0.0)
    return {evidence.code: evidence.weight for evidence in found}


def hurried() -> Behaviour:
    """Somebody who speaks at twice their own pace."""
    behaviour = Behaviour(BehaviourParams())
    for number, word in enumerate(("red", "green", "blue", "grey")):
        text = " ".join(f"{word}{other}" for other in "abcdef")
        behaviour.feed_utterance(
            Utterance(text, "en", 20.0 * number, 20.0 * number + 4)
        )
    behaviour.feed_utterance(Utterance("now much faster than before", "en", 100, 101.6))
    return behaviour


def test_saying_it_again_counts_from_the_first_time() -> None:
    behaviour = Behaviour(BehaviourParams())
    for start_s in (0.0, 60.0, 120.0):
        behaviour.feed_utterance(Utterance(DEMAND, "en", start_s, start_s + 4))

    (evidence,) = behaviour.evidence(0.0, since_s=0.0)

    assert evidence.code == "says_it_again"
    assert (evidence.value, evidence.start_s, evidence.end_s) == (2, 0.0, 124.0)


def test_behaviour_alone_never_reaches_take_off() -> None:
    params = BehaviourParams()

    total = params.most_interruptions + params.most_repetitions + params.most_faster

    assert total < PhaseParams().take_off


def test_fast_alone_is_not_angry() -> None:
    behaviour = hurried()

    assert codes(behaviour, other_points=0.0) == {}
    assert codes(behaviour, other_points=-20.0) == {}
    assert codes(behaviour, other_points=10.0)["speaks_faster"] > 0


def test_an_old_utterance_has_no_pace_any_more() -> None:
    assert hurried().evidence(40.0, since_s=110.0) == []


def test_behaviour_is_forgotten() -> None:
    behaviour = Behaviour(BehaviourParams())
    behaviour.feed_turns(Interrupted(Party.CUSTOMER, 1.0))
    behaviour.feed_utterance(Utterance(DEMAND, "en", 0.0, 4.0))
    behaviour.feed_utterance(Utterance(DEMAND, "en", 60.0, 64.0))
    assert set(codes(behaviour)) == {"customer_interrupts", "says_it_again"}

    behaviour.fade(120.0)

    assert codes(behaviour) == {}


def test_the_agent_counts_for_nothing() -> None:
    behaviour = Behaviour(BehaviourParams())

    behaviour.feed_turns(Interrupted(Party.AGENT, 1.0))

    assert codes(behaviour) == {}


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ParameterError, match="interruption_half_life_s"):
        BehaviourParams(interruption_half_life_s=0.0)
