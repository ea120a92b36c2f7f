"""How a voice head is trained. Everything left to chance is seeded.

Four classifiers hear the same window and are averaged, each brought to unit spread.
One is linear, on the first block, with neutral speech weighing most: it tells calm
speech from any excitement, on any line. The second is a small network on the mean of
the last block, taught all emotions at once. The third is a linear discriminant on mean
and deviation of the last block: how much a voice varies tells anger from joy and
surprise. The fourth hears the window step by step (`models.voice_steps`), which tells
anger from joy and surprise better still.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
from numpy.typing import NDArray
from torch import Tensor, nn

from models.voice_corpus import NEUTRAL, Heard
from models.voice_head import Card, VoiceHead
from models.voice_scores import share_weights
from models.voice_steps import Answer
from models.voice_steps_training import StepsRecipe, fit_networks
from models.voice_targets import anger_weights, mixed

N_FOLDS = 5

_FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a head is trained; `docs/evaluation.md` says what chose the numbers.

    Attributes:
        penalty: strength of the linear weights' penalty; 1 / C elsewhere.
        linear_neutral: how many times a neutral window counts for the linear part.
        linear_share: weight of the linear part in the average.
        discriminant_share: weight of the discriminant in the average; the rest is
            that of the networks.
        discriminant_neutral: how many times a neutral window counts for it.
        shrinkage: how far its covariance is drawn towards a sphere. Source: Friedman
            (1989), Regularized Discriminant Analysis.
        members: networks that are averaged, alike but for the seed.
        hidden: units of each.
        hidden_neutral: how many times a neutral window counts for the networks.
        epochs: how often each window is seen.
        batch: windows in one step.
        learning_rate: highest one, of a cycle.
        decay: of the networks' weights.
        input_dropout: share of features that are hidden in a step.
        dropout: share of units that are hidden in a step.
        mixup: windows are mixed in pairs; 0 mixes none. Source: Zhang et al. (2018),
            mixup: Beyond Empirical Risk Minimization, alpha.
        smoothing: how far labels are drawn towards doubt.
        emotions: weight of telling all the emotions apart.
        disturbance: how much of what lines and speakers change is added at random,
            in standard deviations.
        steps: how the networks that hear steps are trained; no members, no networks.
        steps_share: weight of their mean; the rest is that of all others.
        angry_share: share of anger that the probabilities expect: calls hold less of
            it than acted speech does.
        seed: decides everything that is left to chance.
    """

    penalty: float = 100.0
    linear_neutral: float = 12.0
    linear_share: float = 0.28
    discriminant_share: float = 0.3
    discriminant_neutral: float = 3.0
    shrinkage: float = 0.25
    members: int = 2
    hidden: int = 256
    hidden_neutral: float = 8.0
    epochs: int = 30
    batch: int = 256
    learning_rate: float = 1e-3
    decay: float = 1e-2
    input_dropout: float = 0.2
    dropout: float = 0.5
    mixup: float = 2.0
    smoothing: float = 0.1
    emotions: float = 0.5
    disturbance: float = 0.5
    steps: StepsRecipe = field(default_factory=StepsRecipe)
    steps_share: float = 0.5
    angry_share: float = 0.14
    seed: int = 0


def fit(heard: Heard, card: Card, recipe: Recipe) -> VoiceHead:
    """Train a head on all of the windows, not calibrated yet."""
    head = _fit_pooled(heard, card, recipe)
    if not recipe.steps.members:
        return head
    networks = fit_networks(heard, replace(recipe.steps, seed=recipe.seed))
    kept = (1 - recipe.steps_share) / _spread(head.logits(heard.features, ()))
    share = recipe.steps_share / _spread(networks.weighed(heard.steps))
    return replace(
        head,
        weight=(kept * head.weight).astype(np.float32),
        output=(kept * head.output).astype(np.float32),
        bias=kept * head.bias,
        networks=replace(networks, share=share),
    )


def _spread(values: NDArray[np.float64] | NDArray[np.float32]) -> float:
    return float(values.std()) + _FLOOR


