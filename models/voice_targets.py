"""What networks learn from windows of speech: how much each counts, and mixtures."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.voice_corpus import Heard


def even_weights(heard: Heard) -> NDArray[np.float64]:
    """Weigh the windows so that every emotion weighs 1 in all."""
    weight = np.ones(len(heard.emotion))
    for emotion in np.unique(heard.emotion):
        weight[heard.emotion == emotion] /= (heard.emotion == emotion).sum()
    return weight


def anger_weights(heard: Heard, times: Mapping[str, float]) -> NDArray[np.float64]:
    """Weigh the windows: angry and other speech the same, mean 1.

    Args:
        heard: the windows.
        times: emotions that count so many times; the others count the same.
    """
    weight = even_weights(heard)
    for emotion, factor in times.items():
        weight[heard.emotion == emotion] *= factor
    for angry in (True, False):
        weight[heard.angry == angry] /= weight[heard.angry == angry].sum()
    result: NDArray[np.float64] = weight * len(weight) / 2
    return result


def mixed(x: Tensor, y: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Mix windows and their targets in pairs; an alpha of 0 mixes none.

    Source: Zhang et al. (2018), mixup: Beyond Empirical Risk Minimization.
    """
    if alpha == 0:
        return x, y
    share = torch.distributions.Beta(alpha, alpha).sample((len(x), 1))
    other = torch.randperm(len(x))
    return share * x + (1 - share) * x[other], share * y + (1 - share) * y[other]
