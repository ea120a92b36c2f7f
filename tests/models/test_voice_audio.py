from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from audio.frame import RATE
from models.errors import DataError
from models.voice_audio import Troubles, read_mono, telephone, trimmed, troubled
from models.voice_features import NOMINAL_DBFS, find_speech

pytestmark = pytest.mark.unit


def tone(duration_s: float, rate: int = RATE, hz: float = 300.0) -> NDArray[np.float32]:
    time_s = np.arange(round(duration_s * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def test_a_telephone_line_keeps_time_and_cuts_high_frequencies() -> None:
    low, high = tone(1.0, hz=1_000), tone(1.0, hz=6_000)

    heard = telephone(low + high)

    spectrum = np.abs(np.fft.rfft(heard))
    assert len(heard) == RATE
    assert find_speech(heard).level_dbfs == pytest.approx(NOMINAL_DBFS, abs=4)
    assert spectrum[6_000] < spectrum[1_000] / 50


def test_trimming_keeps_the_speech_and_a_tenth_of_a_second_around_it() -> None:
    quiet = np.zeros(RATE, np.float32)

    kept = trimmed(np.concatenate([quiet, tone(1.5), quiet]))

    assert len(kept) / RATE == pytest.approx(1.7, abs=0.03)


def test_troubles_depend_on_the_draw_alone() -> None:
    pcm = tone(4.0)

    first, again, other = (
        troubled(pcm, np.random.default_rng(seed), Troubles()) for seed in (1, 1, 2)
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert all(1.4 * RATE < len(one) < 3.6 * RATE for one in (first, other))


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_recordings_of_any_rate_are_read(
    rate: int, n_channels: int, tmp_path: Path
) -> None:
    path = tmp_path / "some.wav"
    soundfile.write(path, np.repeat(tone(1.0, rate)[:, None], n_channels, 1), rate)

    assert len(read_mono(path)) == RATE


@pytest.mark.parametrize("content", [b"", b"words, not audio"])
def test_a_file_that_is_no_audio_is_a_data_error(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "some.wav"
    path.write_bytes(content)

    with pytest.raises(DataError, match=r"some\.wav cannot be read as audio"):
        read_mono(path)


def test_an_empty_recording_is_a_data_error(tmp_path: Path) -> None:
    path = tmp_path / "some.wav"
    soundfile.write(path, np.zeros(3, np.float32), RATE)

    with pytest.raises(DataError, match="at least 20 ms"):
        read_mono(path)