def _fit_pooled(heard: Heard, card: Card, recipe: Recipe) -> VoiceHead:
    """Train what hears a window's mean and deviation."""
    centre = heard.features.mean(axis=0)
    scale = heard.features.std(axis=0) + np.float32(_FLOOR)
    n_state = len(centre) // (len(card.blocks) + 1)
    features = torch.from_numpy((heard.features - centre) / scale)
    early, last = features[:, :n_state], features[:, -n_state:]
    varied = features[:, -2 * n_state :]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        linear = _linear(early, heard, recipe)
        networks = _networks(last, heard, recipe)
    direction, middle = discriminant(
        varied.numpy(),
        heard.angry,
        _weights(heard, recipe.discriminant_neutral).numpy(),
        recipe.shrinkage,
    )
    with torch.inference_mode():
        calm = linear(early)[:, 0]
        excited = torch.stack([one(last).anger for one in networks]).mean(dim=0)
        varies = varied @ direction
        a = recipe.linear_share / (float(calm.std()) + _FLOOR)
        c = recipe.discriminant_share / (float(varies.std()) + _FLOOR)
        rest = 1 - recipe.linear_share - recipe.discriminant_share
        b = rest / (float(excited.std()) + _FLOOR) / len(networks)
        weight = torch.zeros(len(centre))
        weight[:n_state] = a * linear.weight[0]
        weight[-2 * n_state :] += c * direction
        bias = a * float(linear.bias[0]) - c * middle
        bias += b * sum(float(one.anger.bias[0]) for one in networks)
        return VoiceHead(
            card=card,
            centre=centre,
            scale=scale,
            weight=weight.numpy(),
            hidden=torch.cat([one.widen.weight for one in networks])
            .to(torch.float16)
            .numpy(),
            hidden_bias=torch.cat([one.widen.bias for one in networks]).numpy(),
            output=torch.cat([b * one.anger.weight[0] for one in networks]).numpy(),
            bias=bias,
            slope=1.0,
            offset=0.0,
        )


def held_out_logits(
    heard: Heard, card: Card, recipe: Recipe, groups: NDArray[np.str_]
) -> NDArray[np.float64]:
    """Return a logit for each window, from heads that heard nothing of its group."""
    logits = np.zeros(len(heard.emotion))
    steps = replace(recipe.steps, members=min(1, recipe.steps.members))
    one = replace(recipe, members=1, steps=steps)
    for held_out in folds(groups):
        head = fit(heard.only(~held_out), card, one)
        part = heard.only(held_out)
        logits[held_out] = head.logits(part.features, part.steps)
    return logits


def folds(groups: NDArray[np.str_]) -> Iterator[NDArray[np.bool_]]:
    """Split windows into at most five parts of whole groups, the largest first."""
    names, sizes = np.unique(groups, return_counts=True)
    parts: list[list[str]] = [[] for _ in range(min(N_FOLDS, len(names)))]
    filled = np.zeros(len(parts))
    for index in np.argsort(-sizes, kind="stable"):
        smallest = int(filled.argmin())
        parts[smallest].append(names[index])
        filled[smallest] += sizes[index]
    for part in parts:
        yield np.isin(groups, part)


def calibration(
    logits: NDArray[np.float64], angry: NDArray[np.bool_], angry_share: float
) -> tuple[float, float]:
    """Return slope and offset that make logits of unheard speakers honest.

    Args:
        logits: shape ``(n_windows,)``.
        angry: which of them are, shape ``(n_windows,)``.
        angry_share: of anger, in (0, 1), at which the probabilities are honest.

    Source: Platt (1999), Probabilistic Outputs for Support Vector Machines.
    """
    model = logistic(
        torch.from_numpy(logits[:, None]),
        torch.from_numpy(angry),
        torch.from_numpy(share_weights(angry, angry_share)),
        torch.tensor(1e-6),
    )
    return model.weight[0, 0].item(), model.bias[0].item()


