"""CAM++, the network that describes a voice: only its layers, in their trained shapes.

Names of the parts are those in the file of weights. Source: Wang et al. 2023, CAM++: A
fast and efficient network for speaker verification using context-aware masking,
arXiv:2303.00332; sizes as in 3D-Speaker's model for Chinese and English.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
from torch import nn

N_MELS = 80
N_HEARD = 512
"""Numbers that the network gives for a step, before they are pooled."""

N_DIMENSIONS = 192
"""Numbers that describe a voice."""

STEP_FRAMES = 2
"""Frames of the spectrogram in a step."""

_N_CHANNELS = 32
_N_GROWN = 32
_N_NARROW = 128
_N_FIRST = 128
_BLOCKS = ((12, 1), (24, 2), (16, 2))
"""Layers of each block, and how far apart the three frames are that a layer sees."""

_CONTEXT_STEPS = 100


class Campplus(nn.Module):
    """Spectrogram to what is heard in each step, and that to a voice. Thread-safe."""

    def __init__(self) -> None:
        super().__init__()
        self.head = _Head()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        size = _N_CHANNELS * N_MELS // 8
        layers["tdnn"] = _Tdnn(size, _N_FIRST)
        size = _N_FIRST
        for place, (n_layers, dilation) in enumerate(_BLOCKS, start=1):
            layers[f"block{place}"] = _Block(n_layers, size, dilation)
            size += n_layers * _N_GROWN
            layers[f"transit{place}"] = _Transit(size, size // 2)
            size //= 2
        layers["out_nonlinear"] = _normal(size)
        layers["dense"] = _Dense(2 * size, N_DIMENSIONS)
        self.xvector = nn.Sequential(layers)

    def heard(self, mels: torch.Tensor) -> torch.Tensor:
        """Listen.

        Args:
            mels: shape ``(n, n_frames, 80)``, each band about 0 on average.

        Returns:
            shape ``(n, n_steps, 512)``, a step is two frames.
        """
        hidden: torch.Tensor = self.head(mels.transpose(1, 2))
        for name, layer in self.xvector.named_children():
            if name != "dense":
                hidden = layer(hidden)
        return hidden.transpose(1, 2)

    def described(self, mean: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
        """Describe voices by mean and standard deviation of their steps.

        Args:
            mean: shape ``(n, 512)``.
            deviation: likewise.

        Returns:
            shape ``(n, 192)``.
        """
        dense = self.xvector.get_submodule("dense")
        found: torch.Tensor = dense(torch.cat([mean, deviation], dim=1))
        return found


class _Residual(nn.Module):
    """Two convolutions and what goes past them."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        n = _N_CHANNELS
        self.conv1 = nn.Conv2d(n, n, 3, (stride, 1), 1, bias=False)
        self.bn1 = nn.BatchNorm2d(n)
        self.conv2 = nn.Conv2d(n, n, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(n)
        self.shortcut = nn.Sequential()
        if stride > 1:
            past = nn.Conv2d(n, n, 1, (stride, 1), bias=False)
            self.shortcut = nn.Sequential(past, nn.BatchNorm2d(n))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(hidden + self.shortcut(x))


class _Head(nn.Module):
    """Looks at the spectrogram as at a picture, and leaves an eighth of its bands."""

    def __init__(self) -> None:
        super().__init__()
        n = _N_CHANNELS
        self.conv1 = nn.Conv2d(1, n, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(n)
        self.layer1 = nn.Sequential(_Residual(2), _Residual(1))
        self.layer2 = nn.Sequential(_Residual(2), _Residual(1))
        self.conv2 = nn.Conv2d(n, n, 3, (2, 1), 1, bias=False)
        self.bn2 = nn.BatchNorm2d(n)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = F.relu(self.bn1(self.conv1(x[:, None])))
        hidden = self.layer2(self.layer1(hidden))
        return F.relu(self.bn2(self.conv2(hidden))).flatten(1, 2)


def _normal(size: int) -> nn.Sequential:
    layers = OrderedDict(batchnorm=nn.BatchNorm1d(size), relu=nn.ReLU(inplace=True))
    return nn.Sequential(layers)


class _Tdnn(nn.Module):
    def __init__(self, size: int, n_out: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(size, n_out, 5, STEP_FRAMES, 2, bias=False)
        self.nonlinear = _normal(n_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.nonlinear(self.linear(x))
        return found


class _Masked(nn.Module):
    """What three steps say, as far as what is around them lets it through."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(
            _N_NARROW, _N_GROWN, 3, padding=dilation, dilation=dilation, bias=False
        )
        self.linear1 = nn.Conv1d(_N_NARROW, _N_NARROW // 2, 1)
        self.linear2 = nn.Conv1d(_N_NARROW // 2, _N_GROWN, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # One value for each stretch of the context is enough: what is worked out of
        # it is repeated, instead of what it is worked out from.
        around = F.avg_pool1d(x, _CONTEXT_STEPS, _CONTEXT_STEPS, ceil_mode=True)
        around = around + x.mean(dim=-1, keepdim=True)
        mask = torch.sigmoid(self.linear2(F.relu(self.linear1(around))))
        mask = mask.repeat_interleave(_CONTEXT_STEPS, dim=-1)[..., : x.shape[-1]]
        found: torch.Tensor = self.linear_local(x) * mask
        return found


class _Layer(nn.Module):
    def __init__(self, size: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _normal(size)
        self.linear1 = nn.Conv1d(size, _N_NARROW, 1, bias=False)
        self.nonlinear2 = _normal(_N_NARROW)
        self.cam_layer = _Masked(dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        narrow = self.nonlinear2(self.linear1(self.nonlinear1(x)))
        found: torch.Tensor = self.cam_layer(narrow)
        return found


class _Block(nn.Module):
    """Layers of which each sees what all before it gave."""

    def __init__(self, n_layers: int, size: int, dilation: int) -> None:
        super().__init__()
        for place in range(n_layers):
            layer = _Layer(size + place * _N_GROWN, dilation)
            self.add_module(f"tdnnd{place + 1}", layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.children():
            x = torch.cat([x, layer(x)], dim=1)
        return x


class _Transit(nn.Module):
    def __init__(self, size: int, n_out: int) -> None:
        super().__init__()
        self.nonlinear = _normal(size)
        self.linear = nn.Conv1d(size, n_out, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.linear(self.nonlinear(x))
        return found


class _Dense(nn.Module):
    def __init__(self, size: int, n_out: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(size, n_out, 1, bias=False)
        self.nonlinear = nn.Sequential()
        self.nonlinear.add_module("batchnorm", nn.BatchNorm1d(n_out, affine=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.nonlinear(self.linear(x[..., None])[..., 0])
        return found
