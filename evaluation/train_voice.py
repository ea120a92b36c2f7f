"""`python -m evaluation train_voice`: train a voice head from labelled recordings.

Every recording is heard several times: once over a clean telephone line, then in
pieces over bad ones. What the encoder makes of it is cached in a temporary folder. The
calibration and the figures come from speakers that the head, trained five times over,
had not heard; the head that is written is trained on all.
"""

import argparse
import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from whisper.model import AudioEncoder

from evaluation.manifest import DataError, read_manifest
from evaluation.report import Figure, Report
from evaluation.voice import COLUMNS, auc, calibration_error, emotion_of, windows
from evaluation.voice_audio import (
    Troubles,
    read_mono,
    telephone,
    trimmed,
    troubled,
)
from models.voice_features import fingerprint, pooled
from models.voice_head import Card, VoiceHead
from models.whisper_weights import load_whisper

_CACHE_VERSION = 1
_N_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a head is trained.

    Attributes:
        blocks: after which blocks of the encoder the output is taken.
        copies: how often each recording is heard over a bad line.
        penalty: strength of the weights' penalty; scikit-learn's C is its inverse.
        neutral_factor: how many times a neutral recording counts.
        seed: decides everything that is left to chance.
        troubles: what may happen on a bad line.
    """

    blocks: tuple[int, ...] = (1,)
    copies: int = 2
    penalty: float = 100.0
    neutral_factor: float = 12.0
    seed: int = 0
    troubles: Troubles = field(default_factory=Troubles)


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What the encoder made of a corpus: a row for each window.

    Attributes:
        features: float32, shape ``(n_windows, n_features)``.
        angry: bool, shape ``(n_windows,)``.
        emotion: label of each window.
        speaker: name of each window's speaker.
    """

    features: NDArray[np.float32]
    angry: NDArray[np.bool_]
    emotion: NDArray[np.str_]
    speaker: NDArray[np.str_]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    defaults = Recipe()
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder with manifest.csv: path, corpus, speaker, emotion",
    )
    parser.add_argument("--corpora", nargs="+", required=True, metavar="NAME")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.npz")
    parser.add_argument("--name", default="voice-permissive")
    parser.add_argument("--version", default="2")
    parser.add_argument("--licence", default="CC-BY-4.0", help="of the weights")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--copies", type=int, default=defaults.copies)
    parser.add_argument("--blocks", type=int, nargs="+", default=defaults.blocks)
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "calmline-voice",
        metavar="DIR",
        help="where the encoder's output is kept between runs",
    )


def run(args: argparse.Namespace) -> Report:
    """Train, write the head, and report on speakers that were held out.

    Raises:
        DataError: the manifest or a recording is not what is needed.
        WeightsError: Whisper's weights are missing or corrupted.
    """
    recipe = Recipe(
        blocks=tuple(sorted(args.blocks)), copies=args.copies, seed=args.seed
    )
    encoder = load_whisper().encoder
    heard = listen(args.data, args.corpora, encoder, recipe, args.cache)
    card = Card(
        name=args.name,
        version=args.version,
        licence=args.licence,
        trained_on=tuple(sorted(args.corpora)),
        encoder=fingerprint(encoder),
        blocks=recipe.blocks,
    )
    held_out = held_out_logits(heard, card, recipe)
    slope, offset = calibration(held_out, heard.angry)
    head = replace(fit(heard, card, recipe), slope=slope, offset=offset)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    head.save(args.out)
    return Report(
        "train_voice",
        args.data.resolve().name,
        _figures(slope * held_out + offset, heard),
        [
            f"wrote {args.out.name}, {args.out.stat().st_size / 1024:.0f} KiB",
            f"recipe: {json.dumps(asdict(recipe))}",
            "speakers held out, windows of clean and bad lines together",
        ],
    )


def listen(
    folder: Path,
    corpora: Sequence[str],
    encoder: AudioEncoder,
    recipe: Recipe,
    cache: Path,
) -> Heard:
    """Run the encoder over the chosen corpora, or take it from the cache.

    Raises:
        DataError: a corpus is not in the manifest, or lacks angry or other speech.
    """
    rows = read_manifest(folder, COLUMNS)
    if missing := set(corpora) - {row["corpus"] for row in rows}:
        raise DataError(f"manifest.csv has no corpus {', '.join(sorted(missing))}")
    rows = [row for row in rows if row["corpus"] in corpora]
    emotions = np.array([emotion_of(row) for row in rows])
    if len(set(emotions == "anger")) == 1:
        raise DataError("training needs recordings with and without the label anger")
    features, owner = _features(folder, rows, encoder, recipe, cache)
    emotion = emotions[owner]
    speaker = np.array([row["speaker"] for row in rows])[owner]
    return Heard(features, emotion == "anger", emotion, speaker)