def _weights(heard: Heard, neutral: float) -> Tensor:
    """Weigh the windows; neutral speech, which a call mostly is, weighs more."""
    return torch.from_numpy(anger_weights(heard, {NEUTRAL: neutral}))


def _linear(features: Tensor, heard: Heard, recipe: Recipe) -> nn.Linear:
    return logistic(
        features.double(),
        torch.from_numpy(heard.angry),
        _weights(heard, recipe.linear_neutral),
        torch.tensor(recipe.penalty),
    ).float()


def discriminant(
    features: NDArray[np.float32],
    angry: NDArray[np.bool_],
    weights: NDArray[np.float64],
    shrinkage: float,
) -> tuple[Tensor, float]:
    """Find the direction along which anger lies farthest from the rest.

    Args:
        features: float32, shape ``(n_windows, n_features)``, of unit spread.
        angry: bool, shape ``(n_windows,)``.
        weights: float64, shape ``(n_windows,)``: how much each window counts.
        shrinkage: in [0, 1], how far the covariance is drawn towards a sphere.

    Returns:
        The direction, float32, shape ``(n_features,)``, and the middle between the
        two means along it.
    """
    x = features.astype(np.float64)
    means = [np.average(x[of], axis=0, weights=weights[of]) for of in (~angry, angry)]
    apart = (x - np.where(angry[:, None], means[1], means[0])) * np.sqrt(
        weights / weights.sum()
    )[:, None]
    covariance = apart.T @ apart
    size = np.trace(covariance) / len(covariance)
    covariance = (1 - shrinkage) * covariance
    covariance[np.diag_indices_from(covariance)] += shrinkage * size + _FLOOR
    direction = np.linalg.solve(covariance, means[1] - means[0])
    middle = float((means[0] + means[1]) @ direction) / 2
    return torch.from_numpy(direction.astype(np.float32)), middle


def logistic(
    features: Tensor, angry: Tensor, weights: Tensor, penalty: Tensor
) -> nn.Linear:
    """Fit a logistic regression in double precision.

    Args:
        features: float64, shape ``(n_windows, n_features)``.
        angry: bool, shape ``(n_windows,)``.
        weights: float64, shape ``(n_windows,)``: how much each window counts.
        penalty: float64, of the squared weights; one number, or one for each.
    """
    model = nn.Linear(features.shape[1], 1, dtype=torch.float64)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimiser = torch.optim.LBFGS(
        model.parameters(), max_iter=300, line_search_fn="strong_wolfe"
    )
    target = angry.double()

    def loss() -> Tensor:
        optimiser.zero_grad()
        error = F.binary_cross_entropy_with_logits(
            model(features)[:, 0], target, weights, reduction="sum"
        )
        value: Tensor = error + (penalty / 2 * model.weight.square()).sum()
        value.backward()  # type: ignore[no-untyped-call]  # torch has no types here
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]  # torch has no types here
    return model


class _Network(nn.Module):
    """One hidden layer, with an output for anger and one for every emotion."""

    def __init__(self, n_features: int, n_emotions: int, recipe: Recipe) -> None:
        super().__init__()
        self.cover = nn.Dropout(recipe.input_dropout)
        self.widen = nn.Linear(n_features, recipe.hidden)
        self.drop = nn.Dropout(recipe.dropout)
        self.anger = nn.Linear(recipe.hidden, 1)
        self.emotions = nn.Linear(recipe.hidden, n_emotions)

    def forward(self, features: Tensor) -> Answer:
        hidden = self.drop(F.relu(self.widen(self.cover(features))))
        return Answer(self.anger(hidden)[:, 0], self.emotions(hidden))


def _networks(features: Tensor, heard: Heard, recipe: Recipe) -> list[_Network]:
    names, emotion = np.unique(heard.emotion, return_inverse=True)
    emotions = F.one_hot(torch.from_numpy(emotion), len(names)).float()
    angry = torch.from_numpy(heard.angry).float()
    weights = _weights(heard, recipe.hidden_neutral).float()
    spread = torch.from_numpy(_disturbance(features.numpy(), heard))
    targets = torch.cat([angry[:, None], weights[:, None], emotions], dim=1)
    return [
        _trained(features, targets, recipe.disturbance * spread, recipe)
        for _ in range(recipe.members)
    ]


