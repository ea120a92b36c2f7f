import os

import numpy as np
import pytest

from models.text_encoder import N_DIMS, E5Encoder, load_text_encoder

pytestmark = pytest.mark.model

ENCODER = load_text_encoder()


def vector(text: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    assert ENCODER is not None
    return ENCODER.encode(text)


def test_a_vector_has_length_one_and_is_always_the_same() -> None:
    first, again = vector("i want my money back"), vector("i want my money back")

    assert first.shape == (N_DIMS,)
    assert first.dtype == np.float32
    assert np.linalg.norm(first) == pytest.approx(1.0, abs=1e-3)
    assert np.array_equal(first, again)


def test_the_same_meaning_is_nearer_than_another_across_languages() -> None:
    refund = vector("i want a refund")

    assert refund @ vector("我要退款") > refund @ vector("今天天气很好")


def test_nothing_after_a_zero_byte_is_lost() -> None:
    assert not np.array_equal(vector("a\0lawyer"), vector("a"))


def test_loading_leaves_the_environment_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    E5Encoder()
    assert os.environ["OMP_NUM_THREADS"] == "7"

    monkeypatch.delenv("OMP_NUM_THREADS")
    E5Encoder()
    assert "OMP_NUM_THREADS" not in os.environ
