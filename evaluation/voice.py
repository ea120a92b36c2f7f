"""`python -m evaluation voice`: how well anger is heard, at telephone quality.

It runs the very reader of the live service. Each recording is trimmed to its speech,
brought to one level, sent over an 8 kHz mu-law line and cut into windows as long and
as far apart as those of a live call; its score is the mean of its readings' log-odds.
"""

import argparse
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from audio.frame import RATE, CustomerWindow
from evaluation.interval import bootstrap
from evaluation.report import Figure, Report
from models.errors import DataError
from models.manifest import read_manifest
from models.ports import VoiceReader
from models.voice import PERMISSIVE, load_voice_reader
from models.voice_audio import read_mono, telephone, trimmed
from models.voice_corpus import (
    ANGER,
    COLUMNS,
    NEUTRAL,
    emotion_of,
    sex_of,
    windows,
)
from models.voice_head import load_head
from models.voice_scores import THRESHOLD, auc, calibration_error

_N_TIMED = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder with manifest.csv: path, corpus, speaker, emotion, [gender]",
    )
    parser.add_argument(
        "--weights",
        type=Path,
        default=PERMISSIVE,
        metavar="FILE",
        help="voice weights to measure instead of the default ones",
    )
    parser.add_argument(
        "--corpora",
        nargs="+",
        metavar="NAME",
        help="measure these corpora of the manifest only",
    )


@dataclass(frozen=True, slots=True)
class Scored:
    """One recording after the reader heard it.

    Attributes:
        speaker: who speaks.
        angry: labelled as anger.
        neutral: labelled as neutral.
        sex: ``female``, ``male``, or empty when the manifest does not say.
        readings: probability of anger of each window.
    """

    speaker: str
    angry: bool
    neutral: bool
    sex: str
    readings: tuple[float, ...]

    @property
    def score(self) -> float:
        """Mean of the readings' log-odds."""
        p = np.clip(self.readings, 1e-4, 1 - 1e-4)
        return float(np.mean(np.log(p / (1 - p))))


def run(args: argparse.Namespace) -> Report:
    """Measure every corpus of a manifest.

    Raises:
        DataError: the manifest, a column, a corpus or a recording is missing or
            unreadable.
        WeightsError: the weights are missing or corrupted.
    """
    rows = read_manifest(args.data, COLUMNS)
    present = {row["corpus"] for row in rows}
    if missing := sorted(set(args.corpora or ()) - present):
        raise DataError(
            f"manifest.csv has no corpus {', '.join(missing)}; it has "
            f"{', '.join(sorted(present))}"
        )
    reader = load_voice_reader(args.weights)
    share = load_head(args.weights).card.angry_share or None
    corpora: dict[str, list[Scored]] = {}
    labels: dict[str, set[str]] = {}
    for row in rows:
        if args.corpora is None or row["corpus"] in args.corpora:
            pcm = read_mono(args.data / row["path"])
            corpora.setdefault(row["corpus"], []).append(_scored(row, pcm, reader))
            labels.setdefault(row["corpus"], set()).add(emotion_of(row))
    figures: list[Figure] = []
    notes = [
        f"weights: {reader.model}; 8 kHz mu-law, level-normalised, windows as live",
        "acted speech is not a call centre",
    ]
    for corpus, recordings in sorted(corpora.items()):
        found, said = measure(corpus, recordings, share)
        figures += found
        notes += said
        if said:
            notes.append(
                f"labels of {corpus}: {', '.join(sorted(labels[corpus]))}; looked for "
                f"are {ANGER} (or angry) and {NEUTRAL}"
            )
    figures.append(Figure("voice.reading_s", seconds_per_reading(reader), "s"))
    return Report("voice", args.data.resolve().name, figures, notes)


def _scored(
    row: dict[str, str], pcm: NDArray[np.float32], reader: VoiceReader
) -> Scored:
    emotion = emotion_of(row)
    readings = tuple(
        reader.read(window).anger for window in windows(telephone(trimmed(pcm)))
    )
    return Scored(
        speaker=row["speaker"],
        angry=emotion == ANGER,
        neutral=emotion == NEUTRAL,
        sex=sex_of(row),
        readings=readings,
    )


def measure(
    corpus: str, recordings: Sequence[Scored], share: float | None = None
) -> tuple[list[Figure], list[str]]:
    """Return the figures of one corpus, and notes on those that cannot be had.

    Args:
        corpus: its name.
        recordings: all of its recordings.
        share: of anger that the reader's probabilities were calibrated at.
    """
    prefix = "voice." + re.sub(r"\W+", "_", corpus.strip().lower())
    figures: list[Figure] = []
    notes: list[str] = []
    sexes = sorted({recording.sex for recording in recordings} - {""})
    groups = [(prefix, list(recordings))]
    groups += [
        (f"{prefix}.{sex}", [one for one in recordings if one.sex == sex])
        for sex in sexes
    ]
    for name, group in groups:
        neutral = [one for one in group if one.angry or one.neutral]
        for kind, chosen in (("auc_vs_all", group), ("auc_vs_neutral", neutral)):
            if len({one.angry for one in chosen}) > 1:
                figures.append(_auc_figure(f"{name}.{kind}", chosen))
            else:
                notes.append(f"{name}.{kind} needs angry and other recordings")
    figures += _calibration(prefix, recordings, share)
    return figures, notes


def _auc_figure(name: str, recordings: Sequence[Scored]) -> Figure:
    scores = np.array([one.score for one in recordings])
    angry = np.array([one.angry for one in recordings])
    speakers = np.array([one.speaker for one in recordings])
    of_speaker = [
        np.flatnonzero(speakers == speaker) for speaker in np.unique(speakers)
    ]
    value = auc(scores, angry)
    if len(of_speaker) == 1:
        return Figure(name, value, "ratio")

    def drawn(speaker: NDArray[np.int64]) -> float:
        index = np.concatenate([of_speaker[i] for i in speaker])
        return auc(scores[index], angry[index])

    low, high = bootstrap(len(of_speaker), drawn)
    return Figure(name, value, "ratio", low, high)


def _calibration(
    prefix: str, recordings: Sequence[Scored], share: float | None
) -> list[Figure]:
    p = np.array([p for one in recordings for p in one.readings])
    angry = np.array([one.angry for one in recordings for _ in one.readings])
    neutral = np.array([one.neutral for one in recordings for _ in one.readings])
    figures = [Figure(f"{prefix}.ece", calibration_error(p, angry), "ratio")]
    if share is not None:
        error = calibration_error(p, angry, share)
        figures.append(Figure(f"{prefix}.ece_same_share", error, "ratio"))
    groups = (("caught", angry), ("flagged", ~angry), ("flagged_neutral", neutral))
    for name, group in groups:
        if group.any():
            share = float((p[group] >= THRESHOLD).mean())
            figures.append(Figure(f"{prefix}.{name}", share, "ratio"))
    return figures


def seconds_per_reading(reader: VoiceReader) -> float:
    """Return the median time to read a window of 3 s on one core."""
    noise = np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)
    window = CustomerWindow(noise * np.float32(0.05), 0)
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        taken_s = []
        for _ in range(_N_TIMED):
            began_s = time.perf_counter()
            reader.read(window)
            taken_s.append(time.perf_counter() - began_s)
    finally:
        torch.set_num_threads(n_threads)
    return float(np.median(taken_s))
