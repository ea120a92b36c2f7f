"""What a voice head is worth: how well it ranks, how honest its probabilities are."""

import numpy as np
from numpy.typing import NDArray

THRESHOLD = 0.5
"""Where a reading counts as angry."""

N_BINS = 10
"""Bins of equal width of the expected calibration error."""


def auc(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve, NaN where one class is missing.

    Source: Hanley and McNeil (1982), Radiology 143(1): the Mann-Whitney statistic.
    """
    n_positive = int(positive.sum())
    n_pairs = n_positive * (len(positive) - n_positive)
    if not n_pairs:
        return float("nan")
    _, order, ties = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[order]
    above = ranks[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(above / n_pairs)


def share_weights(angry: NDArray[np.bool_], angry_share: float) -> NDArray[np.float64]:
    """Weigh windows so that anger has the share that it is expected to have."""
    share = np.where(angry, angry_share, 1 - angry_share)
    size = np.where(angry, angry.sum(), (~angry).sum())
    weight: NDArray[np.float64] = len(angry) * share / size
    return weight


def calibration_error(
    probability: NDArray[np.float64],
    positive: NDArray[np.bool_],
    share: float | None = None,
) -> float:
    """Return the expected calibration error over bins of equal width.

    Args:
        probability: shape ``(n,)``.
        positive: what was true, shape ``(n,)``.
        share: of positives, in (0, 1), that both classes are weighed to; None takes
            them as often as they come. A probability is honest for one share alone,
            the one that it was calibrated at.

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, eq. 3.
    """
    weight = np.ones(len(probability))
    if share is not None and 0 < positive.sum() < len(positive):
        weight = share_weights(positive, share)
    bins = np.minimum((probability * N_BINS).astype(int), N_BINS - 1)
    missed = weight * (probability - positive)
    gaps = [abs(float(missed[bins == one].sum())) for one in range(N_BINS)]
    return sum(gaps) / float(weight.sum())


def of_recordings(
    values: NDArray[np.float64], recording: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the mean of each recording's windows, in the order of the numbers."""
    _, of = np.unique(recording, return_inverse=True)
    mean: NDArray[np.float64] = np.bincount(of, values) / np.bincount(of)
    return mean
