import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio.codec import AudioFormat, Encoding, decode
from server.audio_log import AudioLog

pytestmark = pytest.mark.unit

MULAW = AudioFormat(Encoding.MULAW, 8000, 2)


def noise(n_bytes: int) -> bytes:
    return np.random.default_rng(1).integers(0, 256, n_bytes, np.uint8).tobytes()


def test_what_was_stored_is_on_disk_at_once(tmp_path: Path) -> None:
    with closing(AudioLog(tmp_path, "c1", MULAW)) as log:
        log.append(b"abc")
        log.store()
        log.append(b"de")
        log.store()

        assert log.n_bytes == 5
        assert (tmp_path / "c1.raw").read_bytes() == b"abcde"


def test_a_log_that_is_opened_again_goes_on_where_it_was(tmp_path: Path) -> None:
    with closing(AudioLog(tmp_path, "c1", MULAW)) as log:
        log.append(b"abc")
        log.store()

    with closing(AudioLog(tmp_path, "c1", MULAW)) as log:
        assert log.n_bytes == 3


def test_the_finished_recording_has_the_very_samples_of_the_line(
    tmp_path: Path,
) -> None:
    data = noise(40_001)  # the last byte is half an instant, from a line that was cut
    log = AudioLog(tmp_path, "c1", MULAW)
    log.append(data)
    log.store()

    log.finish()

    pcm, rate = soundfile.read(tmp_path / "c1.flac", dtype="float32")
    assert rate == 8000
    np.testing.assert_array_equal(pcm, decode(data[:-1], MULAW))
    assert [path.name for path in tmp_path.iterdir()] == ["c1.flac"]


@pytest.mark.parametrize("n_bytes", [0, 1])
def test_a_call_without_audio_leaves_no_recording(tmp_path: Path, n_bytes: int) -> None:
    log = AudioLog(tmp_path, "c1", MULAW)
    log.append(noise(n_bytes))
    log.store()

    log.finish()

    assert list(tmp_path.iterdir()) == []


def test_a_recording_that_cannot_be_written_leaves_the_raw_audio(
    tmp_path: Path,
) -> None:
    log = AudioLog(tmp_path, "c1", MULAW)
    log.append(noise(100))
    log.store()
    (tmp_path / "c1.flac.part").mkdir()

    with pytest.raises(OSError, match=r"c1\.flac could not be written"):
        log.finish()

    assert (tmp_path / "c1.raw").read_bytes() == noise(100)


def test_a_file_whose_folder_is_gone_is_written_again(tmp_path: Path) -> None:
    with closing(AudioLog(tmp_path / "in", "c1", MULAW)) as log:
        log.append(noise(1000))
        log.store()
        shutil.rmtree(tmp_path / "in")

        log.keep_place()
        log.append(b"more")
        log.store()

        assert (tmp_path / "in" / "c1.raw").read_bytes() == noise(1000) + b"more"
        assert log.read(990, 100) == noise(1000)[990:] + b"more"


def test_what_must_survive_a_loss_of_power_is_counted_only_then(
    tmp_path: Path,
) -> None:
    with closing(AudioLog(tmp_path, "c1", MULAW, power_safe=True)) as log:
        log.append(noise(10))
        held = log.n_bytes
        log.store()

        assert (held, log.n_bytes) == (0, 10)


def test_deleting_leaves_nothing(tmp_path: Path) -> None:
    log = AudioLog(tmp_path, "c1", MULAW)
    log.append(noise(100))
    log.store()

    log.delete()

    assert list(tmp_path.iterdir()) == []
