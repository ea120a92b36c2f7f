from dataclasses import replace

import numpy as np
import pytest

from models.voice_corpus import Heard, apart, joined
from models.voice_scores import auc
from models.voice_steps_training import StepsRecipe, fit_networks

pytestmark = pytest.mark.unit

QUICK = StepsRecipe(
    members=2, channels=6, attention=4, hidden=8, epochs=8, learning_rate=0.03
)


def heard(n: int = 120) -> Heard:
    """One step of each angry window stands out."""
    draw = np.random.default_rng(0)
    emotion = np.tile(["anger", "happiness", "neutral"], n // 3)
    steps = [
        draw.normal(size=(int(draw.integers(2, 6)), 3)).astype(np.float16)
        for _ in emotion
    ]
    for index in np.flatnonzero(emotion == "anger"):
        steps[index][1, 1] += 6
    return Heard(
        features=np.zeros((n, 1), np.float32),
        steps=apart(steps),
        emotion=emotion,
        speaker=np.full(n, "s"),
        corpus=np.full(n, "made-up"),
        recording=np.arange(n),
        copy=np.zeros(n, np.int64),
    )


def test_one_step_that_stands_out_is_enough() -> None:
    speech = heard()

    answers = fit_networks(speech, QUICK).weighed(speech.steps)

    assert auc(answers.astype(np.float64), speech.angry) > 0.95


def test_the_same_seed_gives_the_same_networks_and_each_member_its_own() -> None:
    speech, once = heard(), StepsRecipe(members=2, channels=4, epochs=1)

    first, again = (fit_networks(speech, once) for _ in range(2))

    weights = [one.read.weight.detach().numpy() for one in first.members]
    assert np.array_equal(weights[0], again.members[0].read.weight.detach().numpy())
    assert not np.array_equal(weights[0], weights[1])


def test_each_network_hears_another_bad_line() -> None:
    first = replace(heard(), copy=np.full(120, 1))
    # On the second line, anger and calm have changed places.
    names = {"anger": "neutral", "neutral": "anger", "happiness": "happiness"}
    changed = np.array([names[one] for one in first.emotion])
    second = replace(first, emotion=changed, copy=np.full(120, 2))

    networks = fit_networks(joined([first, second]), QUICK)

    told = [
        auc(alone.weighed(first.steps).astype(np.float64), first.angry)
        for alone in (replace(networks, members=(one,)) for one in networks.members)
    ]
    assert told[0] > 0.95
    assert told[1] < 0.1


def test_fewer_windows_than_a_batch_are_one_batch() -> None:
    assert len(fit_networks(heard(n=9), QUICK).members) == 2
