"""Which of the voices that were heard are the same. Pure arithmetic on vectors.

Ward's method puts the most alike together; how many there are follows from how unlike
the groups are and how long each speaks, and is never more than asked for.

One voice calm and the same voice shouting may be further apart than two people. What
parts two people shows in voices that are heard side by side, within a few seconds of
each other and in the same mood; descriptions are stretched along that axis before they
are grouped.
"""

from dataclasses import dataclass
from typing import Self

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
    """

    second_alike: float = 0.85
    further_alike: float = 0.7
    second_s: float = 0.8
    further_s: float = 5.0


@dataclass(frozen=True, slots=True)
class PartingParams:
    """How what parts two people is found. Measured: docs/evaluation.md.

    Attributes:
        stretch: how much longer descriptions become along it.
        least_pairs: pairs of voices side by side that are needed for it.
        least_s: speech that each of a pair needs.
        most_s: speech that counts.
    """

    stretch: float = 2.0
    least_pairs: int = 3
    least_s: float = 1.0
    most_s: float = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Parting:
    """The axis along which people part.

    Attributes:
        axis: shape ``(n_dimensions,)``, of length 1; 0 where none is known.
        stretch: see `PartingParams`.
    """

    axis: NDArray[np.float32]
    stretch: float

    @classmethod
    def unknown(cls, n_dimensions: int) -> Self:
        """What there is before anybody was heard side by side."""
        return cls(np.zeros(n_dimensions, np.float32), 0.0)

    @classmethod
    def of(
        cls,
        differences: NDArray[np.float32],
        seconds: NDArray[np.float32],
        params: PartingParams,
    ) -> Self:
        """Find the axis along which voices heard side by side differ most.

        Args:
            differences: of two voices each, shape ``(n, n_dimensions)``.
            seconds: how long the shorter of the two speaks, shape ``(n,)``.
            params: how.
        """
        enough = seconds >= params.least_s
        if enough.sum() < params.least_pairs:
            return cls.unknown(differences.shape[1])
        weights = np.sqrt(np.minimum(seconds[enough], params.most_s))
        _, _, axes = np.linalg.svd(
            differences[enough] * weights[:, None], full_matrices=False
        )
        return cls(axes[0].astype(np.float32), params.stretch)

    def stretched(self, voices: NDArray[np.float32]) -> NDArray[np.float32]:
        """Stretch descriptions, shape ``(..., n_dimensions)``, along the axis."""
        along = voices @ self.axis
        return voices + self.stretch * along[..., None] * self.axis

    def as_they_were(self, stretched: NDArray[np.float32]) -> NDArray[np.float32]:
        """Undo `stretched`."""
        along = stretched @ self.axis
        longer = self.stretch / (1 + self.stretch)
        return stretched - longer * along[..., None] * self.axis


def grouped(
    voices: NDArray[np.float32], seconds: NDArray[np.float32], n_groups: int
) -> NDArray[np.int_]:
    """Put voices into groups.

    Args:
        voices: shape ``(n, n_dimensions)``, of length 1, n at least 1.
        seconds: how long each speaks, shape ``(n,)``.
        n_groups: at most so many.

    Returns:
        group of each from 0, the one that speaks longest first.
    """
    if len(voices) == 1 or n_groups == 1:
        return np.zeros(len(voices), np.int_)
    tree = linkage(voices, "ward")
    found = fcluster(tree, n_groups, criterion="maxclust")
    names = np.unique(found)
    by_length = sorted(names, key=lambda name: -float(seconds[found == name].sum()))
    places = {name: place for place, name in enumerate(by_length)}
    return np.array([places[name] for name in found])


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


def count(
    voices: NDArray[np.float32],
    seconds: NDArray[np.float32],
    most: int,
    params: CountParams,
    least: int = 1,
) -> int:
    """Return how many people speak.

    Args:
        voices: shape ``(n, n_dimensions)``, of length 1.
        seconds: how long each speaks, shape ``(n,)``.
        most: never more than this.
        params: when two groups are two people.
        least: never fewer, where there are as many voices.
    """
    found = min(least, len(voices))
    for n_groups in range(max(_TWO, found + 1), min(most, len(voices)) + 1):
        groups = grouped(voices, seconds, n_groups)
        n_found = int(groups.max()) + 1
        if n_found < n_groups:
            break
        middle = means(voices, seconds, groups)
        alike = float(np.max(middle @ middle.T - 2 * np.eye(n_groups)))
        shortest_s = min(
            float(seconds[groups == group].sum()) for group in range(n_groups)
        )
        second = n_groups == _TWO
        most_alike = params.second_alike if second else params.further_alike
        least_s = params.second_s if second else params.further_s
        if alike > most_alike or shortest_s < least_s:
            break
        found = n_groups
    return found
