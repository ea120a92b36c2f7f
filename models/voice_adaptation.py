"""Fits a voice head to a company's own calls, without unlearning what it knows.

The head's answer is kept as one feature beside those of the encoder. How far the fit
may go from the head is chosen on speakers held out; with few recordings that is not
far: then little more than the calibration changes.
"""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.errors import DataError
from models.voice_corpus import NEUTRAL, Heard, Hearing, listen
from models.voice_head import VoiceHead, check_encoder
from models.voice_scores import (
    THRESHOLD,
    auc,
    calibration_error,
    of_recordings,
    share_weights,
)
from models.voice_training import folds, logistic
from models.whisper_weights import load_whisper

COPIES = 2
"""How often a recording is heard over a bad line, besides once over a clean one."""

PENALTIES = (1e2, 1e3, 1e4, 1e6)
"""How far a fit may go from the head it starts from; the last one is hardly at all."""

_CALIBRATION_PENALTY = 1e-3


@dataclass(frozen=True, slots=True)
class Scores:
    """What a head is worth on some recordings; NaN where there is nothing to rank.

    Attributes:
        auc_vs_all: anger against everything else, recordings.
        auc_vs_neutral: anger against neutral, recordings.
        calibration_error: of the readings' probabilities.
        caught: share of the angry readings that pass one half.
        flagged: share of the other readings that pass one half.
    """

    auc_vs_all: float
    auc_vs_neutral: float
    calibration_error: float
    caught: float
    flagged: float


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """A head fitted to own calls, and what that brought.

    Attributes:
        head: fitted on all of the recordings.
        penalty: how far it was allowed to go.
        speakers: those that were held out for the table.
        n_recordings: how many recordings of them there are.
        before: the head it started from, on the speakers held out.
        after: a head fitted without them, on them.
    """

    head: VoiceHead
    penalty: float
    speakers: tuple[str, ...]
    n_recordings: int
    before: Scores
    after: Scores


def adapt_to(folder: Path, head: VoiceHead, angry_share: float, seed: int) -> Adapted:
    """Fit a head to a folder of recordings with `manifest.csv`.

    What the encoder makes of them is forgotten afterwards: it is somebody's voice.

    Raises:
        DataError: the manifest or a recording is not what is needed, or there are
            too few speakers.
        WeightsError: Whisper's weights are missing, or the head is not for them.
    """
    encoder = load_whisper().encoder
    check_encoder(encoder, head)
    with tempfile.TemporaryDirectory(prefix="calmline-") as cache:
        heard = listen(
            folder, (), encoder, head.card.blocks, Hearing(COPIES, seed), Path(cache)
        )
    adapted = adapt(head, heard, angry_share, seed)
    trained_on = {*head.card.trained_on, *np.unique(heard.corpus).tolist()}
    card = replace(
        head.card, trained_on=tuple(sorted(trained_on)), angry_share=angry_share
    )
    return replace(adapted, head=replace(adapted.head, card=card))


def adapt(head: VoiceHead, heard: Heard, angry_share: float, seed: int) -> Adapted:
    """Fit a head to recordings, and measure on a quarter of the speakers.

    Args:
        head: to start from.
        heard: windows of the recordings, over clean lines and bad ones.
        angry_share: share of angry speech that the probabilities are to expect;
            samples are usually richer in anger than calls.
        seed: chooses the speakers who are held out.

    Raises:
        DataError: there are too few speakers to train and to measure.
    """
    held_out = _held_out(heard, seed)
    train, test = heard.only(~held_out), heard.only(held_out & (heard.copy == 0))
    penalty = _penalty(head, train, angry_share)
    fitted = _fitted(head, train, angry_share, penalty)
    return Adapted(
        head=_fitted(head, heard, angry_share, penalty),
        penalty=penalty,
        speakers=tuple(np.unique(test.speaker).tolist()),
        n_recordings=len(np.unique(test.recording)),
        before=scores(head, test),
        after=scores(fitted, test),
    )


def scores(head: VoiceHead, heard: Heard) -> Scores:
    """Measure a head on windows; recordings score the mean of their log-odds."""
    logits = head.logits(heard.features, heard.steps)
    probability = 1 / (1 + np.exp(-logits))
    score = of_recordings(logits, heard.recording)
    _, first = np.unique(heard.recording, return_index=True)
    angry, neutral = heard.angry[first], heard.emotion[first] == NEUTRAL
    passes = probability >= THRESHOLD
    return Scores(
        auc_vs_all=auc(score, angry),
        auc_vs_neutral=auc(score[angry | neutral], angry[angry | neutral]),
        calibration_error=calibration_error(probability, heard.angry),
        caught=float(passes[heard.angry].mean()),
        flagged=float(passes[~heard.angry].mean()),
    )


def _held_out(heard: Heard, seed: int) -> NDArray[np.bool_]:
    """Choose a quarter of the speakers, so that both parts hold both kinds."""
    speakers = np.unique(heard.speaker)
    draw = np.random.default_rng(seed)
    for _ in range(100):
        drawn = draw.permutation(speakers)[: max(1, round(len(speakers) / 4))]
        chosen = np.isin(heard.speaker, drawn)
        kinds = [set(heard.angry[part].tolist()) for part in (chosen, ~chosen)]
        if all(len(kind) > 1 for kind in kinds):
            return chosen
    raise DataError(
        "training needs angry and other recordings of at least two speakers, one of "
        f"them to measure with; the manifest has {len(speakers)} speakers"
    )


def _penalty(head: VoiceHead, heard: Heard, angry_share: float) -> float:
    """Choose on speakers held out, by the likelihood of what they sound like."""
    return min(PENALTIES, key=lambda one: _loss(head, heard, angry_share, one))


def _loss(head: VoiceHead, heard: Heard, angry_share: float, penalty: float) -> float:
    weight = share_weights(heard.angry, angry_share)
    total = 0.0
    parts = list(folds(heard.speaker))
    if len(parts) == 1:
        return -penalty  # Nothing to choose by: stay as near to the head as can be.
    for part in parts:
        rest = heard.only(~part)
        if len(set(rest.angry.tolist())) == 1:
            continue
        fitted = _fitted(head, rest, angry_share, penalty)
        logits = fitted.logits(heard.features[part], heard.steps[part])
        right = np.where(heard.angry[part], logits, -logits)
        total += float((weight[part] * np.logaddexp(0, -right)).sum())
    return total


def _fitted(
    head: VoiceHead, heard: Heard, angry_share: float, penalty: float
) -> VoiceHead:
    """Fit slope, offset and a correction of the linear weights."""
    logits = head.logits(heard.features, heard.steps)
    features = np.column_stack([logits, head.standardised(heard.features)])
    penalties = np.full(features.shape[1], penalty)
    penalties[0] = _CALIBRATION_PENALTY
    model = logistic(
        torch.from_numpy(features).double(),
        torch.from_numpy(heard.angry),
        torch.from_numpy(share_weights(heard.angry, angry_share)),
        torch.from_numpy(penalties),
    )
    found = model.weight[0].detach().numpy()
    slope = float(found[0])
    factor = slope * head.slope
    return replace(
        head,
        weight=(factor * head.weight + found[1:]).astype(np.float32),
        output=(factor * head.output).astype(np.float32),
        networks=replace(head.networks, share=factor * head.networks.share),
        bias=factor * head.bias + slope * head.offset + model.bias.item(),
        slope=1.0,
        offset=0.0,
    )
