"""Linear layers as the processor likes them: weights laid out once, rows in company.

A step of greedy decoding reads every weight for a handful of rows, and what it costs is
reading them. oneDNN's own layout halves that, and makes eight rows cost little more
than one (docs/evaluation.md, Capacity). A row's result is the same to the last bit
however many rows are beside it, which is what makes batches invisible in a call's log.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
from torch import Tensor, nn

_TYPICAL_ROWS = 8
"""The layout is chosen for this many; results do not depend on it."""


class Precision(StrEnum):
    """What weights are multiplied in; sums and everything between stay float32."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"

    @property
    def dtype(self) -> torch.dtype:
        """Torch's name for it."""
        return cast("torch.dtype", getattr(torch, self.value))

    @classmethod
    def best(cls, device: str) -> "Precision":
        """What costs least on a device without costing words (docs/evaluation.md).

        Args:
            device: ``cpu``, or a GPU as torch calls it: ``cuda:1``.
        """
        if device != "cpu":
            return cls.FLOAT16
        native = (
            torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001  # torch has no public way
            or torch.cpu._is_amx_tile_supported()  # noqa: SLF001  # torch has no public way
        )
        return cls.BFLOAT16 if native else cls.FLOAT32


class PackedLinear:
    """Rows times a matrix, plus a bias. Thread-safe: only reads.

    Args:
        weight: shape ``(n_out, n_in)``, on the processor or a GPU.
        bias: shape ``(n_out,)``, or None.
        precision: what to multiply in.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None, precision: Precision
    ) -> None:
        self._dtype = precision.dtype
        weight = weight.detach().to(self._dtype).contiguous()
        self._bias = None if bias is None else bias.detach().to(self._dtype)
        self._packed = _can_pack(weight)
        self._weight = (
            torch.ops.mkldnn._reorder_linear_weight(weight, _TYPICAL_ROWS)  # noqa: SLF001  # torch has no public way
            if self._packed
            else weight
        )

    @classmethod
    def joined(
        cls, layers: Sequence[nn.Linear], precision: Precision
    ) -> "PackedLinear":
        """Several layers that take the same rows, as one; outputs side by side."""
        weights: list[Tensor] = [layer.weight.detach() for layer in layers]
        biases: list[Tensor] = [
            torch.zeros_like(weight[:, 0]) if layer.bias is None else layer.bias
            for layer, weight in zip(layers, weights, strict=True)
        ]
        return cls(torch.cat(weights), torch.cat(biases), precision)

    @classmethod
    def of(cls, layer: nn.Linear, precision: Precision) -> "PackedLinear":
        """One layer."""
        return cls(layer.weight, layer.bias, precision)

    def __call__(self, x: Tensor) -> Tensor:
        """Multiply; `x` is float32, shape ``(..., n_in)``."""
        if not self._packed:
            return F.linear(x.to(self._dtype), self._weight, self._bias).float()
        rows = x.reshape(-1, x.shape[-1]).to(self._dtype)
        alone = len(rows) == 1
        if alone:
            # For a single row oneDNN adds up in another order than for several.
            rows = rows.expand(2, -1).contiguous()
        out: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001  # torch has no public way
            rows, self._weight, self._bias, "none", [], ""
        )
        out = out[:1] if alone else out
        return out.view(*x.shape[:-1], -1).float()


def _can_pack(weight: Tensor) -> bool:
    return (
        weight.device.type == "cpu"
        and weight.dtype in (torch.float32, torch.bfloat16)
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch left it untyped
    )