def _trained(
    features: Tensor, targets: Tensor, spread: Tensor, recipe: Recipe
) -> _Network:
    """Train one network.

    Args:
        features: shape ``(n_windows, n_features)``.
        targets: shape ``(n_windows, 2 + n_emotions)``: anger, weight, emotions.
        spread: shape ``(n_directions, n_features)``, of the disturbance.
        recipe: how.
    """
    network = _Network(features.shape[1], targets.shape[1] - 2, recipe)
    optimiser = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.decay
    )
    steps = recipe.epochs * math.ceil(len(features) / recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=steps
    )
    for _ in range(recipe.epochs):
        for chosen in _batches(len(features), recipe.batch):
            x, y = mixed(features[chosen], targets[chosen], recipe.mixup)
            x = x + torch.randn(len(x), len(spread)) @ spread
            optimiser.zero_grad()
            _loss(network(x), y, recipe).backward()  # type: ignore[no-untyped-call]  # torch has no types here
            optimiser.step()
            schedule.step()
    return network.eval()


def _batches(n: int, size: int) -> list[Tensor]:
    order = torch.randperm(n)
    return [order[start : start + size] for start in range(0, n, size)]


def _loss(answer: Answer, y: Tensor, recipe: Recipe) -> Tensor:
    anger, weights, emotions = y[:, 0], y[:, 1], y[:, 2:]
    anger = anger * (1 - recipe.smoothing) + recipe.smoothing / 2
    error = F.binary_cross_entropy_with_logits(answer.anger, anger, weights)
    return error + recipe.emotions * F.cross_entropy(answer.emotions, emotions)


def _disturbance(features: NDArray[np.float32], heard: Heard) -> NDArray[np.float32]:
    """Find what lines and speakers change, as directions with their spread.

    Lines: what a bad line makes of a recording, less what a clean one does. Speakers:
    the mean of one speaker's windows with one emotion, less that of all speakers'.

    Returns:
        float32, shape ``(n_directions, n_features)``; a row is a direction, as long
        as the standard deviation along it.
    """
    _, recording = np.unique(heard.recording, return_inverse=True)
    clean = heard.copy == 0
    of_line = (features - _means(features, recording, clean)[recording])[~clean]
    _, emotion = np.unique(heard.emotion, return_inverse=True)
    _, speaker = np.unique(heard.speaker, return_inverse=True)
    pair = emotion * (speaker.max() + 1) + speaker
    names, of_pair = np.unique(pair, return_inverse=True)
    every = np.ones(len(features), bool)
    of_speaker = _means(features, of_pair, every)
    _, of_emotion = np.unique(names // (speaker.max() + 1), return_inverse=True)
    all_speakers = _means(of_speaker, of_emotion, np.ones(len(names), bool))
    of_speaker = np.subtract(of_speaker, all_speakers[of_emotion])
    covariance = _covariance(of_line) + _covariance(of_speaker)
    variance, directions = np.linalg.eigh(covariance)
    kept = variance > max(float(variance.max()) * 1e-4, _FLOOR)
    spread = np.sqrt(variance[kept])[:, None] * directions[:, kept].T
    result: NDArray[np.float32] = spread.astype(np.float32)
    return result


def _means(
    features: NDArray[np.float32] | NDArray[np.float64],
    group: NDArray[np.int64],
    chosen: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return the mean of the chosen rows of each group."""
    total = np.zeros((int(group.max()) + 1, features.shape[1]))
    np.add.at(total, group[chosen], features[chosen])
    count = np.bincount(group[chosen], minlength=len(total))
    return total / np.maximum(count, 1)[:, None]


def _covariance(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    return differences.T @ differences / max(len(differences), 1)
