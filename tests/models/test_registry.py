"""What `calmline models` tells, and what selecting another model leads to."""

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from whisper.model import Whisper

from models import cache, whisper_weights
from models.errors import WeightsError
from models.openai_whisper import OpenAIWhisper
from models.registry import State, fetch, list_models, verify
from models.transcription import Task
from models.whisper_weights import checkpoint_path, forget_whisper, load_whisper

pytestmark = pytest.mark.unit

_FREE = {"MIT", "CC-BY-4.0", "Apache-2.0"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "calmline"


def test_every_model_says_where_it_is_from() -> None:
    for info in list_models():
        assert info.task, info.name
        assert info.source, info.name
        assert info.licence in _FREE or info.name == "voice-research", info.name
        assert len(info.sha256) == 64, info.name


def test_weights_that_forbid_commercial_use_say_so() -> None:
    info = verify("voice-research").info

    assert info.licence == "CC-BY-NC-SA-4.0"
    assert "no commercial use" in info.task


def test_default_is_whisper_base() -> None:
    names = [info.name for info in list_models()]

    assert names[0] == "whisper-base"
    assert verify("default").info.name == "whisper-base"


@pytest.mark.parametrize("name", ["silero-vad", "voice-permissive", "voice-research"])
def test_models_in_packages_are_ready(name: str) -> None:
    status = verify(name)

    assert status.state is State.READY
    assert status.path == fetch(name)
    assert status.path is not None
    assert cache.sha256_of(status.path) == status.info.sha256
    assert status.problem == ""


def test_corrupted_cache_is_told_with_the_repair(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / f"whisper-base.{'0' * 64}.pt").write_bytes(b"half")

    status = verify("whisper-base")

    assert status.state is State.CORRUPTED
    assert status.path is None
    assert status.problem.endswith("run: calmline models fetch whisper-base")


def test_openai_model_is_missing_until_fetched(folder: Path) -> None:
    status = verify("tiny.en")

    assert status.state is State.MISSING
    assert status.problem.endswith("run: calmline models fetch tiny.en")
    assert len(status.info.sha256) == 64
    assert not folder.exists()


def test_openai_model_with_another_checksum_is_corrupted(folder: Path) -> None:
    (folder / "openai-whisper").mkdir(parents=True)
    (folder / "openai-whisper" / "tiny.en.pt").write_bytes(b"half")

    status = verify("tiny.en")

    assert status.state is State.CORRUPTED
    with pytest.raises(WeightsError, match="corrupted"):
        load_whisper("tiny.en")


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(WeightsError, match=r"whisper-base, silero-vad, voice.*turbo"):
        verify("whisper-huge")
    with pytest.raises(WeightsError, match="large-v3-turbo"):
        checkpoint_path("whisper-huge")


def test_path_selects_a_checkpoint(tmp_path: Path, tiny: Whisper) -> None:
    path = tmp_path / "mine.pt"
    saved = {"dims": vars(tiny.dims), "model_state_dict": tiny.state_dict()}
    torch.save(saved, path)

    model = load_whisper(str(path))

    assert load_whisper(str(path)) is model
    assert not any(parameter.requires_grad for parameter in model.parameters())
    for name, tensor in tiny.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name


def test_what_finds_words_does_not_keep_a_model_that_was_forgotten(
    tmp_path: Path, tiny: Whisper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whisper_weights, "_loaded", {})  # Other tests share theirs.
    path = tmp_path / "mine.pt"
    torch.save({"dims": vars(tiny.dims), "model_state_dict": tiny.state_dict()}, path)
    model = load_whisper(str(path))
    matrices = [
        weakref.ref(block.mlp[0].weight)
        for block in [*model.encoder.blocks, *model.decoder.blocks]
    ]

    recogniser = OpenAIWhisper(str(path), ("en",))
    del model
    forget_whisper()
    gc.collect()

    assert matrices
    assert not any(matrix() is not None for matrix in matrices)
    silence = Task(np.zeros(16_000, np.float32), "en", 2)
    assert len(recogniser.recognise([silence], padded=False)) == 1


@pytest.mark.parametrize(
    "content", [b"", b"RIFF....WAVE", b"PK\x03\x04 cut off", b"\x80\x02]q\x00."]
)
def test_file_that_is_no_checkpoint_is_one_clear_error(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "mine.pt"
    path.write_bytes(content)

    with pytest.raises(WeightsError, match="is not an openai-whisper checkpoint"):
        load_whisper(str(path))


def test_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    torch.save({"dims": Path("/"), "model_state_dict": {}}, path)

    with pytest.raises(WeightsError, match="is not an openai-whisper checkpoint"):
        load_whisper(str(path))
