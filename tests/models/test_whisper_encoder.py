"""Beside the remembered silence, speech costs its length and sounds the same."""

import numpy as np
import pytest
import torch
import whisper
from numpy.typing import NDArray
from whisper.model import Whisper

from audio.frame import RATE
from models.whisper_encoder import GROUP_STEPS, CutEncoder
from models.whisper_weights import load_whisper

STEP_SAMPLES = 320


def noise(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    draw = np.random.default_rng(seed)
    return (0.1 * draw.standard_normal(int(seconds * RATE))).astype(np.float32)


@pytest.mark.unit
def test_features_follow_the_length(tiny: Whisper) -> None:
    encoder = CutEncoder(tiny)

    lengths = [encoder.encode(noise(s)).shape[1] for s in (1.0, 2.0, 12.0)]

    assert abs(lengths[1] - lengths[0] - 50) < GROUP_STEPS
    assert abs(lengths[2] - lengths[1] - 500) < GROUP_STEPS


@pytest.mark.unit
def test_thirty_seconds_are_the_most(tiny: Whisper) -> None:
    encoder = CutEncoder(tiny)

    features = encoder.encode(noise(30.0))

    assert encoder.max_samples == 30 * RATE
    assert features.shape == (1, 1500, 64)
    assert torch.equal(features, encoder.encode(noise(30.0)))


@pytest.mark.unit
def test_level_does_not_matter(tiny: Whisper) -> None:
    encoder = CutEncoder(tiny)
    loud = noise(2.0)

    near = encoder.encode(loud)
    far = encoder.encode(np.float32(0.3) * loud)

    assert torch.allclose(near, far, atol=1e-3)


@pytest.mark.unit
def test_padding_is_that_of_openai_whisper(tiny: Whisper) -> None:
    pcm = noise(3.0)
    mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(pcm))
    with torch.no_grad():
        expected = tiny.encoder(mel[None])

    features = CutEncoder(tiny).encode_padded(pcm)

    assert torch.allclose(features, expected, atol=1e-4)


@pytest.mark.model
def test_remembered_silence_stands_for_the_padding(spoken: NDArray[np.float32]) -> None:
    model = load_whisper()
    encoder = CutEncoder(model)
    steps = len(spoken) // STEP_SAMPLES
    padded = encoder.encode_padded(spoken)[0, :steps]

    cut = encoder.encode(spoken)[0, :steps]
    encoder._memory.clear()
    alone = encoder.encode(spoken)[0, :steps]

    near = torch.nn.functional.cosine_similarity(cut, padded, dim=1).mean()
    far = torch.nn.functional.cosine_similarity(alone, padded, dim=1).mean()
    assert near > 0.95
    assert near > far + 0.02
