"""How many people speak, and which of the voices are the same."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.voice_clusters import (
    CountParams,
    grouped,
    means,
)

pytestmark = pytest.mark.unit

PARAMS = CountParams(0.85, 0.7, 0.8, 5.0)


def heard(*people: tuple[int, int]) -> NDArray[np.float32]:
    """So many descriptions of each person, a little unlike one another."""
    draw = np.random.default_rng(0)
    rows = [
        np.eye(8)[person] + 0.1 * draw.standard_normal(8)
        for person, n_times in people
        for _ in range(n_times)
    ]
    found = np.array(rows)
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (found / norms).astype(np.float32)
    return unit


def seconds(n: int, each: float = 2.0) -> NDArray[np.float32]:
    return np.full(n, each, np.float32)


def n_found(
    voices: NDArray[np.float32], lasted: NDArray[np.float32], most: int, least: int = 1
) -> int:
    return int(grouped(voices, lasted, least, most, PARAMS).max()) + 1


def test_voices_of_one_person_are_one_group_whoever_speaks_longer_first() -> None:
    voices = heard((0, 3), (1, 5))

    groups = grouped(voices, seconds(8), 2, 2, PARAMS)

    assert groups.tolist() == [1, 1, 1, 0, 0, 0, 0, 0]
    middle = means(voices, seconds(8), groups)
    assert np.linalg.norm(middle, axis=1) == pytest.approx(1.0)
    assert middle.argmax(axis=1).tolist() == [1, 0]


@pytest.mark.parametrize("n_people", [1, 2, 3])
def test_people_are_counted(n_people: int) -> None:
    voices = heard(*[(person, 5) for person in range(n_people)])

    assert n_found(voices, seconds(len(voices)), 4) == n_people


def test_never_more_are_counted_than_may_be_and_never_fewer_than_there_were() -> None:
    voices = heard((0, 5), (1, 5), (2, 5))

    assert n_found(voices, seconds(15), 2) == 2
    assert n_found(voices, seconds(15), 1) == 1
    assert n_found(heard((0, 5)), seconds(5), 3, least=2) == 2
    assert n_found(heard((0, 1)), seconds(1), 3, least=2) == 1


def test_who_says_too_little_is_nobody_of_his_own() -> None:
    voices = heard((0, 5), (1, 1))

    assert n_found(voices, np.array([2.0] * 5 + [0.5], np.float32), 3) == 1
    assert n_found(voices, np.array([2.0] * 5 + [1.0], np.float32), 3) == 2


def test_a_third_has_to_speak_for_long() -> None:
    voices = heard((0, 5), (1, 5), (2, 1))

    assert n_found(voices, seconds(11), 3) == 2
    assert n_found(voices, seconds(11, 6.0), 3) == 3


def test_who_is_seldom_heard_is_told_from_one_who_talks_in_two_moods() -> None:
    moods = heard((0, 40))
    moods[20:, 1] += 0.9
    voices = np.concatenate([moods, heard((3, 3))])
    voices /= np.linalg.norm(voices, axis=1, keepdims=True)

    groups = grouped(voices, seconds(43), 2, 2, PARAMS)

    assert groups.tolist() == [0] * 40 + [1] * 3
