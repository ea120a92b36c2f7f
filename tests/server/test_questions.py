"""When what the models answer takes effect."""

import pytest

from server.questions import Agenda

pytestmark = pytest.mark.unit


def test_answers_take_effect_in_the_order_of_their_times() -> None:
    agenda, applied = Agenda(), list[str]()
    late = agenda.ask(200)
    early = agenda.ask(100)
    agenda.answer(late, lambda: applied.append("late"))
    agenda.answer(early, lambda: applied.append("early"))
    assert agenda.apply(99)
    assert applied == []
    assert agenda.apply(200)
    assert applied == ["early", "late"]


def test_what_is_due_waits_for_its_answer_and_holds_up_what_follows() -> None:
    agenda, applied = Agenda(), list[str]()
    first, second = agenda.ask(100), agenda.ask(100)
    agenda.answer(second, lambda: applied.append("second"))
    assert agenda.missing(99) is None
    assert agenda.missing(100) == first
    assert not agenda.apply(100)
    agenda.answer(first, lambda: applied.append("first"))
    assert agenda.missing(100) is None
    assert agenda.apply(100)
    assert applied == ["first", "second"]


def test_a_question_is_answered_once() -> None:
    agenda = Agenda()
    asked = agenda.ask(0)
    agenda.answer(asked, lambda: None)
    with pytest.raises(KeyError):
        agenda.answer(asked, lambda: None)
    with pytest.raises(KeyError):
        agenda.answer(asked + 1, lambda: None)
