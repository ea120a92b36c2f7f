"""Recordings of single speakers, as the raw material of simulated calls."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from models.errors import DataError
from models.manifest import read_manifest

RATE = 8_000
"""Sampling rate in Hz of a telephone line, and of everything simulated."""

STEP_S = 0.01
STEP_SAMPLES = round(RATE * STEP_S)

_NOMINAL_DBFS = -26.0
_SPEECH_DROP_DB = 30.0
_LOUD_PERCENTILE = 95
_PAUSE_S = 0.3
"""A pause shorter than this belongs to the speech around it."""

_CLICK_S = 0.06
_FLOOR = 1e-10
_HELD_OUT_IN = 4
"""One speaker in so many is kept from training."""


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """One recording, trimmed to its speech and brought to one level.

    Attributes:
        pcm: float32, shape ``(n_steps * 80,)``, mono at 8 kHz.
        speech: bool, shape ``(n_steps,)``, True where a step of 10 ms holds speech.
        mood: emotion the recording is labelled with, or empty.
    """

    pcm: NDArray[np.float32]
    speech: NDArray[np.bool_]
    mood: str


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """All that is there of one speaker.

    Attributes:
        speaker: name in the data.
        corpus: where the recordings come from.
        gender: ``M``, ``F`` or empty.
        utterances: at least one.
    """

    speaker: str
    corpus: str
    gender: str
    utterances: tuple[Utterance, ...]


def is_held_out(speaker: str) -> bool:
    """Tell whether a speaker is kept from training; the same in every run."""
    return hashlib.sha256(speaker.encode()).digest()[0] % _HELD_OUT_IN == 0


def read_voices(folder: Path, corpora: Sequence[str] = ()) -> tuple[Voice, ...]:
    """Read a folder of recordings with a `manifest.csv`, grouped by speaker.

    Args:
        folder: manifest with ``path``, and ``corpus``, ``speaker``, ``gender``,
            ``emotion`` or ``source`` where it has them. LibriSpeech's and LJSpeech's
            speakers stand in their file names.
        corpora: only these; empty: all.

    Raises:
        DataError: the manifest or a recording cannot be read.
    """
    rows = read_manifest(folder, ("path",))
    by_speaker: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        corpus = row.get("corpus") or row.get("source", "").split(" ")[0]
        if corpora and corpus not in corpora:
            continue
        speaker = row.get("speaker") or f"{corpus}_{_speaker_in(row['path'])}"
        by_speaker.setdefault((corpus, speaker), []).append(row)
    if not by_speaker:
        raise DataError(f"manifest.csv has nothing of {', '.join(corpora)}")
    return tuple(
        Voice(
            speaker,
            corpus,
            rows[0].get("gender", ""),
            tuple(_read(folder / row["path"], row.get("emotion", "")) for row in rows),
        )
        for (corpus, speaker), rows in sorted(by_speaker.items())
    )


def sped_up(voice: Voice, factor: float) -> Voice:
    """Return a voice that speaks faster and higher by a factor: another speaker."""
    return Voice(
        voice.speaker,
        voice.corpus,
        voice.gender,
        tuple(
            utterance_of(
                soxr.resample(each.pcm, RATE * factor, RATE).astype(np.float32),
                each.mood,
            )
            for each in voice.utterances
        ),
    )


def utterance_of(pcm: NDArray[np.float32], mood: str) -> Utterance:
    """Trim a recording at 8 kHz to its speech and find the pauses within."""
    n_steps = len(pcm) // STEP_SAMPLES
    steps = pcm[: n_steps * STEP_SAMPLES].reshape(n_steps, STEP_SAMPLES)
    dbfs = 10 * np.log10(np.mean(np.square(steps), axis=1) + _FLOOR)
    loud = dbfs > np.percentile(dbfs, _LOUD_PERCENTILE) - _SPEECH_DROP_DB
    speech = without_short(loud, round(_CLICK_S / STEP_S))
    if not speech.any():
        speech = loud
    first, last = np.flatnonzero(speech)[[0, -1]]
    speech = ~without_short(~speech[first : last + 1], round(_PAUSE_S / STEP_S))
    gain = 10 ** ((_NOMINAL_DBFS - 10 * np.log10(_power(steps[loud]))) / 20)
    trimmed = steps[first : last + 1].reshape(-1) * gain
    return Utterance(trimmed.astype(np.float32), speech, mood)


def without_short(mask: NDArray[np.bool_], n_least: int) -> NDArray[np.bool_]:
    """Return the mask without its runs of fewer than `n_least` steps."""
    kept = np.zeros_like(mask)
    for start, end in runs(mask):
        if end - start >= n_least:
            kept[start:end] = True
    return kept


def runs(mask: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield start and end of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _power(pcm: NDArray[np.float32]) -> float:
    return float(np.mean(np.square(pcm))) + _FLOOR


def _read(path: Path, mood: str) -> Utterance:
    try:
        pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise DataError(f"{path.name} cannot be read as audio: {error}") from error
    if len(pcm) < rate * 10 * STEP_S or not np.isfinite(pcm).all():
        raise DataError(f"{path.name} must hold at least 0.1 s of finite samples")
    narrow = soxr.resample(pcm.mean(axis=1), rate, RATE)
    return utterance_of(narrow.astype(np.float32), mood)


def _speaker_in(path: str) -> str:
    return Path(path).stem.split("-")[0]
