"""Linear layers as the processor likes them: weights laid out once, rows in company.

A step of greedy decoding reads every weight for a handful of rows, and what it costs is
reading them. oneDNN's own layout halves that, and makes eight rows cost little more
than one; weights of eight bits halve it again (docs/evaluation.md, Capacity). A row's
result is the same to the last bit however many rows are beside it, which is what makes
batches invisible in a call's log.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
from torch import Tensor, nn

_TYPICAL_ROWS = 8
"""The layout is chosen for this many; results do not depend on it."""

_LARGEST_BYTE = 127
_BLOCK_ROWS = 32
"""Torch multiplies rows of bytes in blocks of so many at most."""


class Precision(StrEnum):
    """What weights are multiplied in; sums and everything between stay float32.

    With eight bits, each row of weights has a scale of its own, and what they are
    multiplied with is bfloat16. It suits a few rows, on a processor.
    """

    INT8 = "int8"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"

    @property
    def dtype(self) -> torch.dtype:
        """Torch's name for it."""
        return cast("torch.dtype", getattr(torch, self.value))

    @classmethod
    def best_for_few_rows(cls, device: str) -> "Precision":
        """What costs least for the few rows of a step of decoding.

        Args:
            device: as for `best`.
        """
        fast = device == "cpu" and torch.cpu._is_avx512_supported()  # noqa: SLF001  # torch has no public way
        return cls.INT8 if fast else cls.best(device)

    def for_many_rows(self, device: str) -> "Precision":
        """What to multiply a hundred rows in and more: there, reading costs nothing.

        Args:
            device: as for `best`.
        """
        return Precision.best(device) if self is Precision.INT8 else self

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
        weight, self._n_out = weight.detach(), len(weight)
        self._scales: Tensor | None = None
        if precision is Precision.INT8:
            self._dtype, self._packed = torch.bfloat16, True
            self._bias = None if bias is None else bias.detach().float()
            self._weight, self._scales = _in_eight_bits(weight)
            return
        self._dtype = precision.dtype
        weight = weight.to(self._dtype).contiguous()
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
        many = self._by_row if self._scales is None else self._by_row_of_bytes
        return many(rows).reshape(*x.shape[:-1], -1)

    def _by_row(self, rows: Tensor) -> Tensor:
        alone = len(rows) == 1
        if alone:
            # For a single row oneDNN adds up in another order than for several.
            rows = rows.expand(2, -1).contiguous()
        out: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001  # torch has no public way
            rows, self._weight, self._bias, "none", [], ""
        )
        return (out[:1] if alone else out).float()

    def _by_row_of_bytes(self, rows: Tensor) -> Tensor:
        out: Tensor = torch.ops.aten._weight_int8pack_mm(  # noqa: SLF001  # torch has no public way
            rows, self._weight, self._scales
        )
        out = out[:, : self._n_out].float()
        return out if self._bias is None else out + self._bias


def _in_eight_bits(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Round weights to steps of 1/127 of the largest of their row.

    Returns:
        int8 of ``(n_out, n_in)``, filled up to whole blocks; bfloat16 scale of a row.
    """
    missing = -len(weight) % _BLOCK_ROWS
    weight = F.pad(weight.float(), (0, 0, 0, missing))
    largest = weight.abs().amax(1).clamp_min(torch.finfo(torch.float32).tiny)
    scales = (largest / _LARGEST_BYTE).bfloat16()
    steps = weight / scales.float()[:, None]
    steps = steps.round().clamp(-_LARGEST_BYTE, _LARGEST_BYTE)
    return steps.to(torch.int8).contiguous(), scales


def _can_pack(weight: Tensor) -> bool:
    return (
        weight.device.type == "cpu"
        and weight.dtype in (torch.float32, torch.bfloat16)
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch left it untyped
    )
