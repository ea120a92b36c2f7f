"""Labelled recordings as a voice head sees them: a row of features for each window.

Every recording is heard several times: once over a clean telephone line, then in
pieces over bad ones. What the encoder makes of it is kept in a folder between runs.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from whisper.model import AudioEncoder

from audio.frame import RATE, CustomerWindow
from audio.windows import WindowParams
from models.errors import DataError
from models.manifest import read_manifest
from models.voice_audio import Troubles, read_mono, telephone, trimmed, troubled
from models.voice_features import EarlyBlocks, Sound, fingerprint

COLUMNS = ("path", "corpus", "speaker", "emotion")

ANGER = "anger"
NEUTRAL = "neutral"

_CACHE_VERSION = 5
_SPELLINGS = {
    "angry": ANGER,
    "happy": "happiness",
    "joy": "happiness",
    "sad": "sadness",
    "fearful": "fear",
    "afraid": "fear",
    "anxiety": "fear",
    "fear/anxiety": "fear",
    "anxiety/fear": "fear",
    "surprised": "surprise",
    "pleasant surprise": "surprise",
    "disgusted": "disgust",
}
_SEXES = {"f": "female", "female": "female", "m": "male", "male": "male"}


@dataclass(frozen=True, slots=True)
class Hearing:
    """How often, and over which lines, each recording is heard.

    Attributes:
        copies: how often over a bad line, besides once over a clean one.
        seed: decides everything that is left to chance.
        troubles: what may happen on a bad line.
    """

    copies: int = 4
    seed: int = 0
    troubles: Troubles = field(
        default_factory=lambda: Troubles(shortest_s=1.0, speed=0.12)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What the encoder made of recordings: a row for each window.

    Attributes:
        features: float32, shape ``(n_windows, n_features)``: `Sound.pooled`.
        steps: of objects, shape ``(n_windows,)``, each the `Sound.steps` of a window.
        emotion: label of each window.
        speaker: name of each window's speaker.
        corpus: name of each window's corpus.
        recording: which recording each window is from, as a row of the manifest.
        copy: 0 over a clean line, then one number for each bad line.
    """

    features: NDArray[np.float32]
    steps: NDArray[np.object_]
    emotion: NDArray[np.str_]
    speaker: NDArray[np.str_]
    corpus: NDArray[np.str_]
    recording: NDArray[np.int64]
    copy: NDArray[np.int64]

    @property
    def angry(self) -> NDArray[np.bool_]:
        """Which windows are labelled as anger."""
        angry: NDArray[np.bool_] = self.emotion == ANGER
        return angry

    def only(self, chosen: NDArray[np.bool_]) -> "Heard":
        """Return the chosen windows."""
        return Heard(*(getattr(self, one.name)[chosen] for one in fields(self)))


def emotion_of(row: dict[str, str]) -> str:
    """Return the label of a recording in our spelling."""
    label = row["emotion"].strip().lower()
    return _SPELLINGS.get(label, label)


def sex_of(row: dict[str, str]) -> str:
    """Return ``female``, ``male``, or empty when the manifest does not say."""
    return _SEXES.get((row.get("gender") or "").strip().lower(), "")


def windows(pcm: NDArray[np.float32]) -> Iterator[CustomerWindow]:
    """Cut speech into windows of the live length and hop, the last one at its end.

    Speech that is shorter than a window is one window; what is shorter than the
    least that is read live is followed by silence up to it.
    """
    params = WindowParams()
    length, hop = round(params.length_s * RATE), round(params.hop_s * RATE)
    pcm = np.pad(pcm, (0, max(0, round(params.least_s * RATE) - len(pcm))))
    last = max(0, len(pcm) - length)
    for start in [*range(0, last, hop), last]:
        yield CustomerWindow(pcm[start : start + length], start)


def apart(windows: Sequence[NDArray[np.float16]]) -> NDArray[np.object_]:
    """Keep windows of several lengths side by side, a window to an object."""
    found = np.empty(len(windows), object)
    for index, window in enumerate(windows):
        found[index] = window
    return found


def joined(parts: Sequence[Heard]) -> Heard:
    """Put the windows of several corpora of one manifest together."""
    return Heard(
        *(
            np.concatenate([getattr(part, one.name) for part in parts])
            for one in fields(Heard)
        )
    )


