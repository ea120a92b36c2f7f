"""Weights in the user's cache folder, each carrying its checksum in its name.

`whisper-base.<sha256>.pt` appears by one atomic rename, so there is no moment with half
a file or with a file and somebody else's checksum, however many processes write at
once and wherever one of them is killed.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from enum import StrEnum
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


class Kind(StrEnum):
    """What a model is kept as; the value ends its name."""

    FILE = "pt"
    FOLDER = "ct2"


def is_intact(path: Path) -> bool:
    """Tell whether something cached has the content that its name promises."""
    return _checksum(path) == path.name.split(".")[-2]


def cached(name: str, kind: Kind = Kind.FILE) -> list[Path]:
    """Everything cached of a model, intact or not, in a fixed order."""
    return sorted(cache_dir().glob(f"{name}.{'[0-9a-f]' * 64}.{kind}"))


def intact(name: str, kind: Kind = Kind.FILE) -> Path | None:
    """Return what is cached of this model and has its checksum, if there is such."""
    return next((path for path in cached(name, kind) if is_intact(path)), None)


def store(name: str, write: Callable[[Path], None], kind: Kind = Kind.FILE) -> Path:
    """Let `write` make a file or a folder of files, then give it its final name.

    Raises:
        WeightsError: the cache folder cannot be written to.
    """
    folder = cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as scratch:
            unnamed = Path(scratch) / "weights"
            write(unnamed)
            for path in _files(unnamed):
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            final = folder / f"{name}.{_checksum(unnamed)}.{kind}"
            # A folder cannot replace one that another process was first to put there.
            if kind is Kind.FILE or not final.exists():
                unnamed.replace(final)
    except OSError as error:
        raise WeightsError(
            f"cannot write weights to {folder}: {error.strerror}; free or unlock it, "
            f"then run: calmline models fetch {name}"
        ) from error
    return final


def remove_broken(name: str) -> None:
    """Delete what is cached of this model and has not its checksum.

    What is intact stays: another process may be about to read it.
    """
    for path in (*cached(name, Kind.FILE), *cached(name, Kind.FOLDER)):
        if is_intact(path):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _files(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]


def _checksum(path: Path) -> str:
    """One checksum of a file, or of a folder by its files' names and checksums."""
    if not path.is_dir():
        return sha256_of(path)
    lines = "".join(f"{sha256_of(one)} {one.name}\n" for one in _files(path))
    return hashlib.sha256(lines.encode()).hexdigest()
