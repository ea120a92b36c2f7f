import numpy as np
import pytest

from emotion.events import Phase
from evaluation.calls_plan import Kind
from evaluation.calls_score import Outcome, compared, delays_s, figures_of, middle
from evaluation.calls_truth import Escalation, Truth

pytestmark = pytest.mark.unit


def outcome(*armed_s: float, kind: Kind = Kind.VOICE) -> Outcome:
    """Return a call that is irritated from 10 s on and angry from 20 s on."""
    escalation = Escalation(10.0, 20.0, 25.0, 30.0)
    truth = Truth(np.zeros(40), (Phase.RATIONAL,) * 40, (escalation,))
    armed = tuple((at_s, f"c{number}") for number, at_s in enumerate(armed_s))
    return Outcome(kind, 40.0, truth, np.zeros(40), (Phase.RATIONAL,) * 40, armed)


def test_two_ways_of_listening_are_compared_on_what_both_cued() -> None:
    alone = [outcome(21.0), outcome(), outcome(24.0)]
    fused = [outcome(20.5), outcome(29.0), outcome(23.0)]

    figures = {one.name: one.value for one in compared("x", alone, fused)}

    assert figures == {"x.its_delay_median_s": 2.5, "x.fused_delay_median_s": 1.75}
    assert middle(list(map(delays_s, fused))) > middle(list(map(delays_s, alone)))


def test_where_nothing_was_cued_twice_there_is_nothing_to_compare() -> None:
    calm = outcome(5.0, kind=Kind.CALM)

    assert compared("x", [outcome(), calm], [outcome(22.0), calm]) == []


def test_one_call_has_no_interval() -> None:
    calls = [outcome(21.0), outcome(23.0)]

    of_one, of_two = (
        {one.name: one for one in figures_of("x", some)} for some in (calls[:1], calls)
    )

    assert of_one["x.delay_median_s"].value == 1.0
    assert of_one["x.delay_median_s"].low is None
    assert of_two["x.delay_median_s"].low == 1.0
