"""How many people speak, and which of the voices are the same."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.voice_clusters import (
    CountParams,
    Parting,
    PartingParams,
    count,
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


def test_voices_of_one_person_are_one_group_whoever_speaks_longer_first() -> None:
    voices = heard((0, 3), (1, 5))

    groups = grouped(voices, seconds(8), 2)

    assert groups.tolist() == [1, 1, 1, 0, 0, 0, 0, 0]
    middle = means(voices, seconds(8), groups)
    assert np.linalg.norm(middle, axis=1) == pytest.approx(1.0)
    assert middle.argmax(axis=1).tolist() == [1, 0]


@pytest.mark.parametrize("n_people", [1, 2, 3])
def test_people_are_counted(n_people: int) -> None:
    voices = heard(*[(person, 5) for person in range(n_people)])

    assert count(voices, seconds(len(voices)), 4, PARAMS) == n_people


def test_never_more_are_counted_than_may_be_and_never_fewer_than_there_were() -> None:
    voices = heard((0, 5), (1, 5), (2, 5))

    assert count(voices, seconds(15), 2, PARAMS) == 2
    assert count(heard((0, 5)), seconds(5), 3, PARAMS, least=2) == 2
    assert count(heard((0, 1)), seconds(1), 3, PARAMS, least=2) == 1


def test_who_says_too_little_is_nobody_of_his_own() -> None:
    voices = heard((0, 5), (1, 1))

    assert count(voices, np.array([2.0] * 5 + [0.5], np.float32), 3, PARAMS) == 1
    assert count(voices, np.array([2.0] * 5 + [1.0], np.float32), 3, PARAMS) == 2


def test_a_third_has_to_speak_for_long() -> None:
    voices = heard((0, 5), (1, 5), (2, 1))

    assert count(voices, seconds(11), 3, PARAMS) == 2
    assert count(voices, seconds(11, 6.0), 3, PARAMS) == 3


CALM, SHOUTING = np.array([[0, 1.0, 0, 0], [0, 0, 1.0, 0]], np.float32)
ANN, BEN = (
    np.array([0.5, 0, 0, 0], np.float32),
    np.array([-0.5, 0, 0, 0], np.float32),
)
"""Who speaks shows less than in which mood."""


def moods() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Ann and Ben, calm and then shouting; and how they differ side by side."""
    voices = [who + mood for mood in (CALM, SHOUTING) for who in (ANN, BEN) * 4]
    found: NDArray[np.float32] = np.array(voices, np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found, found[::2] - found[1::2]


def test_what_parts_people_is_not_the_mood_that_both_are_in() -> None:
    voices, differences = moods()
    by_mood = [0] * 8 + [1] * 8

    plain = grouped(voices, seconds(16), 2)
    parting = Parting.of(differences, seconds(8), PartingParams(stretch=4.0))
    apart = grouped(parting.stretched(voices), seconds(16), 2)

    assert plain.tolist() in (by_mood, [1 - mood for mood in by_mood])
    assert apart[::2].tolist() in ([0] * 8, [1] * 8)
    assert apart[1::2].tolist() == (1 - apart[::2]).tolist()
    assert parting.as_they_were(parting.stretched(voices)) == pytest.approx(voices)


@pytest.mark.parametrize(("n_pairs", "each_s"), [(0, 2.0), (2, 2.0), (8, 0.4)])
def test_with_too_little_side_by_side_voices_stay_as_they_are(
    n_pairs: int, each_s: float
) -> None:
    voices, differences = moods()

    parting = Parting.of(
        differences[:n_pairs], seconds(n_pairs, each_s), PartingParams()
    )

    assert np.array_equal(parting.stretched(voices), voices)
