import pytest

from emotion.customer_kind import CustomerKindParams, CustomerKindVote
from emotion.events import CustomerKind, CustomerKindChanged, WordReading

pytestmark = pytest.mark.unit

VENTING, COMPENSATION = CustomerKind.VENTING, CustomerKind.COMPENSATION


def said(customer: CustomerKind | None, p: float, end_s: float) -> WordReading:
    return WordReading(
        end_s - 2.0, end_s, 0.3, None, (), "en", "fake", customer, p if customer else 0
    )


def told(*readings: WordReading) -> list[CustomerKindChanged]:
    vote = CustomerKindVote(CustomerKindParams())
    return [change for reading in readings for change in vote.feed(reading)]


def test_one_clear_utterance_is_enough() -> None:
    assert told(said(VENTING, 0.8, 5.0)) == [
        CustomerKindChanged(5.0, None, VENTING, 0.8)
    ]


def test_two_utterances_that_may_mean_it_are_enough() -> None:
    changes = told(said(VENTING, 0.4, 5.0), said(VENTING, 0.4, 9.0))

    assert [change.at_s for change in changes] == [9.0]


def test_what_does_not_tell_changes_nothing() -> None:
    assert not told(said(None, 0.0, 5.0), said(None, 0.0, 50.0))


def test_it_is_told_once() -> None:
    assert len(told(*(said(VENTING, 0.9, at) for at in (5.0, 10.0, 15.0)))) == 1


def test_one_utterance_of_another_kind_does_not_turn_many() -> None:
    many = [said(VENTING, 0.9, at) for at in (5.0, 10.0, 15.0)]

    assert len(told(*many, said(COMPENSATION, 0.9, 20.0))) == 1


def test_who_has_vented_may_want_something_else() -> None:
    many = [said(VENTING, 0.9, at) for at in (5.0, 10.0)]

    changes = told(*many, *(said(COMPENSATION, 0.9, at) for at in (130.0, 135.0)))

    assert changes[1] == CustomerKindChanged(130.0, VENTING, COMPENSATION, 0.9)


@pytest.mark.parametrize("name", ["enough", "lead", "half_life_s"])
def test_settings_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match="above 0"):
        CustomerKindParams(**{name: 0.0})
