"""Whisper's blocks with their matrices packed: what encoder and decoder are made of."""

import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
from torch import Tensor, nn
from whisper.model import MultiHeadAttention, ResidualAttentionBlock

from models.packed_linear import PackedLinear, Precision


class SelfAttention:
    """Attention of steps to one another, up to where keys and values are needed."""

    def __init__(
        self, norm: nn.LayerNorm, attention: MultiHeadAttention, precision: Precision
    ) -> None:
        self._norm = norm
        self.n_heads: int = attention.n_head
        self._all = PackedLinear.joined(
            [attention.query, attention.key, attention.value], precision
        )
        self._out = PackedLinear.of(attention.out, precision)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key, value of ``(n, steps, state)``: ``(n, heads, steps, size)``."""
        query, key, value = self._all(self._norm(x)).chunk(3, dim=-1)
        return (
            split_heads(query, self.n_heads),
            split_heads(key, self.n_heads),
            split_heads(value, self.n_heads),
        )

    def out(self, heard: Tensor) -> Tensor:
        """Bring what was heard, ``(n, heads, steps, size)``, back to the state."""
        return self._out(join_heads(heard))


class CrossAttention:
    """Attention of words to the features of their own utterance."""

    def __init__(
        self, norm: nn.LayerNorm, attention: MultiHeadAttention, precision: Precision
    ) -> None:
        self._norm = norm
        self._n_heads: int = attention.n_head
        self._query = PackedLinear.of(attention.query, precision)
        device = attention.key.weight.device.type
        self._both = PackedLinear.joined(
            [attention.key, attention.value], precision.for_many_rows(device)
        )
        self._out = PackedLinear.of(attention.out, precision)

    def remember(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Key and value of features ``(1, steps, state)``: ``(heads, steps, size)``."""
        key, value = self._both(features).chunk(2, dim=-1)
        # Laid out as they are read, once for every token.
        return (
            split_heads(key, self._n_heads)[0].contiguous(),
            split_heads(value, self._n_heads)[0].contiguous(),
        )

    def hear(self, x: Tensor, remembered: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Attend from ``(n, steps, state)``, each row to its own utterance.

        One row after the other: padding them to one length is slower, and moves the
        last bits.
        """
        query = split_heads(self._query(self._norm(x)), self._n_heads)
        query = query / query.shape[-1] ** 0.5
        # Torch's fused attention takes half as long again for so few queries.
        heard = [
            torch.bmm(torch.bmm(one, key.transpose(1, 2)).softmax(-1), value)
            for one, (key, value) in zip(query, remembered, strict=True)
        ]
        return self._out(join_heads(torch.stack(heard)))


class FeedForward:
    """The two layers at the end of a block."""

    def __init__(self, block: ResidualAttentionBlock, precision: Precision) -> None:
        self._norm = block.mlp_ln
        widen, _, narrow = block.mlp
        self._widen = PackedLinear.of(widen, precision)
        self._narrow = PackedLinear.of(narrow, precision)

    def __call__(self, x: Tensor) -> Tensor:
        """Return what is added to ``(n, steps, state)``."""
        return self._narrow(F.gelu(self._widen(self._norm(x))))


def split_heads(x: Tensor, n_heads: int) -> Tensor:
    """``(n, steps, state)`` to ``(n, heads, steps, size)``."""
    return x.reshape(*x.shape[:2], n_heads, -1).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """``(n, heads, steps, size)`` to ``(n, steps, state)``."""
    return x.transpose(1, 2).flatten(2)
