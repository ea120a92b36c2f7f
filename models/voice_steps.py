"""A small network that hears a window step by step, and chooses which steps tell most.

Each step of the encoder's output is read on its own; mean and deviation of what is
read are taken over the window, the steps weighed by attention. Source: Okabe et al.
(2018), Attentive Statistics Pooling for Deep Speaker Embedding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
from numpy.typing import NDArray
from torch import Tensor, nn

Windows = Sequence[NDArray[np.float16]] | NDArray[np.object_]
"""The steps of windows, each float16, shape ``(n_steps, n_features)``."""

_Part = tuple[Tensor, Tensor]

_BATCH = 64
_NAMED = "network"
_LEAST_VARIANCE = 1e-4
_NO_STEP = -1e9


def _nothing() -> NDArray[np.float32]:
    return np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class Size:
    """How large a network is.

    Attributes:
        n_features: of a step.
        channels: read from each step.
        attention: units that weigh the steps.
        hidden: units after pooling.
        n_emotions: told apart in training; live, only anger is asked for.
    """

    n_features: int
    channels: int
    attention: int
    hidden: int
    n_emotions: int


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a network makes of windows.

    Attributes:
        anger: log-odds, shape ``(n_windows,)``.
        emotions: logits, shape ``(n_windows, n_emotions)``.
    """

    anger: Tensor
    emotions: Tensor


class StepsNetwork(nn.Module):
    """Reads anger from the steps of a window.

    Args:
        size: of its parts.
        step_dropout: share of a step's features hidden in training.
        dropout: share of units hidden in training.
    """

    def __init__(
        self, size: Size, step_dropout: float = 0.0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.step_dropout = step_dropout
        self.read = nn.Linear(size.n_features, size.channels)
        self.look = nn.Linear(size.channels, size.attention)
        self.weigh = nn.Linear(size.attention, 1)
        self.even = nn.LayerNorm(2 * size.channels)
        self.widen = nn.Linear(2 * size.channels, size.hidden)
        self.anger = nn.Linear(size.hidden, 1)
        self.emotions = nn.Linear(size.hidden, size.n_emotions)
        self.drop = nn.Dropout(dropout)
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.weigh.bias)

    def pooled(self, steps: Tensor, present: Tensor) -> Tensor:
        """Return mean and deviation over each window, shape ``(n, 2 * channels)``.

        Args:
            steps: standardised, shape ``(n_windows, n_steps, n_features)``.
            present: bool, shape ``(n_windows, n_steps)``: False behind the end of a
                window that is shorter than the longest.
        """
        if self.training:
            # Whole features are hidden in a window, not single values.
            steps = steps * F.dropout(
                torch.ones_like(steps[:, :1]), self.step_dropout, self.training
            )
        read = F.gelu(self.read(steps))
        weight = self.weigh(torch.tanh(self.look(read)))[..., 0]
        weight = torch.softmax(weight.masked_fill(~present, _NO_STEP), dim=1)
        return _pooled(read, weight)

    def judged(self, pooled: Tensor) -> Answer:
        """Return what pooled windows sound like."""
        hidden = F.gelu(self.widen(self.drop(self.even(pooled))))
        hidden = self.drop(hidden)
        return Answer(self.anger(hidden)[:, 0], self.emotions(hidden))

    def forward(self, steps: Tensor, present: Tensor) -> Answer:
        """Return what windows sound like; see `pooled`."""
        return self.judged(self.pooled(steps, present))


def _pooled(read: Tensor, weight: Tensor) -> Tensor:
    """Return weighed mean and deviation of steps, shape ``(..., 2 * channels)``.

    Args:
        read: shape ``(..., n_steps, channels)``.
        weight: shape ``(..., n_steps)``, 1 in all.
    """
    mean = torch.einsum("...t,...tc->...c", weight, read)
    square = torch.einsum("...t,...tc->...c", weight, read.square())
    variance = (square - mean.square()).clamp(min=_LEAST_VARIANCE)
    return torch.cat([mean, variance.sqrt()], dim=-1)


def padded(
    windows: Windows,
    centre: NDArray[np.float32],
    scale: NDArray[np.float32],
) -> tuple[Tensor, Tensor]:
    """Standardise windows and bring them to the length of the longest.

    Args:
        windows: each float16, shape ``(n_steps, n_features)``.
        centre: subtracted from the features, shape ``(n_features,)``.
        scale: which then divides them.

    Returns:
        The steps, float32, shape ``(n_windows, n_steps, n_features)``, and which of
        them are there, bool, shape ``(n_windows, n_steps)``.
    """
    longest = max(len(window) for window in windows)
    steps = np.zeros((len(windows), longest, len(centre)), np.float32)
    present = np.zeros((len(windows), longest), bool)
    for index, window in enumerate(windows):
        steps[index, : len(window)] = (window - centre) / scale
        present[index, : len(window)] = True
    return torch.from_numpy(steps), torch.from_numpy(present)


