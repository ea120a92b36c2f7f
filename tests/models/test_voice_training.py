from dataclasses import replace

import numpy as np
import pytest

from models.voice_corpus import Heard, apart
from models.voice_head import Card
from models.voice_steps_training import StepsRecipe
from models.voice_training import (
    N_FOLDS,
    Recipe,
    calibration,
    discriminant,
    fit,
    folds,
    held_out_logits,
)

pytestmark = pytest.mark.unit

CARD = Card(
    name="voice-test",
    version="1",
    licence="CC0-1.0",
    trained_on=("made-up",),
    encoder="0123456789abcdef",
    blocks=(1, 2),
)
NO_STEPS = StepsRecipe(members=0)
QUICK = Recipe(
    hidden=8, epochs=20, batch=32, members=1, learning_rate=0.02, steps=NO_STEPS
)
STEPS = StepsRecipe(
    members=1, channels=6, attention=4, hidden=8, epochs=8, learning_rate=0.03
)
N_STATE = 6


def heard(seed: int = 0) -> Heard:
    """Four speakers; anger is in the last block's mean only, neutral in the first.

    The features are in the order of `Sound.pooled`.
    """
    draw = np.random.default_rng(seed)
    emotion = np.repeat(["anger", "happiness", "neutral"], 80)
    features = draw.normal(size=(len(emotion), 3 * N_STATE)).astype(np.float32)
    features[emotion == "neutral", 0] += 4
    features[emotion == "anger", 2 * N_STATE + 1] += 4
    return Heard(
        features=features,
        steps=apart([draw.normal(size=(4, 3)).astype(np.float16) for _ in emotion]),
        emotion=emotion,
        speaker=np.array([f"s{i % 4}" for i in range(len(emotion))]),
        corpus=np.full(len(emotion), "made-up"),
        recording=np.arange(len(emotion)) // 2,
        copy=np.arange(len(emotion)) % 2,
    )


def test_anger_is_told_from_neutral_and_from_other_excitement() -> None:
    head = fit(heard(), CARD, QUICK)

    unseen = heard(seed=1)
    logits = head.logits(unseen.features, unseen.steps)

    angry = np.median(logits[unseen.angry])
    assert angry > np.median(logits[unseen.emotion == "happiness"]) + 1
    assert angry > np.median(logits[unseen.emotion == "neutral"]) + 1


def test_each_part_of_the_head_hears_its_own_features() -> None:
    linear = fit(heard(), CARD, replace(QUICK, discriminant_share=0.0))
    discriminant = fit(heard(), CARD, replace(QUICK, linear_share=0.0))

    assert linear.weight[:N_STATE].any()
    assert not linear.weight[N_STATE:].any()
    assert not discriminant.weight[:N_STATE].any()
    assert discriminant.weight[N_STATE:].all()
    assert linear.hidden.shape == (QUICK.hidden, N_STATE)


def test_anger_that_is_only_in_how_much_a_voice_varies_is_heard() -> None:
    speech = heard()
    speech.features[:, 2 * N_STATE + 1] = speech.features[:, 2 * N_STATE + 2]
    speech.features[speech.angry, N_STATE] += 3

    logits = fit(speech, CARD, QUICK).logits(speech.features, ())

    assert np.median(logits[speech.angry]) > np.median(logits[~speech.angry]) + 0.5


def test_anger_that_is_only_in_a_few_steps_is_heard() -> None:
    speech = heard()
    speech.features[:, 2 * N_STATE + 1] = speech.features[:, 2 * N_STATE + 2]
    for window in speech.steps[speech.angry]:
        window[2, 1] += 6

    head = fit(speech, CARD, replace(QUICK, steps=STEPS))

    logits = head.logits(speech.features, speech.steps)
    assert np.median(logits[speech.angry]) > np.median(logits[~speech.angry]) + 0.5


def test_the_discriminant_looks_where_the_means_lie_apart_and_little_varies() -> None:
    draw = np.random.default_rng(2)
    angry = np.arange(2000) % 2 == 1
    x = draw.normal(size=(2000, 3)).astype(np.float32)
    x[:, 0] *= 0.1
    x[angry, :2] += 0.5

    direction, middle = discriminant(x, angry, np.ones(2000), shrinkage=0.0)

    assert float(direction[0]) > 20 * float(direction[1]) > 0
    assert middle == pytest.approx(0.25 * float(direction[:2].sum()), rel=0.1)
    rounder, _ = discriminant(x, angry, np.ones(2000), shrinkage=1.0)
    assert float(rounder[0]) == pytest.approx(float(rounder[1]), rel=0.1)


def test_networks_are_averaged_not_added() -> None:
    one = fit(heard(), CARD, replace(QUICK, linear_share=0.0))
    three = fit(heard(), CARD, replace(QUICK, linear_share=0.0, members=3))

    assert three.hidden.shape == (3 * QUICK.hidden, N_STATE)
    spread = [np.std(head.logits(heard().features, ())) for head in (one, three)]
    assert spread[1] == pytest.approx(spread[0], rel=0.1)


def test_the_same_seed_gives_the_same_head_and_another_seed_another() -> None:
    first, again = (fit(heard(), CARD, QUICK) for _ in range(2))
    other = fit(heard(), CARD, replace(QUICK, seed=1))

    assert np.array_equal(first.hidden, again.hidden)
    assert np.array_equal(first.weight, again.weight)
    assert (first.bias, first.hidden_bias[0]) == (again.bias, again.hidden_bias[0])
    assert not np.array_equal(first.hidden, other.hidden)


def test_a_speaker_is_judged_by_heads_that_never_heard_them() -> None:
    speech = heard()
    # One speaker whose anger sounds as nobody else's: it cannot be known beforehand.
    odd = speech.speaker == "s0"
    features = speech.features.copy()
    features[odd, 2 * N_STATE + 1] = -4 * speech.angry[odd]
    speech = replace(speech, features=features)

    logits = held_out_logits(speech, CARD, QUICK, speech.speaker)

    missed = logits[odd & speech.angry].mean() < logits[odd & ~speech.angry].mean()
    known = logits[~odd & speech.angry].mean() > logits[~odd & ~speech.angry].mean()
    assert missed
    assert known


@pytest.mark.parametrize("n_groups", [2, 4, 5, 12])
def test_folds_keep_groups_whole_and_hold_everything_out_once(n_groups: int) -> None:
    groups = np.array([f"g{i % n_groups}" for i in range(60)])

    parts = list(folds(groups))

    assert len(parts) == min(N_FOLDS, n_groups)
    assert np.array_equal(np.sum(parts, axis=0), np.ones(60))
    for name in np.unique(groups):
        assert sum(part[groups == name].any() for part in parts) == 1


def test_calibration_makes_boastful_logits_honest() -> None:
    draw = np.random.default_rng(1)
    honest = draw.normal(0, 1.5, 4000)
    angry = draw.random(4000) < 1 / (1 + np.exp(-honest))

    slope, offset = calibration(5 * honest + 3, angry, float(angry.mean()))

    assert slope == pytest.approx(1 / 5, rel=0.1)
    assert offset == pytest.approx(-3 / 5, abs=0.1)


def test_a_calibration_for_less_anger_is_lower_by_the_odds() -> None:
    draw = np.random.default_rng(1)
    logits = draw.normal(0, 1.5, 4000)
    angry = draw.random(4000) < 1 / (1 + np.exp(-logits))

    half, fifth = (calibration(logits, angry, share)[1] for share in (0.5, 0.2))

    assert fifth - half == pytest.approx(np.log(0.2 / 0.8), abs=0.1)
