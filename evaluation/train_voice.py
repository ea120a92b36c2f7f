"""`python -m evaluation train_voice`: train a voice head from labelled recordings.

The calibration and the figures come from speakers that heads, trained five times over,
had not heard; the head that is written is trained on all.
"""

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.report import Figure, Report
from models.voice_corpus import NEUTRAL, Heard, Hearing, joined, listen
from models.voice_features import fingerprint
from models.voice_head import Card
from models.voice_scores import auc, calibration_error, of_recordings
from models.voice_training import Recipe, calibration, fit, held_out_logits
from models.whisper_weights import load_whisper

BLOCKS = (1, 2)


@dataclass(frozen=True, slots=True)
class WeightSet:
    """A set of weights that this project gives away.

    Attributes:
        corpora: what it is trained on.
        licence: SPDX expression of the weights.
        version: of the weights, ascending.
        clean: corpora that are heard over clean lines only, so that training takes
            less than an hour; what bad lines change is learned from the others.
    """

    corpora: tuple[str, ...]
    licence: str
    version: str
    clean: tuple[str, ...] = ()


SETS = {
    "permissive": WeightSet(("banglaser",), "CC-BY-4.0", "6"),
    "research": WeightSet(
        ("banglaser", "nemo", "ravdess"),
        "CC-BY-NC-SA-4.0",
        "2",
        clean=("nemo", "ravdess"),
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder with manifest.csv: path, corpus, speaker, emotion",
    )
    parser.add_argument(
        "--set",
        choices=sorted(SETS),
        default="permissive",
        help="which of the project's sets of weights (default: %(default)s)",
    )
    parser.add_argument(
        "--corpora",
        nargs="+",
        metavar="NAME",
        help="train on these corpora of the manifest instead of the set's",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.npz")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--copies", type=int, default=Hearing().copies)
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
    # One thread: sums in another order would give other weights.
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _run(args)
    finally:
        torch.set_num_threads(n_threads)


def _run(args: argparse.Namespace) -> Report:
    chosen = SETS[args.set]
    recipe = Recipe(seed=args.seed)
    hearing = Hearing(copies=args.copies, seed=args.seed)
    encoder = load_whisper().encoder
    corpora = args.corpora or chosen.corpora
    heard = joined(
        [
            listen(
                args.data,
                [corpus],
                encoder,
                BLOCKS,
                replace(hearing, copies=0) if corpus in chosen.clean else hearing,
                args.cache,
            )
            for corpus in sorted(corpora)
        ]
    )
    # With several corpora the hardest test is one that none of them resembles.
    groups = heard.corpus if len(set(corpora)) > 1 else heard.speaker
    card = Card(
        name=f"voice-{args.set}",
        version=chosen.version,
        licence=chosen.licence,
        trained_on=tuple(sorted(corpora)),
        encoder=fingerprint(encoder),
        blocks=BLOCKS,
        angry_share=recipe.angry_share,
    )
    held_out = held_out_logits(heard, card, recipe, groups)
    slope, offset = calibration(held_out, heard.angry, recipe.angry_share)
    head = replace(fit(heard, card, recipe), slope=slope, offset=offset)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    head.save(args.out)
    return Report(
        "train_voice",
        args.data.resolve().name,
        _figures(slope * held_out + offset, heard, recipe.angry_share)
        + _of_corpora(held_out, heard, recipe.angry_share),
        [
            f"wrote {args.out.name}, {args.out.stat().st_size / 1024:.0f} KiB",
            f"hearing: {json.dumps(asdict(hearing))}",
            f"recipe: {json.dumps(asdict(recipe))}",
            "ece: with anger weighed to the share that the probabilities expect",
            "held out: speakers; where there are several corpora, whole corpora",
            "a corpus: its recordings over clean lines, calibrated on the others",
        ],
    )


def _figures(
    logits: NDArray[np.float64], heard: Heard, angry_share: float
) -> list[Figure]:
    probability = 1 / (1 + np.exp(-logits))
    neutral = heard.angry | (heard.emotion == NEUTRAL)
    error = calibration_error(probability, heard.angry, angry_share)
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


def _of_corpora(
    logits: NDArray[np.float64], heard: Heard, angry_share: float
) -> list[Figure]:
    """Return the figures of each corpus, from heads that did not hear it."""
    figures: list[Figure] = []
    names = np.unique(heard.corpus)
    for name in names if len(names) > 1 else []:
        others = heard.corpus != name
        slope, offset = calibration(logits[others], heard.angry[others], angry_share)
        chosen = (heard.corpus == name) & (heard.copy == 0)
        corpus, calibrated = heard.only(chosen), slope * logits[chosen] + offset
        score = of_recordings(calibrated, corpus.recording)
        _, first = np.unique(corpus.recording, return_index=True)
        angry, emotion = corpus.angry[first], corpus.emotion[first]
        neutral = angry | (emotion == NEUTRAL)
        ranked = auc(score, angry), auc(score[neutral], angry[neutral])
        error = calibration_error(
            1 / (1 + np.exp(-calibrated)), corpus.angry, angry_share
        )
        found = (
            ("auc_vs_all", ranked[0]),
            ("auc_vs_neutral", ranked[1]),
            ("ece", error),
        )
        figures += [
            Figure(f"train_voice.{name}.{kind}", value, "ratio")
            for kind, value in found
        ]
    return figures


def main() -> None:
    """Run outside the common command line."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.train_voice")
    add_arguments(parser)
    print(run(parser.parse_args()).to_table())


if __name__ == "__main__":
    main()
