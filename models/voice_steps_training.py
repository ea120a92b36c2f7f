"""How the networks that hear a window step by step are trained.

Each hears every recording over a clean line and over one of the bad lines, another one
than the network before it: what chance made of one line is averaged out.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
from numpy.typing import NDArray
from torch import Tensor, nn

from models.voice_corpus import NEUTRAL, Heard
from models.voice_steps import Answer, Networks, Size, StepsNetwork, padded
from models.voice_targets import anger_weights, even_weights, mixed

EXCITED = ("happiness", "surprise", "fear")
"""Emotions that sound most like anger."""

_FLOOR = 1e-3
_LONGEST_STEP = 5.0


@dataclass(frozen=True, slots=True)
class StepsRecipe:
    """How the networks are trained; `docs/evaluation.md` says what chose the numbers.

    Attributes:
        members: networks that are averaged, alike but for the seed and the bad line.
        channels: read from each step.
        attention: units that weigh the steps.
        hidden: units after pooling.
        epochs: how often each window is seen.
        batch: windows in one step of the optimiser.
        learning_rate: highest one, of a cycle.
        decay: of the weights.
        step_dropout: share of features that are hidden in a window.
        dropout: share of units that are hidden.
        mixup: windows are mixed in pairs once pooled, alpha. Source: Verma et al.
            (2019), Manifold Mixup.
        smoothing: how far labels are drawn towards doubt.
        emotions: weight of telling all the emotions apart.
        neutral: how many times a neutral window counts.
        excited: how many times a happy, surprised or frightened one does.
        seed: decides everything that is left to chance; that of the whole recipe.
    """

    members: int = 4
    channels: int = 96
    attention: int = 48
    hidden: int = 128
    epochs: int = 16
    batch: int = 64
    learning_rate: float = 2e-3
    decay: float = 2e-2
    step_dropout: float = 0.2
    dropout: float = 0.5
    mixup: float = 1.0
    smoothing: float = 0.1
    emotions: float = 0.5
    neutral: float = 6.0
    excited: float = 3.0
    seed: int = 0


def fit_networks(heard: Heard, recipe: StepsRecipe) -> Networks:
    """Train networks, each on a clean line and, in turn, on one of the bad ones."""
    standard = _standard(heard.steps)
    n_lines = max(int(heard.copy.max()), 1)
    members = []
    for number in range(recipe.members):
        lines = (0, 1 + number % n_lines)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed + number)
            draw = np.random.default_rng(recipe.seed + number)
            over = heard.only(np.isin(heard.copy, lines))
            members.append(_trained(over, recipe, standard, draw))
    return Networks(tuple(members), *standard)


def _standard(
    windows: NDArray[np.object_],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and deviation of the steps, each shape ``(n_features,)``."""
    # Window by window: all of them at once take gigabytes.
    total, squares, n_steps = 0.0, 0.0, 0
    for window in windows:
        steps = window.astype(np.float64)
        total = total + steps.sum(axis=0)
        squares = squares + np.square(steps).sum(axis=0)
        n_steps += len(steps)
    centre = np.divide(total, n_steps)
    variance = squares / n_steps - np.square(centre)
    scale = np.sqrt(np.maximum(variance, _FLOOR**2))
    return centre.astype(np.float32), scale.astype(np.float32)


def _trained(
    heard: Heard,
    recipe: StepsRecipe,
    standard: tuple[NDArray[np.float32], NDArray[np.float32]],
    draw: np.random.Generator,
) -> StepsNetwork:
    names, emotion = np.unique(heard.emotion, return_inverse=True)
    targets = torch.cat(
        [
            torch.from_numpy(heard.angry).float()[:, None],
            torch.from_numpy(_weights(heard, recipe)).float(),
            F.one_hot(torch.from_numpy(emotion), len(names)).float(),
        ],
        dim=1,
    )
    n_features = len(standard[0])
    size = Size(
        n_features, recipe.channels, recipe.attention, recipe.hidden, len(names)
    )
    network = StepsNetwork(size, recipe.step_dropout, recipe.dropout)
    optimiser = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.decay
    )
    size_of_batch = min(recipe.batch, len(heard.steps))
    n_batches = len(heard.steps) // size_of_batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.epochs * n_batches + 1
    )
    lengths = np.array([len(window) for window in heard.steps])
    for _ in range(recipe.epochs):
        for chosen in _batches(lengths, size_of_batch, draw):
            pooled = network.pooled(*padded(heard.steps[chosen], *standard))
            pooled, wanted = mixed(pooled, targets[chosen], recipe.mixup)
            optimiser.zero_grad()
            _loss(network.judged(pooled), wanted, recipe).backward()  # type: ignore[no-untyped-call]  # torch has no types here
            nn.utils.clip_grad_norm_(network.parameters(), _LONGEST_STEP)
            optimiser.step()
            schedule.step()
    return network.eval()


def _weights(heard: Heard, recipe: StepsRecipe) -> NDArray[np.float64]:
    """Weigh the windows for anger, and for telling the emotions apart.

    Returns:
        float64, shape ``(n_windows, 2)``, the mean of each column 1.
    """
    times = {NEUTRAL: recipe.neutral} | dict.fromkeys(EXCITED, recipe.excited)
    even = even_weights(heard)
    return np.stack([anger_weights(heard, times), even / even.mean()], axis=1)


def _batches(
    lengths: NDArray[np.int64], size: int, draw: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Draw batches of windows of like length, so that little of them is padding."""
    order = draw.permutation(len(lengths))[: len(lengths) // size * size]
    batches = []
    for start in range(0, len(order), 16 * size):
        near = order[start : start + 16 * size]
        near = near[np.argsort(lengths[near], kind="stable")]
        batches += np.split(near, len(near) // size)
    return [batches[index] for index in draw.permutation(len(batches))]


def _loss(answer: Answer, targets: Tensor, recipe: StepsRecipe) -> Tensor:
    """Judge answers by anger, its weight, the weight of the emotions, and them."""
    anger, weight, even = targets[:, 0], targets[:, 1], targets[:, 2]
    anger = anger * (1 - recipe.smoothing) + recipe.smoothing / 2
    error = F.binary_cross_entropy_with_logits(answer.anger, anger, weight)
    told = -(targets[:, 3:] * F.log_softmax(answer.emotions, dim=1)).sum(dim=1)
    return error + recipe.emotions * (told * even).mean()
