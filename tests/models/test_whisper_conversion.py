"""The conversion loses nothing, and refuses what it does not know."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from whisper.model import Whisper

from models.errors import WeightsError
from models.whisper_conversion import convert

pytestmark = pytest.mark.unit

Arrays = dict[str, NDArray[np.generic]]
Write = Callable[..., bytes]


def test_every_number_arrives_under_its_name(
    tiny: Whisper, tiny_arrays: Arrays, write_model_bin: Write
) -> None:
    checkpoint = convert(write_model_bin(tiny_arrays))

    assert checkpoint.dims == tiny.dims
    again = Whisper(checkpoint.dims)
    again.load_state_dict(dict(checkpoint.state))
    for name, tensor in tiny.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


def test_precision_stays_that_of_the_source(
    tiny_arrays: Arrays, write_model_bin: Write
) -> None:
    checkpoint = convert(write_model_bin(tiny_arrays))

    assert {tensor.dtype for tensor in checkpoint.state.values()} == {torch.float16}


def test_saved_form_has_what_openai_whisper_reads(
    tiny: Whisper, tiny_arrays: Arrays, write_model_bin: Write
) -> None:
    saved = convert(write_model_bin(tiny_arrays)).as_saved()

    assert list(saved) == ["dims", "model_state_dict"]
    assert saved["dims"] == dataclasses.asdict(tiny.dims)


def test_other_layouts_are_refused(tiny_arrays: Arrays, write_model_bin: Write) -> None:
    name = "encoder/layer_0/self_attention/linear_0/bias"
    key_bias = {**tiny_arrays, name: np.ones_like(tiny_arrays[name])}
    missing = dict(tiny_arrays)
    del missing["decoder/layer_norm/beta"]

    for data, message in (
        (write_model_bin(tiny_arrays, version=5), "binary version 5"),
        (write_model_bin(tiny_arrays, spec="TransformerSpec"), "TransformerSpec"),
        (write_model_bin(key_bias), "key bias"),
        (write_model_bin(missing), "layer_norm/beta"),
        (write_model_bin(tiny_arrays)[:5000], "something else"),
        (b"", "something else"),
    ):
        with pytest.raises(WeightsError, match=message):
            convert(data)
