"""Which of the voices that were heard are the same. Pure arithmetic on vectors.

Ward's method makes more groups than there are people, and those whose means are most
alike are joined; how many are left follows from how unlike they are and how long each
speaks, and is never more than asked for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import (  # type: ignore[import-untyped]  # no stubs
    fcluster,
    linkage,
)

_TWO = 2


@dataclass(frozen=True, slots=True)
class CountParams:
    """When two groups of voices are two people. Measured: docs/evaluation.md.

    Attributes:
        second_alike: cosine of the groups' means below which there are two.
        further_alike: likewise for a third and more, of the two most alike groups.
        second_s: speech that the smaller of two needs.
        further_s: speech that each needs where there are more.
        first_groups: groups that are made before any are joined, where there may be
            fewer people.
    """

    second_alike: float = 0.5
    further_alike: float = 0.6
    second_s: float = 0.8
    further_s: float = 5.0
    first_groups: int = 8


def grouped(
    voices: NDArray[np.float32],
    seconds: NDArray[np.float32],
    least: int,
    most: int,
    params: CountParams,
) -> NDArray[np.int_]:
    """Put voices into groups, one for each person.

    Args:
        voices: shape ``(n, n_dimensions)``, of length 1, n at least 1.
        seconds: how long each speaks, shape ``(n,)``.
        least: people that are told apart, where there are as many voices.
        most: never more than this.
        params: when two groups are two people.

    Returns:
        group of each from 0, the one that speaks longest first.
    """
    if len(voices) == 1 or most == 1:
        return np.zeros(len(voices), np.int_)
    # First more groups than people, so that a voice in another mood, or one that is
    # seldom heard, has its own; which of them are one person goes by their means.
    groups = (
        fcluster(linkage(voices, "ward"), max(params.first_groups, most), "maxclust")
        - 1
    )
    while (n_groups := int(groups.max()) + 1) > least:
        middle = means(voices, seconds, groups)
        alike = middle @ middle.T - 2 * np.eye(n_groups)
        one, other = np.unravel_index(int(alike.argmax()), alike.shape)
        shortest_s = min(float(seconds[groups == g].sum()) for g in range(n_groups))
        limit = params.second_alike if n_groups == _TWO else params.further_alike
        least_s = params.second_s if n_groups == _TWO else params.further_s
        apart = alike[one, other] <= limit and shortest_s >= least_s
        if n_groups <= most and apart:
            break
        groups = np.where(groups == max(one, other), min(one, other), groups)
        groups = np.searchsorted(np.unique(groups), groups)
    names = range(int(groups.max()) + 1)
    by_length = sorted(names, key=lambda name: -float(seconds[groups == name].sum()))
    places = {name: place for place, name in enumerate(by_length)}
    return np.array([places[name] for name in groups])


def means(
    voices: NDArray[np.float32],
    seconds: NDArray[np.float32],
    groups: NDArray[np.int_],
) -> NDArray[np.float32]:
    """Return the mean voice of each group, of length 1, longer ones counting more."""
    sums = [
        (voices[groups == group] * seconds[groups == group, None]).sum(axis=0)
        for group in range(int(groups.max()) + 1)
    ]
    return np.array([each / np.linalg.norm(each) for each in sums], np.float32)
