"""What a row is multiplied to is right, and the same whatever rows are beside it."""

import pytest
import torch
from torch import Tensor

from models.packed_linear import PackedLinear, Precision

pytestmark = pytest.mark.unit

ERROR = {Precision.FLOAT32: 1e-6, Precision.BFLOAT16: 5e-3, Precision.INT8: 1.2e-2}
"""Largest error that is allowed, as a share of the spread of the right results."""


def matrix(n_out: int, n_in: int) -> Tensor:
    draw = torch.Generator().manual_seed(n_out)
    return torch.randn(n_out, n_in, generator=draw)


@pytest.mark.parametrize("precision", ERROR)
@pytest.mark.parametrize("n_out", [64, 70])
def test_rows_are_multiplied_as_well_as_the_precision_allows(
    precision: Precision, n_out: int
) -> None:
    weight, x, bias = matrix(n_out, 128), matrix(9, 128), matrix(1, n_out)[0]
    layer = PackedLinear(weight, bias, precision)

    got = layer(x.view(3, 3, 128))

    right = x @ weight.T + bias
    assert got.shape == (3, 3, n_out)
    assert got.dtype == torch.float32
    error = (got.view(9, n_out) - right).std() / right.std()
    assert float(error) < ERROR[precision]


@pytest.mark.parametrize("precision", ERROR)
def test_a_row_is_the_same_to_the_last_bit_in_any_company(precision: Precision) -> None:
    layer, x = PackedLinear(matrix(70, 128), None, precision), matrix(11, 128)
    together = layer(x)

    for begin in range(len(x)):
        for end in range(begin + 1, len(x) + 1):
            assert torch.equal(layer(x[begin:end]), together[begin:end])


def test_a_row_of_zeros_stays_one_in_eight_bits() -> None:
    weight = matrix(32, 64)
    weight[3] = 0

    got = PackedLinear(weight, None, Precision.INT8)(matrix(2, 64))

    assert torch.isfinite(got).all()
    assert torch.equal(got[:, 3], torch.zeros(2))
