"""A recording is kept whole, or not at all."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from server.flac import write_flac

pytestmark = pytest.mark.unit


def noise(n_samples: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(1)
    return rng.uniform(-1, 1, (n_samples, 2)).astype(np.float32)


def test_all_blocks_are_written_in_order(tmp_path: Path) -> None:
    blocks = [noise(1000), noise(0), noise(7)]

    write_flac(tmp_path / "a.flac", 8000, 2, blocks)

    pcm, rate = soundfile.read(tmp_path / "a.flac", dtype="float32")
    assert rate == 8000
    np.testing.assert_allclose(pcm, np.concatenate(blocks), atol=2**-15)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a.flac.part").symlink_to("/dev/full")

    with pytest.raises(OSError, match=r"a\.flac could not be written"):
        write_flac(tmp_path / "a.flac", 8000, 2, [noise(200_000)])

    assert list(tmp_path.iterdir()) == []


def test_a_source_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    def broken() -> Iterator[NDArray[np.float32]]:
        yield noise(9000)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_flac(tmp_path / "a.flac", 8000, 2, broken())

    assert list(tmp_path.iterdir()) == []
