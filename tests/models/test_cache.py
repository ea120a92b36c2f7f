"""A file in the cache is whole or not there, whoever writes and whoever is killed."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models import cache
from models.errors import WeightsError

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "calmline"


def _write(file: Path, data: bytes) -> None:
    file.write_bytes(data)


def write_weights(file: Path) -> None:
    _write(file, b"weights")


def test_cache_follows_the_users_setting(folder: Path) -> None:
    assert cache.cache_dir() == folder


@pytest.mark.parametrize("setting", ["", "relative/path"])
def test_cache_is_in_the_home_without_an_absolute_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", setting)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert cache.cache_dir() == tmp_path / ".cache" / "calmline"


def test_file_is_named_after_its_content(folder: Path) -> None:
    digest = hashlib.sha256(b"weights").hexdigest()

    path = cache.store("some-model", write_weights)

    assert path == folder / f"some-model.{digest}.pt"
    assert path.read_bytes() == b"weights"
    assert cache.intact("some-model") == path
    assert cache.intact("other-model") is None


def test_nothing_but_the_file_is_left(folder: Path) -> None:
    path = cache.store("some-model", write_weights)

    assert list(folder.iterdir()) == [path]


def test_nothing_is_left_when_writing_fails(folder: Path) -> None:
    def fail(file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(WeightsError, match="calmline models fetch some-model"):
        cache.store("some-model", fail)

    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", [b"weightX", b"weigh", b""])
def test_changed_files_are_not_intact_and_are_removed(
    folder: Path, content: bytes
) -> None:
    path = cache.store("some-model", write_weights)
    path.write_bytes(content)

    found = cache.intact("some-model")
    seen = cache.cached("some-model")
    cache.remove_broken("some-model")

    assert found is None
    assert seen == [path]
    assert list(folder.iterdir()) == []


def test_writers_at_once_leave_whole_files(folder: Path) -> None:
    contents = [bytes([i % 2]) * 100_000 for i in range(8)]

    with ThreadPoolExecutor(8) as pool:
        paths = list(
            pool.map(lambda data: cache.store("m", lambda f: _write(f, data)), contents)
        )

    assert set(folder.iterdir()) == set(paths)
    assert len(set(paths)) == 2
    assert all(cache.is_intact(path) for path in paths)


def test_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(in_the_way))

    with pytest.raises(WeightsError, match="cannot write weights"):
        cache.store("some-model", Path.touch)


def folder_of(**contents: bytes) -> Path:
    def write(path: Path) -> None:
        path.mkdir()
        for name, data in contents.items():
            (path / name).write_bytes(data)

    return cache.store("tiny", write, cache.Kind.FOLDER)


def test_a_folder_is_named_after_all_its_files(folder: Path) -> None:
    first = folder_of(a=b"1", b=b"2")
    again = folder_of(b=b"2", a=b"1")
    other = folder_of(a=b"2", b=b"1")

    assert first == again
    assert first != other
    assert sorted(folder.iterdir()) == sorted((first, other))
    assert (first / "b").read_bytes() == b"2"
    assert cache.intact("tiny", cache.Kind.FOLDER) in {first, other}


def test_a_folder_with_a_changed_file_is_removed(folder: Path) -> None:
    (folder_of(a=b"1") / "a").write_bytes(b"X")

    found = cache.intact("tiny", cache.Kind.FOLDER)
    cache.remove_broken("tiny")

    assert found is None
    assert list(folder.iterdir()) == []