def _features(
    folder: Path,
    rows: Sequence[dict[str, str]],
    encoder: AudioEncoder,
    recipe: Recipe,
    cache: Path,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    sizes = [(row["path"], (folder / row["path"]).stat().st_size) for row in rows]
    heard_by = [recipe.blocks, recipe.copies, recipe.seed, asdict(recipe.troubles)]
    key = json.dumps([_CACHE_VERSION, fingerprint(encoder), heard_by, sizes])
    file = cache / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
    if not file.is_file():
        features: list[NDArray[np.float32]] = []
        owner: list[int] = []
        for index, row in enumerate(rows):
            draw = np.random.default_rng([recipe.seed, index])
            for pcm in _heard(read_mono(folder / row["path"]), recipe, draw):
                features.append(pooled(encoder, pcm, recipe.blocks))
                owner.append(index)
        cache.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part.npz")
        np.savez(part, features=np.array(features), owner=np.array(owner))
        part.replace(file)
    with np.load(file, allow_pickle=False) as archive:
        return archive["features"], archive["owner"]


def _heard(
    pcm: NDArray[np.float32], recipe: Recipe, draw: np.random.Generator
) -> Iterator[NDArray[np.float32]]:
    pcm = trimmed(pcm)
    for window in windows(telephone(pcm)):
        yield window.pcm
    for _ in range(recipe.copies):
        yield troubled(pcm, draw, recipe.troubles)


def fit(heard: Heard, card: Card, recipe: Recipe) -> VoiceHead:
    """Train a head, not calibrated yet.

    Angry and other speech weigh the same; among the other emotions each weighs the
    same, but neutral, which is what a call mostly is, weighs more.
    """
    centre = heard.features.mean(axis=0)
    scale = heard.features.std(axis=0) + np.float32(1e-6)
    model = LogisticRegression(C=1 / recipe.penalty, max_iter=500)
    model.fit(
        (heard.features - centre) / scale, heard.angry, _sample_weight(heard, recipe)
    )
    return VoiceHead(
        card=card,
        centre=centre,
        scale=scale,
        weight=model.coef_[0].astype(np.float32),
        bias=float(model.intercept_[0]),
        slope=1.0,
        offset=0.0,
    )


def _sample_weight(heard: Heard, recipe: Recipe) -> NDArray[np.float64]:
    weight = np.ones(len(heard.angry))
    for emotion in np.unique(heard.emotion):
        weight[heard.emotion == emotion] /= (heard.emotion == emotion).sum()
    weight[heard.emotion == "neutral"] *= recipe.neutral_factor
    for angry in (True, False):
        weight[heard.angry == angry] /= weight[heard.angry == angry].sum()
    return weight * len(weight) / 2


def held_out_logits(heard: Heard, card: Card, recipe: Recipe) -> NDArray[np.float64]:
    """Return a logit for each window, from heads that never heard its speaker."""
    logits = np.zeros(len(heard.angry))
    n_folds = min(_N_FOLDS, len(np.unique(heard.speaker)))
    folds = GroupKFold(n_folds).split(heard.features, groups=heard.speaker)
    for train, test in folds:
        part = Heard(
            heard.features[train],
            heard.angry[train],
            heard.emotion[train],
            heard.speaker[train],
        )
        head = fit(part, card, recipe)
        logits[test] = [head.logit(row) for row in heard.features[test]]
    return logits


def calibration(
    logits: NDArray[np.float64], angry: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return slope and offset that make logits of unheard speakers honest.

    Source: Platt (1999), Probabilistic Outputs for Support Vector Machines.
    """
    model = LogisticRegression(C=1e6).fit(logits[:, None], angry)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def _figures(logits: NDArray[np.float64], heard: Heard) -> list[Figure]:
    probability = 1 / (1 + np.exp(-logits))
    neutral = heard.angry | (heard.emotion == "neutral")
    error = calibration_error(probability, heard.angry)
    return [
        Figure("train_voice.windows", len(logits), "count"),
        Figure("train_voice.auc_vs_all", auc(logits, heard.angry), "ratio"),
        Figure(
            "train_voice.auc_vs_neutral",
            auc(logits[neutral], heard.angry[neutral]),
            "ratio",
        ),
        Figure("train_voice.ece", error, "ratio"),
    ]


def main() -> None:
    """Run outside the common command line."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.train_voice")
    add_arguments(parser)
    print(run(parser.parse_args()).to_table())


if __name__ == "__main__":
    main()