def listen(
    folder: Path,
    corpora: Sequence[str],
    encoder: AudioEncoder,
    blocks: tuple[int, ...],
    hearing: Hearing,
    cache: Path,
) -> Heard:
    """Run the encoder over the chosen corpora, or take it from the cache.

    Args:
        folder: holds `manifest.csv` and the recordings.
        corpora: names in the manifest's column `corpus`; all of them when empty.
        encoder: Whisper's.
        blocks: after which blocks the output is taken.
        hearing: how often each recording is heard.
        cache: where the encoder's output is kept, a file for each corpus and line.

    Raises:
        DataError: a corpus is not in the manifest, or there are no recordings with
            and without anger.
    """
    rows = read_manifest(folder, COLUMNS)
    present = {row["corpus"] for row in rows}
    if missing := set(corpora) - present:
        raise DataError(f"manifest.csv has no corpus {', '.join(sorted(missing))}")
    emotion = np.array([emotion_of(row) for row in rows])
    chosen = np.array([row["corpus"] in (corpora or present) for row in rows])
    if len(set(emotion[chosen] == ANGER)) == 1:
        raise DataError("training needs recordings with and without the label anger")
    features: list[NDArray[np.float32]] = []
    steps: list[NDArray[np.object_]] = []
    owner: list[NDArray[np.int64]] = []
    copy: list[NDArray[np.int64]] = []
    for corpus in sorted(corpora or present):
        indices = [i for i, row in enumerate(rows) if row["corpus"] == corpus]
        paths = [folder / rows[index]["path"] for index in indices]
        for number in range(hearing.copies + 1):
            file = (
                cache / f"{_key(paths, folder, encoder, blocks, hearing, number)}.npz"
            )
            if not file.is_file():
                _hear(paths, encoder, blocks, hearing, number, file)
            with np.load(file, allow_pickle=False) as archive:
                features.append(archive["features"])
                ends = np.cumsum(archive["lengths"])[:-1]
                steps.append(apart(np.split(archive["steps"], ends)))
                owner.append(np.array(indices)[archive["owner"]])
            copy.append(np.full(len(owner[-1]), number))
    of, number_of = np.concatenate(owner), np.concatenate(copy)
    order = np.lexsort((number_of, of))
    of = of[order]
    return Heard(
        features=np.concatenate(features)[order],
        steps=np.concatenate(steps)[order],
        emotion=emotion[of],
        speaker=np.array([row["speaker"] for row in rows])[of],
        corpus=np.array([row["corpus"] for row in rows])[of],
        recording=of,
        copy=number_of[order],
    )


def _key(
    paths: Sequence[Path],
    folder: Path,
    encoder: AudioEncoder,
    blocks: tuple[int, ...],
    hearing: Hearing,
    copy: int,
) -> str:
    sizes = [(str(path.relative_to(folder)), path.stat().st_size) for path in paths]
    line = [hearing.seed + copy, asdict(hearing.troubles)] if copy else []
    text = json.dumps([_CACHE_VERSION, fingerprint(encoder), blocks, line, sizes])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _hear(
    paths: Sequence[Path],
    encoder: AudioEncoder,
    blocks: tuple[int, ...],
    hearing: Hearing,
    copy: int,
    file: Path,
) -> None:
    """Hear every recording over one line and write what the encoder made of it."""
    early = EarlyBlocks(encoder, max(blocks))
    sounds: list[Sound] = []
    owner: list[int] = []
    for index, path in enumerate(paths):
        for pcm in _heard(read_mono(path), index, hearing, copy):
            sounds.append(early.hear(pcm, blocks))
            owner.append(index)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npz")
    np.savez(
        part,
        features=np.array([sound.pooled for sound in sounds]),
        steps=np.concatenate([sound.steps for sound in sounds]),
        lengths=np.array([len(sound.steps) for sound in sounds]),
        owner=np.array(owner),
    )
    part.replace(file)


def _heard(
    pcm: NDArray[np.float32], index: int, hearing: Hearing, copy: int
) -> Iterator[NDArray[np.float32]]:
    pcm = trimmed(pcm)
    if copy:
        draw = np.random.default_rng([hearing.seed + copy, index])
        yield troubled(pcm, draw, hearing.troubles)
    else:
        for window in windows(telephone(pcm)):
            yield window.pcm
