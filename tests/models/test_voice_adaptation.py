from dataclasses import replace

import numpy as np
import pytest

from models.errors import DataError
from models.voice_adaptation import PENALTIES, adapt, scores
from models.voice_corpus import Heard, apart
from models.voice_head import Card, VoiceHead

pytestmark = pytest.mark.unit

N_FEATURES = 8


def head() -> VoiceHead:
    """Hears anger in the first feature, and is far too sure of it."""
    return VoiceHead(
        card=Card("voice-test", "1", "CC0-1.0", ("made-up",), "0" * 16, (1,)),
        centre=np.zeros(N_FEATURES, np.float32),
        scale=np.ones(N_FEATURES, np.float32),
        weight=np.eye(N_FEATURES, dtype=np.float32)[0],
        hidden=np.zeros((1, N_FEATURES), np.float16),
        hidden_bias=np.zeros(1, np.float32),
        output=np.zeros(1, np.float32),
        bias=0.0,
        slope=8.0,
        offset=3.0,
    )


def heard(told_by: int, n_speakers: int = 12, per_speaker: int = 40) -> Heard:
    """Speech whose anger is told by one feature, with doubt."""
    draw = np.random.default_rng(told_by)
    n = n_speakers * per_speaker
    angry = np.arange(n) % 4 == 0
    features = draw.normal(size=(n, N_FEATURES)).astype(np.float32)
    features[:, told_by] += 2 * angry
    return Heard(
        features=features,
        steps=apart([np.zeros((1, 1), np.float16)] * n),
        emotion=np.where(angry, "anger", "neutral"),
        speaker=np.array([f"s{i // per_speaker}" for i in range(n)]),
        corpus=np.full(n, "own"),
        recording=np.arange(n),
        copy=np.zeros(n, np.int64),
    )


def test_calls_that_sound_otherwise_are_learned() -> None:
    adapted = adapt(head(), heard(told_by=3), angry_share=0.25, seed=0)

    assert adapted.before.auc_vs_all < 0.6
    assert adapted.after.auc_vs_all > 0.85
    assert adapted.penalty < PENALTIES[-1]


def test_a_head_that_ranks_well_is_only_calibrated() -> None:
    adapted = adapt(head(), heard(told_by=0, per_speaker=80), 0.25, seed=0)

    assert adapted.after.auc_vs_all == pytest.approx(
        adapted.before.auc_vs_all, abs=0.05
    )
    assert adapted.before.calibration_error > 0.2
    assert adapted.after.calibration_error < 0.12


def test_the_table_is_about_speakers_that_were_not_learned_from() -> None:
    speech = heard(told_by=0)

    adapted = adapt(head(), speech, 0.25, seed=0)

    assert len(adapted.speakers) == 3
    assert adapted.n_recordings == 3 * 40
    chosen = np.isin(speech.speaker, adapted.speakers)
    assert adapted.before == scores(head(), speech.only(chosen))


def test_the_seed_decides_who_is_held_out_and_nothing_else_is_left_to_chance() -> None:
    first, again, other = (
        adapt(head(), heard(told_by=3), 0.25, seed=seed) for seed in (0, 0, 1)
    )

    assert np.array_equal(first.head.weight, again.head.weight)
    assert first.after == again.after
    assert first.speakers != other.speakers


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_probabilities_expect_the_share_of_anger_that_was_asked_for(
    share: float,
) -> None:
    adapted = adapt(head(), heard(told_by=0), share, seed=0)

    speech = heard(told_by=0)
    p = 1 / (1 + np.exp(-adapted.head.logits(speech.features, speech.steps)))
    mean = share * p[speech.angry].mean() + (1 - share) * p[~speech.angry].mean()
    assert mean == pytest.approx(share, abs=0.02)


def test_a_head_that_hears_the_opposite_is_put_right() -> None:
    upside_down = replace(head(), weight=-head().weight)

    adapted = adapt(upside_down, heard(told_by=0), 0.25, seed=0)

    assert adapted.before.auc_vs_all < 0.3
    assert adapted.after.auc_vs_all > 0.8


@pytest.mark.parametrize("n_speakers", [1])
def test_too_few_speakers_are_told(n_speakers: int) -> None:
    with pytest.raises(DataError, match="at least two speakers"):
        adapt(head(), heard(0, n_speakers), 0.25, seed=0)
