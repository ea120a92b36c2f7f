"""Whose each voice of a recording is, and how many people speak.

Pure arithmetic on vectors. There are several ways to divide voices among so many
people, and none is always right: what counts is that the people come out unlike one
another. In a call there are two, or three where an agent hands over to another: one
speaks before and the other after, and the customer all along. Who takes turns with both
others is no third person but one of them in another mood.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import (  # type: ignore[import-untyped]  # no stubs
    fcluster,
    linkage,
)

from models.voice_clusters import means

_TRANSFERRED = 3
_METHODS = ("average", "complete")
"""The first leaves a few words to a person, the second divides more evenly."""

_MOST_CUT = 8
"""Groups of lone sounds that are looked past."""

_MOST_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class PeopleParams:
    """When voices are different people. Measured: docs/evaluation.md.

    Attributes:
        alike: cosine of two people's mean voices above which there are no more than
            two people.
        further_s: speech that each needs where there are more than two.
        second_s: speech that each of fewer has, if there is a way to divide them so.
        astray: of what each of two agents says, the share that may be on the wrong
            side of the moment when one hands over to the other.
        beside: of what the customer says, the share that is on either side of it.
    """

    alike: float = 0.7
    further_s: float = 6.0
    second_s: float = 1.0
    astray: float = 0.1
    beside: float = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class _Division:
    groups: NDArray[np.int_]
    alike: float
    shortest_s: float


def told_apart(
    voices: NDArray[np.float32],
    seconds: NDArray[np.float32],
    begins: NDArray[np.int_],
    least: int,
    most: int,
    params: PeopleParams,
) -> NDArray[np.int_]:
    """Put voices into groups, one for each person.

    Args:
        voices: shape ``(n, n_dimensions)``, of length 1, n at least 1.
        seconds: how long each speaks, shape ``(n,)``.
        begins: when each begins, shape ``(n,)``, in any unit.
        least: people that are told apart, where there are as many voices.
        most: never more than this. With three, a third is somebody after a transfer;
            with more, anybody who is unlike the others.
        params: when voices are different people.

    Returns:
        group of each from 0.
    """
    least = min(least, len(voices))
    trees = _trees(voices)
    for n_people in range(min(most, len(voices)), least, -1):
        best = _best(trees, voices, seconds, n_people, params.further_s)
        sure = best.alike <= params.alike and best.shortest_s >= params.further_s
        if sure and (
            most != _TRANSFERRED or is_transfer(begins, seconds, best.groups, params)
        ):
            return best.groups
    return _best(trees, voices, seconds, least, params.second_s).groups


def is_transfer(
    begins: NDArray[np.int_],
    seconds: NDArray[np.float32],
    groups: NDArray[np.int_],
    params: PeopleParams,
) -> bool:
    """Tell whether one of three hands over to another while the third stays.

    Args:
        begins: when each voice begins, shape ``(n,)``, in any unit.
        seconds: how long each speaks, shape ``(n,)``.
        groups: of each voice, from 0.
        params: how much may be on the wrong side.
    """
    n_groups = int(groups.max()) + 1
    if n_groups != _TRANSFERRED:
        return False
    order = begins.argsort(kind="stable")
    spoken_s = np.eye(n_groups)[groups[order]] * seconds[order, None]
    before = np.cumsum(spoken_s, axis=0) / spoken_s.sum(axis=0)
    for leaving, coming, staying in permutations(before.T):
        astray = np.maximum(1 - leaving, coming)
        beside = np.minimum(staying, 1 - staying)
        handed_over = astray == astray.min()
        if astray.min() <= params.astray and beside[handed_over].max() >= params.beside:
            return True
    return False


def _trees(voices: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    """Join voices step by step, in several ways; one voice is joined with nobody."""
    if len(voices) == 1:
        return []
    return [linkage(voices, method, metric="cosine") for method in _METHODS]


def _best(
    trees: Sequence[NDArray[np.float64]],
    voices: NDArray[np.float32],
    seconds: NDArray[np.float32],
    n_people: int,
    least_s: float,
) -> _Division:
    """Divide voices so that the people are least alike and each speaks for so long."""
    if n_people == 1:
        groups = np.zeros(len(voices), np.int_)
        return _Division(groups, -1.0, float(seconds.sum()))
    return min(
        _divisions(trees, voices, seconds, n_people, least_s),
        key=lambda found: (found.shortest_s < least_s, found.alike),
    )


def _divisions(
    trees: Sequence[NDArray[np.float64]],
    voices: NDArray[np.float32],
    seconds: NDArray[np.float32],
    n_people: int,
    least_s: float,
) -> Iterator[_Division]:
    for tree in trees:
        divided = _cut(tree, voices, seconds, n_people, least_s)
        for groups in (divided, _settled(voices, seconds, divided)):
            middle = means(voices, seconds, groups)
            alike = middle @ middle.T - 2 * np.eye(len(middle))
            spoken_s = np.bincount(groups, seconds, minlength=n_people)
            told = len(middle) == n_people
            yield _Division(
                groups, float(alike.max()) if told else 1.0, float(spoken_s.min())
            )


def _cut(
    tree: NDArray[np.float64],
    voices: NDArray[np.float32],
    seconds: NDArray[np.float32],
    n_people: int,
    least_s: float,
) -> NDArray[np.int_]:
    """Cut a tree of voices until there are so many groups that speak for so long.

    A sound that is like nobody's voice is a group of its own, and no person.
    """
    for n_groups in range(n_people, n_people + _MOST_CUT):
        groups = fcluster(tree, n_groups, "maxclust") - 1
        long = _longest(groups, seconds, least_s)[:n_people]
        if len(long) == n_people:
            return _nearest(voices, seconds, groups, long)
    groups = fcluster(tree, n_people, "maxclust") - 1
    return _nearest(voices, seconds, groups, _longest(groups, seconds, 0.0))


def _settled(
    voices: NDArray[np.float32],
    seconds: NDArray[np.float32],
    groups: NDArray[np.int_],
) -> NDArray[np.int_]:
    """Give each voice to whom it is most like, until that is so."""
    for _ in range(_MOST_ROUNDS):
        everybody = list(range(int(groups.max()) + 1))
        nearest = _nearest(voices, seconds, groups, everybody)
        if (nearest == groups).all():
            break
        groups = nearest
    return groups


def _longest(
    groups: NDArray[np.int_], seconds: NDArray[np.float32], least_s: float
) -> list[int]:
    """Return the groups that speak for so long, the longest first."""
    spoken_s = np.bincount(groups, seconds)
    order = np.argsort(-spoken_s, kind="stable")
    return [int(group) for group in order if spoken_s[group] >= least_s]


def _nearest(
    voices: NDArray[np.float32],
    seconds: NDArray[np.float32],
    groups: NDArray[np.int_],
    among: list[int],
) -> NDArray[np.int_]:
    """Give each voice to that group of some whose mean it is most like."""
    middle = means(voices, seconds, groups)[among]
    _, found = np.unique((voices @ middle.T).argmax(axis=1), return_inverse=True)
    return np.asarray(found, np.int_)
