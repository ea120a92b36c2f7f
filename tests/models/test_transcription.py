"""From samples to words: real weights, real (synthesised) speech, and no speech."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from whisper.model import Whisper

from audio.frame import RATE
from models.errors import InferenceError, WeightsError
from models.faster_whisper import FasterWhisper
from models.openai_whisper import OpenAIWhisper
from models.packed_linear import Precision
from models.ports import Spoken, Transcriber
from models.transcription import WhisperTranscriber

model = pytest.mark.model
unit = pytest.mark.unit


BACKENDS = [partial(OpenAIWhisper, precision=Precision.INT8), FasterWhisper]


@pytest.fixture(scope="module", params=BACKENDS, ids=["openai", "faster"])
def transcriber(
    request: pytest.FixtureRequest,
) -> WhisperTranscriber:
    """One of the back ends: whatever is said here holds for both."""
    return WhisperTranscriber(request.param())


@pytest.fixture
def tiny_path(tmp_path: Path, tiny: Whisper) -> str:
    path = tmp_path / "tiny.pt"
    torch.save({"dims": vars(tiny.dims), "model_state_dict": tiny.state_dict()}, path)
    return str(path)


@model
def test_english_is_written_down(
    transcriber: Transcriber, spoken: NDArray[np.float32]
) -> None:
    transcript = transcriber.transcribe(spoken, None)

    words = transcript.text.lower().replace(",", "").replace(".", "").split()
    assert words[:4] == ["good", "morning", "my", "last"]
    assert words[-3:] == ["to", "know", "why"]
    assert transcript.language == "en"
    assert transcript.language_probability > 0.9
    assert 0.5 < transcript.confidence <= 1.0


@model
def test_mandarin_is_written_in_simplified_characters(
    transcriber: Transcriber, spoken_chinese: NDArray[np.float32]
) -> None:
    transcript = transcriber.transcribe(spoken_chinese, None)

    assert transcript.language == "zh"
    assert transcript.text.startswith("你好")
    assert "上个月的" in transcript.text  # 上個月的 in traditional characters


@model
def test_same_audio_gives_the_same_words(
    transcriber: Transcriber, spoken: NDArray[np.float32]
) -> None:
    assert transcriber.transcribe(spoken, None) == transcriber.transcribe(spoken, None)


@model
def test_threads_share_the_model(
    transcriber: Transcriber,
    spoken: NDArray[np.float32],
    spoken_chinese: NDArray[np.float32],
) -> None:
    utterances = [spoken, spoken_chinese] * 2
    expected = [transcriber.transcribe(pcm, None) for pcm in utterances]

    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda pcm: transcriber.transcribe(pcm, None), utterances)
        )

    assert found == expected


@model
@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        ("nothing", 0.0),
        ("nothing", 3.0),
        ("noise", 0.02),
        ("noise", 2.0),
        ("hum", 0.6),
        ("ringing", 4.0),
    ],
)
def test_nothing_is_said_where_nobody_speaks(
    transcriber: Transcriber, kind: str, seconds: float
) -> None:
    at_s = np.arange(int(seconds * RATE)) / RATE
    heard = {
        "nothing": np.zeros_like(at_s),
        "noise": 0.003 * np.random.default_rng(0).standard_normal(len(at_s)),
        "hum": 0.01 * np.sin(2 * np.pi * 50 * at_s),
        "ringing": 0.1 * np.sin(2 * np.pi * 440 * at_s)
        + 0.1 * np.sin(2 * np.pi * 480 * at_s),
    }[kind].astype(np.float32)

    transcript = transcriber.transcribe(heard, None)

    assert transcript.text == ""
    assert transcript.confidence == 0.0


@model
def test_level_hardly_matters(
    transcriber: Transcriber, spoken: NDArray[np.float32]
) -> None:
    faint = transcriber.transcribe(np.float32(0.02) * spoken, "en")

    assert faint.text == transcriber.transcribe(spoken, "en").text


@unit
@pytest.mark.parametrize(
    ("pcm", "language", "message"),
    [
        (np.zeros(30 * RATE + 1, np.float32), None, "at most 480000 samples"),
        (np.zeros((100, 2), np.float32), None, r"shape \(100, 2\)"),
        (np.zeros(RATE, np.float64), None, "float64"),
        (np.full(RATE, np.nan, np.float32), None, "finite"),
        (np.ones(RATE, np.float32), "xx", "'xx'"),
    ],
)
def test_what_cannot_be_transcribed_is_said(
    tiny_path: str, pcm: NDArray[np.float32], language: str | None, message: str
) -> None:
    transcriber = WhisperTranscriber(OpenAIWhisper(tiny_path))

    with pytest.raises(InferenceError, match=message):
        transcriber.transcribe(pcm, language)


@unit
def test_name_is_the_files_and_not_its_folder(tiny_path: str) -> None:
    assert OpenAIWhisper(tiny_path).name == "tiny.pt (float32)"


@unit
def test_languages_are_checked_when_it_is_made(tiny_path: str) -> None:
    with pytest.raises(ValueError, match="at least one language"):
        OpenAIWhisper(tiny_path, ())
    with pytest.raises(ValueError, match="'xx'"):
        OpenAIWhisper(tiny_path, ("xx",))


@unit
def test_missing_model_is_one_clear_error() -> None:
    with pytest.raises(WeightsError, match="whisper-base"):
        OpenAIWhisper("no-such-model")


@unit
def test_what_runs_away_keeps_its_doubt_about_the_language(tiny_path: str) -> None:
    draw = np.random.default_rng(0)
    pcm = (0.1 * draw.standard_normal(RATE)).astype(np.float32)

    transcript = WhisperTranscriber(OpenAIWhisper(tiny_path)).transcribe(pcm, None)

    assert transcript.language in {"en", "zh"}
    assert 0.5 <= transcript.language_probability < 1.0
    assert transcript.text == ""  # random weights guess


@unit
def test_audio_may_be_a_view_of_memory_that_is_not_ours(tiny_path: str) -> None:
    transcriber = WhisperTranscriber(OpenAIWhisper(tiny_path))
    data = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)
    view = np.frombuffer(data.tobytes(), np.float32)

    assert transcriber.transcribe(view, "en") == transcriber.transcribe(data, "en")


@unit
@pytest.mark.parametrize(("language", "probability"), [("zh", 1.0), (None, 0.0)])
def test_silence_has_the_language_that_was_asked_for(
    tiny_path: str, language: str | None, probability: float
) -> None:
    transcriber = WhisperTranscriber(OpenAIWhisper(tiny_path, ("en", "zh")))

    transcript = transcriber.transcribe(np.zeros(RATE, np.float32), language)

    assert transcript.language == (language or "en")
    assert transcript.language_probability == probability


@model
def test_words_do_not_depend_on_what_they_are_batched_with(
    transcriber: WhisperTranscriber,
    spoken: NDArray[np.float32],
    spoken_chinese: NDArray[np.float32],
) -> None:
    utterances = [
        Spoken(spoken, None),
        Spoken(spoken_chinese, None),
        Spoken(spoken[: 2 * RATE], "en"),
        Spoken(np.zeros(RATE, np.float32), None),
        Spoken(spoken[RATE:], "en"),
    ]
    alone = [transcriber.transcribe(one.pcm, one.language) for one in utterances]

    together = transcriber.transcribe_batch(utterances)
    backwards = transcriber.transcribe_batch(utterances[::-1])

    assert together == alone
    assert backwards[::-1] == alone


@unit
def test_one_bad_utterance_spoils_no_other(tiny_path: str) -> None:
    transcriber = WhisperTranscriber(OpenAIWhisper(tiny_path))
    good = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)
    bad = np.full(RATE, np.nan, np.float32)

    answers = transcriber.transcribe_batch(
        [Spoken(bad, "en"), Spoken(good, "en"), Spoken(good, "xx")]
    )

    assert isinstance(answers[0], InferenceError)
    assert answers[1] == transcriber.transcribe(good, "en")
    assert isinstance(answers[2], InferenceError)
