"""How windows are cut from made-up calls to train the segmentation model."""

import numpy as np
import pytest
import soxr
import torch

from audio.frame import RATE
from evaluation.diarisation_mixtures import Mixture, MixtureParams, simulate, varied
from evaluation.diarisation_voices import RATE as LINE_RATE
from evaluation.diarisation_voices import STEP_S, Voice, utterance_of
from evaluation.train_diarisation import Recipe, Trainer, cut, forward, heard_by
from models.diarisation_weights import N_VOICES, WINDOW_S, load

pytestmark = pytest.mark.model


def made_voice(name: str, hz: float) -> Voice:
    time_s = np.arange(3 * LINE_RATE) / LINE_RATE
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * time_s)
    pcm = (0.1 * swell * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)
    return Voice(name, "made", "", (utterance_of(pcm, ""),))


VOICES = tuple(made_voice(f"v{index}", 150.0 + 90 * index) for index in range(4))


def test_a_cut_window_is_what_the_model_hears_by_itself() -> None:
    model, _ = load()
    params = MixtureParams(duration_s=WINDOW_S + STEP_S, alone=0.0, third=0.0)
    call = simulate(VOICES, params, np.random.default_rng(3))

    loudness, truth = cut([heard_by(model, call)], model, np.random.default_rng(0))

    pcm = soxr.resample(call.pcm, LINE_RATE, RATE, quality="MQ").astype(np.float32)
    with torch.inference_mode():
        whole = model(torch.from_numpy(pcm[: round(WINDOW_S * RATE)])[None, None])
        found = forward(model, loudness)
    assert truth.shape == (1, whole.shape[1], N_VOICES)
    assert found.shape == whole.shape
    assert float((found.exp() - whole.exp()).abs().mean()) < 0.02


def test_the_truth_of_a_window_lies_where_its_speech_does() -> None:
    model, _ = load()
    speech = np.zeros((2, 1600), np.bool_)
    speech[1, 400:] = True
    call = heard_by(model, Mixture(np.zeros(1600 * 80, np.float32), speech, ("a", "b")))
    draw, same = np.random.default_rng(1), np.random.default_rng(1)

    _, truth = cut([call], model, draw)

    begin_s = 0.03 * int(same.integers(len(call.power) - 267))
    first = int(np.argmax(truth[0, :, 1].numpy()))
    at_s = begin_s + float(model.receptive_field_center(first)) / RATE
    assert not truth[0, :, 0].any()
    assert at_s == pytest.approx(max(400 * STEP_S, begin_s), abs=0.06)


def test_training_with_the_same_seed_gives_the_same_weights() -> None:
    calls = MixtureParams(duration_s=10.0, together=1.0)
    recipe = Recipe(
        2,
        2,
        1,
        batch=2,
        memory=2,
        refresh=2,
        speeds=(1.0,),
        mixtures=calls,
        varying=True,
    )

    states = []
    for _ in range(2):
        trainer = Trainer(VOICES, recipe, 5, None)
        losses = [trainer.step(number) for number in (1, 2)]
        states.append((losses, trainer.mean_state()))

    (losses, state), (again, other) = states
    assert losses == again
    assert all(torch.equal(value, other[name]) for name, value in state.items())


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
