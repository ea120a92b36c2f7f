import itertools

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from audio.codec import RATES
from audio.resampler import Resampler

pytestmark = pytest.mark.unit

SOME_RATES = [8000, 8025, 11_025, 15_975, 16_000, 22_050, 24_000, 44_100, 48_000]


def noise(n_samples: int, n_channels: int = 1) -> NDArray[np.float32]:
    generator = np.random.default_rng(7)
    values = generator.uniform(-0.5, 0.5, (n_samples, n_channels))
    return values.astype(np.float32)


def resample(
    pcm: NDArray[np.float32], rate: int, cuts: list[int]
) -> NDArray[np.float32]:
    resampler = Resampler(rate, pcm.shape[1])
    edges = [0, *sorted(cuts), len(pcm)]
    parts = [resampler.feed(pcm[start:end]) for start, end in itertools.pairwise(edges)]
    return np.concatenate([*parts, resampler.flush()])


@pytest.mark.parametrize("rate", SOME_RATES)
@given(data=st.data())
def test_the_result_does_not_depend_on_how_the_input_was_cut(
    rate: int, data: st.DataObject
) -> None:
    pcm = noise(data.draw(st.integers(0, 5000)), 2)
    cuts = data.draw(st.lists(st.integers(0, len(pcm)), max_size=20))

    assert np.array_equal(resample(pcm, rate, cuts), resample(pcm, rate, []))


@given(
    rate=st.sampled_from(RATES),
    n_samples=st.one_of(st.integers(0, 50), st.integers(0, 20_000)),
)
def test_the_output_is_as_long_as_the_input(rate: int, n_samples: int) -> None:
    out = resample(noise(n_samples), rate, [])

    assert len(out) == round(n_samples * 16_000 / rate)
    assert out.dtype == np.float32


@pytest.mark.parametrize("rate", SOME_RATES)
@pytest.mark.parametrize("at_s", [0.0, 0.333, 1.0, 1.9])
def test_an_impulse_stays_where_it_is_in_time(rate: int, at_s: float) -> None:
    pcm = np.zeros((2 * rate, 1), np.float32)
    pcm[round(at_s * rate)] = 1.0

    out = resample(pcm, rate, list(range(0, 2 * rate, 333)))

    assert abs(int(np.argmax(np.abs(out))) - at_s * 16_000) <= 1


def test_16_khz_passes_through_untouched_and_at_once() -> None:
    pcm = noise(777, 2)
    resampler = Resampler(16_000, 2)

    assert np.array_equal(resampler.feed(pcm), pcm)
    assert resampler.flush().shape == (0, 2)


@pytest.mark.parametrize("rate", [8000, 44_100])
def test_channels_do_not_leak_into_each_other(rate: int) -> None:
    pcm = noise(rate, 2)
    left, right = pcm[:, :1], pcm[:, 1:]

    both = resample(pcm, rate, [])

    assert np.array_equal(both[:, :1], resample(left, rate, []))
    assert np.array_equal(both[:, 1:], resample(right, rate, []))


@pytest.mark.parametrize("rate", [8000, 22_050, 48_000])
def test_a_stream_sounds_like_the_whole_resampled_at_once(rate: int) -> None:
    pcm = noise(3 * rate)

    out = resample(pcm, rate, list(range(0, 3 * rate, 160)))

    assert np.allclose(out, soxr.resample(pcm, rate, 16_000), atol=1e-6)


@pytest.mark.parametrize("rate", SOME_RATES)
def test_output_is_never_further_behind_than_promised(rate: int) -> None:
    resampler = Resampler(rate, 1)
    message = np.zeros((rate // 50, 1), np.float32)
    n_out = 0
    lags_s = []

    for k in range(500):
        n_out += len(resampler.feed(message))
        lags_s.append((k + 1) * len(message) / rate - n_out / 16_000)

    assert max(lags_s) <= 0.16
