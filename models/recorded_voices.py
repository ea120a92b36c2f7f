"""Whose each voice of a recording is, and how many people speak.

Pure arithmetic on vectors. Voices are joined by average linkage. In a call there are
two people, or three where an agent hands over to another: one speaks before and the
other after, and the customer all along. Who takes turns with both others is no third
person but one of them in another mood.
"""

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
_MOST_CUT = 8


@dataclass(frozen=True, slots=True)
class PeopleParams:
    """When voices are different people. Measured: docs/evaluation.md.

    Attributes:
        apart: mean cosine distance of two groups from which there may be more than
            two people.
        further_s: speech that each needs where there are more than two.
        second_s: speech that each of fewer has, if there is a way to cut them so.
        astray: of what each of two agents says, the share that may be on the wrong
            side of the moment when one hands over to the other.
        beside: of what the customer says, the share that is on either side of it.
    """

    apart: float = 0.45
    further_s: float = 8.0
    second_s: float = 2.0
    astray: float = 0.1
    beside: float = 0.15


def told_apart(
    voices: NDArray[np.float32],
    seconds: NDArray[np.float32],
    windows: NDArray[np.int_],
    least: int,
    most: int,
    params: PeopleParams,
) -> NDArray[np.int_]:
    """Put voices into groups, one for each person.

    Args:
        voices: shape ``(n, n_dimensions)``, of length 1, n at least 1.
        seconds: how long each speaks, shape ``(n,)``.
        windows: which window each is heard in, shape ``(n,)``, from 0.
        least: people that are told apart, where there are as many voices.
        most: never more than this. With three, a third is somebody after a transfer;
            with more, anybody who is unlike the others.
        params: when voices are different people.

    Returns:
        group of each from 0; the first one speaks longest.
    """
    if len(voices) == 1 or most == 1:
        return np.zeros(len(voices), np.int_)
    tree = linkage(voices, "average", metric="cosine")
    if most > least:
        groups = fcluster(tree, params.apart, "distance") - 1
        long = _longest(groups, seconds, params.further_s)[:most]
        if len(long) > least:
            found = _nearest(voices, seconds, groups, long)
            if most != _TRANSFERRED or is_transfer(windows, found, params):
                return found
    # A sound that is like nobody's voice is a group of its own, and no person.
    for n_groups in range(least, _MOST_CUT + 1):
        groups = fcluster(tree, n_groups, "maxclust") - 1
        long = _longest(groups, seconds, params.second_s)[:least]
        if len(long) == least:
            return _nearest(voices, seconds, groups, long)
    groups = fcluster(tree, least, "maxclust") - 1
    return _nearest(voices, seconds, groups, _longest(groups, seconds, 0.0))


def is_transfer(
    windows: NDArray[np.int_], groups: NDArray[np.int_], params: PeopleParams
) -> bool:
    """Tell whether one of three hands over to another while the third stays.

    Args:
        windows: which window each voice is heard in, shape ``(n,)``, from 0.
        groups: of each voice, from 0.
        params: how much may be on the wrong side.
    """
    n_groups = int(groups.max()) + 1
    if n_groups != _TRANSFERRED:
        return False
    moments = np.arange(int(windows.max()) + 2)
    before = np.empty((n_groups, len(moments)))
    for group in range(n_groups):
        own = np.sort(windows[groups == group])
        before[group] = np.searchsorted(own, moments) / len(own)
    for leaving, coming, staying in permutations(range(n_groups)):
        astray = np.maximum(1 - before[leaving], before[coming])
        beside = np.minimum(before[staying], 1 - before[staying])
        handed_over = astray == astray.min()
        if astray.min() <= params.astray and beside[handed_over].max() >= params.beside:
            return True
    return False


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
