import wave
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from server.errors import RecordingError
from server.recording import open_recording

pytestmark = pytest.mark.unit


def tone(seconds: float, rate: int, n_channels: int) -> NDArray[np.float32]:
    times = np.arange(round(seconds * rate)) / rate
    left = 0.5 * np.sin(2 * np.pi * 440 * times)
    channels = [left, 0.25 * left][:n_channels]
    return np.stack(channels, axis=1).astype(np.float32)


def encode(path: Path, codec: str, pcm: NDArray[np.float32], rate: int) -> None:
    layout = "mono" if pcm.shape[1] == 1 else "stereo"
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(pcm.T), format="fltp", layout=layout
    )
    frame.sample_rate = rate
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, av.AudioStream)
        wanted = stream.codec_context.format
        resampler = av.AudioResampler(format=wanted, layout=layout, rate=rate)
        for piece in [*resampler.resample(frame), None]:
            container.mux(stream.encode(piece))


def read(path: Path) -> NDArray[np.float32]:
    return np.concatenate(list(open_recording(path).blocks()))


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_16"),
        ("a.wav", "PCM_U8"),
        ("a.wav", "PCM_24"),
        ("a.wav", "FLOAT"),
        ("a.wav", "ULAW"),
        ("a.wav", "ALAW"),
        ("a.flac", "PCM_16"),
        ("a.flac", "PCM_24"),
    ],
)
def test_lossless_recordings_read_back_what_was_written(
    tmp_path: Path, name: str, subtype: str, n_channels: int
) -> None:
    pcm = tone(0.5, 8000, n_channels)
    soundfile.write(tmp_path / name, pcm, 8000, subtype)
    expected, _ = soundfile.read(tmp_path / name, dtype="float32", always_2d=True)

    recording = open_recording(tmp_path / name)

    assert (recording.rate, recording.n_channels) == (8000, n_channels)
    assert recording.duration_s == pytest.approx(0.5)
    np.testing.assert_allclose(read(tmp_path / name), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.mp3", "libmp3lame", 44100),
        ("a.opus", "libopus", 48000),
        ("a.m4a", "aac", 44100),
    ],
)
def test_lossy_recordings_are_read(
    tmp_path: Path, name: str, codec: str, rate: int
) -> None:
    encode(tmp_path / name, codec, tone(2.0, rate, 2), rate)

    pcm = read(tmp_path / name)

    assert pcm.shape[1] == 2
    assert len(pcm) / rate == pytest.approx(2.0, abs=0.1)
    assert np.std(pcm[rate // 2 : rate, 0]) == pytest.approx(0.354, rel=0.1)
    assert np.std(pcm[rate // 2 : rate, 1]) == pytest.approx(0.088, rel=0.1)


def test_ogg_vorbis_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.ogg", tone(2.0, 16000, 2), 16000)

    pcm = read(tmp_path / "a.ogg")

    assert len(pcm) / 16000 == pytest.approx(2.0, abs=0.05)
    assert np.std(pcm[:, 0]) == pytest.approx(0.354, rel=0.1)


def test_what_mobile_networks_record_is_read() -> None:
    path = Path(__file__).parents[1] / "data" / "tone.amr"

    recording = open_recording(path)
    pcm = read(path)

    # Nobody's ffmpeg on Debian writes AMR, so this is a file: one second of 440 Hz.
    assert (recording.rate, recording.n_channels) == (8000, 1)
    assert len(pcm) / 8000 == pytest.approx(1.0, abs=0.05)
    spectrum = np.abs(np.fft.rfft(pcm[:, 0]))
    assert np.argmax(spectrum) * 8000 / len(pcm) == pytest.approx(440, abs=10)


def test_headerless_g711_is_eight_kilohertz_mono(tmp_path: Path) -> None:
    (tmp_path / "a.ulaw").write_bytes(b"\xff" * 8000)

    recording = open_recording(tmp_path / "a.ulaw")

    assert (recording.rate, recording.n_channels) == (8000, 1)
    assert recording.duration_s == 1.0
    assert not read(tmp_path / "a.ulaw").any()


def refused(path: Path) -> str:
    with pytest.raises(RecordingError) as error:
        read(path)
    return str(error.value)


def test_what_is_no_recording_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "letter.wav").write_text("Dear Sir or Madam,\n" * 50)
    (tmp_path / "noise.flac").write_bytes(b"\x01\x02\x03" * 1000)

    assert "no such file" in refused(tmp_path / "gone.wav")
    assert "empty.wav: the file is empty" in refused(tmp_path / "empty.wav")
    assert "letter.wav" in refused(tmp_path / "letter.wav")
    assert "noise.flac" in refused(tmp_path / "noise.flac")


@pytest.mark.parametrize("name", ["a.flac", "a.wav"])
def test_a_recording_that_was_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(1)
    soundfile.write(tmp_path / name, rng.uniform(-0.5, 0.5, 80_000), 8000)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])

    message = refused(tmp_path / name)

    assert name in message
    assert "cut off" in message or "damaged after" in message


def test_a_recording_with_three_channels_is_refused(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(3)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0" * 600)

    assert "got 3" in refused(tmp_path / "a.wav")


def test_a_title_in_another_encoding_keeps_no_recording_out(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1.0, 8000, 2), 8000)
    title = "客户投诉".encode("gb18030")
    info = b"INFO" + b"INAM" + len(title).to_bytes(4, "little") + title
    whole = path.read_bytes() + b"LIST" + len(info).to_bytes(4, "little") + info
    size = (len(whole) - 8).to_bytes(4, "little")
    path.write_bytes(whole[:4] + size + whole[8:])

    assert len(read(path)) == 8000


def test_a_recording_without_a_single_sample_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.0, 8000, 2), 8000)

    with pytest.raises(RecordingError, match=r"a\.wav: there is no audio in it"):
        read(tmp_path / "a.wav")
