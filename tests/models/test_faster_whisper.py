"""CTranslate2 says what our own decoder says, and its folder is whole or not there."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models import cache
from models.errors import WeightsError
from models.faster_whisper import FasterWhisper, model_folder
from models.openai_whisper import OpenAIWhisper
from models.transcription import Task


@pytest.mark.model
@pytest.mark.parametrize("language", ["en", None])
def test_scores_mean_the_same_as_those_of_our_own_decoder(
    language: str | None, spoken: NDArray[np.float32]
) -> None:
    tasks = [Task(spoken, language, 60)]

    ours = OpenAIWhisper().recognise(tasks, padded=False)[0]
    theirs = FasterWhisper(precision="float32").recognise(tasks, padded=False)[0]

    assert theirs.text == ours.text
    assert theirs.language == "en"
    assert theirs.language_probability == pytest.approx(
        ours.language_probability, abs=0.02
    )
    assert theirs.mean_logprob == pytest.approx(ours.mean_logprob, abs=0.05)
    assert theirs.no_speech_probability == pytest.approx(
        ours.no_speech_probability, abs=0.05
    )
    assert theirs.ended


@pytest.mark.model
def test_the_packaged_weights_feed_it_and_damage_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    folder = model_folder()

    assert {path.name for path in folder.iterdir()} == {
        "model.bin",
        "config.json",
        "vocabulary.txt",
    }
    assert "lang_ids" in json.loads((folder / "config.json").read_text("utf-8"))
    assert model_folder() == folder
    (folder / "config.json").write_text("{}", "utf-8")
    with pytest.raises(WeightsError, match="calmline models fetch whisper-base"):
        model_folder()
    cache.remove_broken("whisper-base")
    assert not folder.exists()


@pytest.mark.unit
def test_a_missing_model_is_one_clear_error() -> None:
    with pytest.raises(WeightsError, match="faster-whisper has no model 'nowhere'"):
        model_folder("some/nowhere")