class _SideBySide:
    """Networks of one size, each product made for all of them at once.

    Half the time of one after the other, from four networks on.
    """

    def __init__(self, members: Sequence[StepsNetwork]) -> None:
        self._n_members = len(members)
        self._read = _stacked([one.read for one in members])
        self._look = _stacked([one.look for one in members])
        self._weigh = _stacked([one.weigh for one in members])
        self._even = _stacked([one.even for one in members])
        self._widen = _stacked([one.widen for one in members])
        self._anger = _stacked([one.anger for one in members])

    def anger(self, steps: Tensor, present: Tensor) -> Tensor:
        """Return the mean log-odds of anger, shape ``(n_windows,)``."""
        n_windows, n_steps, n_features = steps.shape
        shape = (self._n_members, n_windows, n_steps, -1)
        flat = steps.reshape(1, n_windows * n_steps, n_features)
        read = F.gelu(_through(self._read, flat.expand(self._n_members, -1, -1)))
        weight = _through(self._weigh, torch.tanh(_through(self._look, read)))
        weight = weight.view(shape)[..., 0].masked_fill(~present, _NO_STEP)
        pooled = _pooled(read.view(shape), torch.softmax(weight, dim=2))
        gain, bias = self._even
        even = F.layer_norm(pooled, pooled.shape[2:]) * gain[:, None] + bias
        hidden = F.gelu(_through(self._widen, even))
        return _through(self._anger, hidden)[..., 0].mean(dim=0)


def _stacked(parts: Sequence[nn.Linear] | Sequence[nn.LayerNorm]) -> _Part:
    """Put the same part of several networks side by side."""
    weight = torch.stack([one.weight.detach() for one in parts])
    bias = torch.stack([one.bias.detach() for one in parts])
    return weight, bias[:, None]


def _through(part: _Part, x: Tensor) -> Tensor:
    weight, bias = part
    return torch.baddbmm(bias, x, weight.mT)


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """Networks that are averaged.

    Attributes:
        members: of one size, with the same standardisation; none in heads that do
            without.
        centre: of the steps' features, float32, shape ``(n_features,)``.
        scale: of the same.
        share: weight of their mean in a head.
        together: the members, to be run at once.
    """

    members: tuple[StepsNetwork, ...] = ()
    centre: NDArray[np.float32] = field(default_factory=_nothing)
    scale: NDArray[np.float32] = field(default_factory=_nothing)
    share: float = 1.0
    together: _SideBySide | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Make what is run."""
        if self.members:
            object.__setattr__(self, "together", _SideBySide(self.members))

    def weighed(self, windows: Windows) -> NDArray[np.float32]:
        """Return the mean log-odds of anger by the share, shape ``(n_windows,)``."""
        found = np.zeros(len(windows), np.float32)
        if self.together is None:
            return found
        lengths = np.array([len(window) for window in windows])
        order = np.argsort(lengths, kind="stable")
        with torch.inference_mode():
            for start in range(0, len(order), _BATCH):
                near = order[start : start + _BATCH]
                heard = padded([windows[i] for i in near], self.centre, self.scale)
                found[near] = self.together.anger(*heard).numpy()
        return np.float32(self.share) * found


def packed(networks: Networks) -> dict[str, NDArray[np.float32] | NDArray[np.float16]]:
    """Return the arrays of networks by name; half the digits are enough."""
    arrays: dict[str, NDArray[np.float32] | NDArray[np.float16]] = {}
    for index, member in enumerate(networks.members):
        for name, value in member.state_dict().items():
            arrays[f"{_NAMED}{index}.{name}"] = value.to(torch.float16).numpy()
    if arrays:
        arrays["steps_centre"] = networks.centre
        arrays["steps_scale"] = networks.scale
        arrays["steps_share"] = np.array([networks.share], np.float32)
    return arrays


def unpacked(arrays: Mapping[str, NDArray[np.generic]]) -> Networks:
    """Return the networks among a file's arrays."""
    members: list[StepsNetwork] = []
    while any(name.startswith(f"{_NAMED}{len(members)}.") for name in arrays):
        prefix = f"{_NAMED}{len(members)}."
        state = {
            name.removeprefix(prefix): torch.from_numpy(value.astype(np.float32))
            for name, value in arrays.items()
            if name.startswith(prefix)
        }
        channels, n_features = state["read.weight"].shape
        size = Size(
            n_features,
            channels,
            len(state["look.bias"]),
            len(state["widen.bias"]),
            len(state["emotions.bias"]),
        )
        member = StepsNetwork(size)
        member.load_state_dict(state)
        members.append(member.eval())
    if not members:
        return Networks()
    return Networks(
        tuple(members),
        arrays["steps_centre"].astype(np.float32),
        arrays["steps_scale"].astype(np.float32),
        float(arrays["steps_share"].astype(np.float32)[0]),
    )
