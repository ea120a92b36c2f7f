"""Files of weights in the user's cache folder, each carrying its checksum in its name.

`whisper-base.<sha256>.pt` appears by one atomic rename, so there is no moment with half
a file or with a file and somebody else's checksum, however many processes write at
once and wherever one of them is killed.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from models.errors import WeightsError


def cache_dir() -> Path:
    """Folder for everything that can be fetched again, ``~/.cache/calmline``.

    Source: XDG Base Directory Specification 0.8: a relative path is to be ignored.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".cache") / "calmline"


def sha256_of(path: Path) -> str:
    """Checksum of a file's content in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_intact(path: Path) -> bool:
    """Tell whether a cached file has the content that its name promises."""
    return sha256_of(path) == path.name.split(".")[-2]


def cached(name: str) -> list[Path]:
    """Every cached file of a model, intact or not, in a fixed order."""
    return sorted(cache_dir().glob(f"{name}.{'[0-9a-f]' * 64}.pt"))


def intact(name: str) -> Path | None:
    """Return a cached file of this model whose checksum holds, if there is one."""
    return next((path for path in cached(name) if is_intact(path)), None)


def store(name: str, write: Callable[[Path], None]) -> Path:
    """Let `write` make a file, then give it its final name.

    Raises:
        WeightsError: the cache folder cannot be written to.
    """
    folder = cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as scratch:
            unnamed = Path(scratch) / "weights"
            write(unnamed)
            with unnamed.open("rb") as file:
                os.fsync(file.fileno())
            final = folder / f"{name}.{sha256_of(unnamed)}.pt"
            unnamed.replace(final)
    except OSError as error:
        raise WeightsError(
            f"cannot write weights to {folder}: {error.strerror}; free or unlock it, "
            f"then run: calmline models fetch {name}"
        ) from error
    return final


def cached_folders(name: str) -> list[Path]:
    """Every cached folder of a model, intact or not, in a fixed order."""
    return sorted(cache_dir().glob(f"{name}.{'[0-9a-f]' * 64}.ct2"))


def intact_folder(name: str) -> Path | None:
    """Return a cached folder of this model whose checksum holds, if there is one."""
    folders = cached_folders(name)
    return next((path for path in folders if _folder_is_intact(path)), None)


def store_folder(name: str, files: Mapping[str, bytes]) -> Path:
    """Write files into a folder of the cache that appears with all of them, or not.

    Raises:
        WeightsError: the cache folder cannot be written to.
    """
    folder = cache_dir()
    digests = {file: hashlib.sha256(data).hexdigest() for file, data in files.items()}
    final = folder / f"{name}.{_joined(digests)}.ct2"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as scratch:
            unnamed = Path(scratch) / "weights"
            unnamed.mkdir()
            for file, data in files.items():
                with (unnamed / file).open("wb") as out:
                    out.write(data)
                    out.flush()
                    os.fsync(out.fileno())
            if not final.exists():  # Another process may have been first.
                unnamed.replace(final)
    except OSError as error:
        raise WeightsError(
            f"cannot write weights to {folder}: {error.strerror}; free or unlock it, "
            f"then run: calmline models fetch {name}"
        ) from error
    return final


def _folder_is_intact(folder: Path) -> bool:
    digests = {path.name: sha256_of(path) for path in folder.iterdir()}
    return _joined(digests) == folder.name.split(".")[-2]


def _joined(digests: Mapping[str, str]) -> str:
    """One checksum of several files, by their names and checksums."""
    lines = "".join(f"{digests[name]} {name}\n" for name in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


def remove_broken(name: str) -> None:
    """Delete cached files of this model whose checksum fails.

    Intact ones stay: another process may be about to read them.
    """
    for path in cached(name):
        if not is_intact(path):
            path.unlink(missing_ok=True)
    for folder in cached_folders(name):
        if not _folder_is_intact(folder):
            shutil.rmtree(folder, ignore_errors=True)
