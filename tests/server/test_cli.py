"""The `calmline` command, in this process and with models that are quick."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.fake import FakeDetector, FakeTranscriber, FakeVoiceReader
from server.cli import main
from server.config import Settings
from server.engine import Models
from server.factory import CallFactory

pytestmark = pytest.mark.unit


def load(_: Settings) -> CallFactory:
    return CallFactory.of(
        Models(FakeDetector, FakeTranscriber(), FakeVoiceReader(), ("fake",))
    )


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as exited:
        main([str(argument) for argument in arguments], load)
    assert isinstance(exited.value.code, int)
    return exited.value.code


def recording(path: Path, n_channels: int = 2, seconds: float = 4.0) -> Path:
    pcm = np.zeros((round(seconds * 8000), n_channels), np.float32)
    times = np.arange(4000, len(pcm) - 8000)
    pcm[4000 : len(pcm) - 8000, 0] = 0.4 * np.sin(times / 3)
    soundfile.write(path, pcm, 8000)
    return path


def kinds(folder: Path) -> set[str]:
    document = json.loads((folder / "events.json").read_text(encoding="utf-8"))
    return {entry["kind"] for entry in document["entries"]}


def test_a_recording_is_analysed_into_its_own_folder(tmp_path: Path) -> None:
    path = recording(tmp_path / "call.wav")

    status = run("analyse", path, "--out", tmp_path / "out")

    assert status == 0
    found = sorted(item.name for item in (tmp_path / "out" / "call").iterdir())
    assert found == ["curve.csv", "events.json", "transcript.vtt", "turns.rttm"]
    assert {"TranscriptFinal", "VoiceReading"} <= kinds(tmp_path / "out" / "call")


def test_recordings_of_one_name_do_not_overwrite_one_another(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    short = recording(tmp_path / "call.wav", seconds=2.0)
    longer = recording(tmp_path / "other" / "call.flac", seconds=3.0)

    assert run("analyse", short, longer, "--out", tmp_path / "out") == 0

    lengths = [
        len((tmp_path / "out" / name / "curve.csv").read_text("utf-8").splitlines())
        for name in ("call", "call-2")
    ]
    assert lengths == [3, 4]


def test_the_customer_can_be_on_the_right(tmp_path: Path) -> None:
    path = recording(tmp_path / "call.wav")

    run("analyse", path, "--out", tmp_path, "--customer", "right")

    assert "VoiceReading" not in kinds(tmp_path / "call")


def test_a_mono_recording_says_what_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recording(tmp_path / "call.wav", n_channels=1)

    assert run("analyse", path, "--out", tmp_path) == 0

    assert "no hostility curve" in " ".join(capsys.readouterr().err.split())
    assert "HostilityPoint" not in kinds(tmp_path / "call")


def test_damaged_recordings_are_named_and_the_others_are_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "letter.wav").write_text("Dear Sir or Madam,\n" * 50)
    whole = recording(tmp_path / "whole.flac").read_bytes()
    (tmp_path / "half.flac").write_bytes(whole[: len(whole) // 2])
    nan = np.zeros(8000, np.float32)
    nan[4000] = np.nan
    soundfile.write(tmp_path / "nan.wav", nan, 8000, "FLOAT")
    names = ["empty.wav", "letter.wav", "half.flac", "nan.wav", "[red] gone.wav"]

    status = run(
        "analyse",
        *(tmp_path / name for name in names),
        tmp_path / "whole.flac",
        "--out",
        tmp_path / "out",
    )

    assert status == 1
    told = capsys.readouterr().err
    assert all(name in told for name in names)
    assert "Traceback" not in told
    assert [item.name for item in (tmp_path / "out").iterdir()] == ["whole"]


def test_a_wrong_setting_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "calmline.toml"
    config.write_text("[service]\nhost = '0.0.0.0'\n", encoding="utf-8")

    assert run("--config", config, "serve") == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("calmline: service.host is 0.0.0.0")


def test_streaming_to_nobody_says_what_to_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recording(tmp_path / "call.wav")

    assert run("stream", path, "--url", "ws://127.0.0.1:9/v1/calls") == 1

    assert "calmline serve" in capsys.readouterr().err


def test_models_are_listed_with_their_licence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("models", "list") == 0

    assert "MIT" in capsys.readouterr().out


def test_commands_that_need_no_model_do_not_wait_for_torch() -> None:
    loaded = "import sys, server.cli; print('torch' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", loaded], check=True, capture_output=True, text=True
    )

    assert done.stdout == "False\n"
