"""How many people speak in a recording, and which of its voices are the same."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.recorded_voices import PeopleParams, told_apart

pytestmark = pytest.mark.unit

PARAMS = PeopleParams()
CUSTOMER, AGENT, LATER = 0, 1, 2


def heard(people: list[int]) -> NDArray[np.float32]:
    """One description for each piece of who speaks in it; each a little unlike."""
    draw = np.random.default_rng(0)
    found = np.eye(8)[people] + 0.1 * draw.standard_normal((len(people), 8))
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    voices: NDArray[np.float32] = found.astype(np.float32)
    return voices


def same(found: list[int], people: list[int]) -> bool:
    """Tell whether each group is one person and each person one group."""
    pairs = set(zip(found, people, strict=True))
    return len(pairs) == len(set(found)) == len(set(people))


def told(
    voices: NDArray[np.float32], least: int, most: int, each_s: float = 0.8
) -> list[int]:
    seconds = np.full(len(voices), each_s, np.float32)
    begins = np.arange(len(voices))
    found = told_apart(voices, seconds, begins, least, most, PARAMS)
    return [int(group) for group in found]


TRANSFER = 12 * [CUSTOMER, AGENT] + 12 * [CUSTOMER, LATER]
CONFERENCE = 12 * [CUSTOMER, AGENT, LATER]


def test_an_agent_who_hands_over_makes_a_third() -> None:
    assert same(told(heard(TRANSFER), 2, 3), TRANSFER)


def test_who_takes_turns_with_both_others_is_one_of_them() -> None:
    assert len(set(told(heard(CONFERENCE), 2, 3))) == 2


def test_where_more_than_three_may_speak_they_may_do_so_at_any_time() -> None:
    assert same(told(heard(CONFERENCE), 2, 4), CONFERENCE)


def test_who_speaks_when_both_others_have_gone_is_one_of_them() -> None:
    announced = 12 * [CUSTOMER, AGENT] + 24 * [LATER]

    assert len(set(told(heard(announced), 2, 3))) == 2


def test_a_third_has_to_speak_for_long() -> None:
    assert len(set(told(heard(TRANSFER), 2, 3, each_s=0.4))) == 2


@pytest.mark.parametrize(
    ("least", "most", "n_found"), [(1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4)]
)
def test_as_many_are_told_apart_as_there_are_said_to_be(
    least: int, most: int, n_found: int
) -> None:
    assert len(set(told(heard(CONFERENCE), least, most))) == n_found


def test_a_sound_like_nobodys_voice_is_nobody() -> None:
    people = 10 * [CUSTOMER, AGENT]

    found = told(heard([*people, 5]), 2, 3)

    assert same(found[:-1], people)


def test_who_is_seldom_heard_is_told_from_one_who_talks_in_two_moods() -> None:
    moods = 20 * [CUSTOMER] + 20 * [AGENT]
    voices = heard([*moods, LATER, LATER])
    voices[20:40, CUSTOMER] += 1.2
    voices /= np.linalg.norm(voices, axis=1, keepdims=True)

    assert same(told(voices, 2, 2), 40 * [CUSTOMER] + 2 * [LATER])


def test_one_voice_is_one_person() -> None:
    assert told(heard([CUSTOMER]), 2, 3) == [0]
    assert told(heard([CUSTOMER, AGENT]), 2, 3, each_s=0.1) == [0, 1]
