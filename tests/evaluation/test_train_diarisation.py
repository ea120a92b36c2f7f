"""How windows are cut from made-up calls to train the segmentation model."""

import numpy as np
import pytest
import soxr
import torch

from audio.frame import RATE
from evaluation.diarisation_mixtures import Mixture, MixtureParams, simulate, varied
from evaluation.diarisation_voices import RATE as LINE_RATE
from evaluation.diarisation_voices import STEP_S, Voice, utterance_of
from evaluation.train_diarisation import (
    Recipe,
    Trainer,
    cut,
    heard_by_encoder,
    material,
)
from models.diarisation_weights import load
from models.segmentation_input import N_VOICES, PIECE_S, WINDOW_S

pytestmark = pytest.mark.model


def made_voice(name: str, hz: float) -> Voice:
    time_s = np.arange(3 * LINE_RATE) / LINE_RATE
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * time_s)
    pcm = (0.1 * swell * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)
    return Voice(name, "made", "", (utterance_of(pcm, ""),))


VOICES = tuple(made_voice(f"v{index}", 150.0 + 90 * index) for index in range(4))


def test_the_encoder_hears_a_call_as_the_model_does_by_itself() -> None:
    model, _ = load()
    params = MixtureParams(duration_s=PIECE_S, alone=0.0, third=0.0)
    call = simulate(VOICES, params, np.random.default_rng(3))

    steps, truth = cut(heard_by_encoder(call), 10)

    pcm = soxr.resample(call.pcm, LINE_RATE, RATE).astype(np.float32)
    with torch.inference_mode():
        encoded = heard_by_encoder(call).steps[None]
        found = model.tell(model.frames_of(encoded))
        whole = model(torch.from_numpy(pcm)[None, None])
    assert steps.shape == (WINDOW_S * 50, encoded.shape[2])
    assert truth.shape == (model.num_frames(round(WINDOW_S * RATE)), N_VOICES)
    assert found.shape == whole.shape
    assert float((found.exp() - whole.exp()).abs().mean()) < 0.01


def test_the_truth_of_a_window_lies_where_its_speech_does() -> None:
    speech = np.zeros((2, 1600), np.bool_)
    speech[1, 400:] = True
    call = heard_by_encoder(
        Mixture(np.zeros(1600 * 80, np.float32), speech, ("a", "b"))
    )

    _, truth = cut(call, 100)

    first = int(np.argmax(truth[:, 1].numpy()))
    assert not truth[:, 0].any()
    assert 100 * 0.02 + first * 0.04 == pytest.approx(400 * STEP_S, abs=0.04)


def test_training_with_the_same_seed_gives_the_same_weights() -> None:
    recipe = Recipe(
        calls=2,
        steps=2,
        batch=2,
        speeds=(1.0,),
        mixtures=MixtureParams(duration_s=10.0, together=1.0),
    )

    states = []
    for _ in range(2):
        trainer = Trainer(material(VOICES, recipe, 5), recipe, 5)
        losses = [trainer.step(number) for number in (1, 2)]
        states.append((losses, trainer.mean_state()))

    (losses, state), (again, other) = states
    assert losses == again
    assert all(torch.equal(value, other[name]) for name, value in state.items())


def test_a_call_has_no_more_voices_than_there_are_speakers() -> None:
    params = MixtureParams(duration_s=5.0, alone=0.0, third=1.0)

    call = simulate(VOICES[:2], params, np.random.default_rng(0))

    assert len(call.speakers) == 2


def test_people_who_keep_speaking_over_each_other_overlap_more() -> None:
    apart = MixtureParams(duration_s=60.0, alone=0.0, third=0.0)
    together = MixtureParams(duration_s=60.0, alone=0.0, third=0.0, together=1.0)

    shares = []
    for params in (apart, together):
        draw = np.random.default_rng(7)
        calls = [simulate(VOICES, varied(params, draw), draw) for _ in range(3)]
        both = sum(int((call.speech.sum(axis=0) > 1).sum()) for call in calls)
        shares.append(both / sum(int(call.speech.any(axis=0).sum()) for call in calls))

    assert shares[1] > 1.5 * shares[0]
