"""Fakes say the same thing for the same input, or tests that use them mean nothing."""

import numpy as np
import pytest
from numpy.typing import NDArray

from audio.frame import FRAME_SAMPLES, CustomerWindow, Frame, Party
from models.errors import InferenceError
from models.fake import FakeDetector, FakeTranscriber, FakeVoiceReader
from models.ports import SpeechDetector, Transcriber, VoiceReader

pytestmark = pytest.mark.unit


def tone(amplitude: float, n_samples: int = FRAME_SAMPLES) -> NDArray[np.float32]:
    phase = np.arange(n_samples) * 0.3
    pcm: NDArray[np.float32] = (amplitude * np.sin(phase)).astype(np.float32)
    return pcm


def test_fakes_are_what_the_ports_ask_for() -> None:
    detector: SpeechDetector = FakeDetector()
    transcriber: Transcriber = FakeTranscriber()
    voice_reader: VoiceReader = FakeVoiceReader()

    assert detector
    assert transcriber
    assert voice_reader


def test_loud_frames_are_speech_and_quiet_ones_are_not() -> None:
    detector = FakeDetector(threshold_dbfs=-40.0)

    loud, quiet, silent = (
        detector.probabilities([Frame(tone(amplitude), 0, Party.AGENT)])[0]
        for amplitude in (0.1, 0.001, 0.0)
    )

    assert (loud, quiet, silent) == (0.99, 0.01, 0.01)


def test_script_is_read_in_order_then_lengths_are_told() -> None:
    transcriber = FakeTranscriber(["hello", "good bye"], language="zh")

    heard = [transcriber.transcribe(tone(0.1, 24_000), None) for _ in range(3)]

    assert [transcript.text for transcript in heard] == [
        "hello",
        "good bye",
        "1.5 seconds",
    ]
    assert {transcript.language for transcript in heard} == {"zh"}


def test_words_for_a_length_do_not_depend_on_the_order() -> None:
    transcriber = FakeTranscriber(["first"], by_samples={16_000: "one second"})

    long = transcriber.transcribe(tone(0.1, 16_000), "en")
    other = transcriber.transcribe(tone(0.1, 8_000), "en")

    assert (long.text, other.text) == ("one second", "0.5 seconds")
    assert long.language_probability == 1.0


def test_chosen_utterances_fail() -> None:
    transcriber = FakeTranscriber(["a", "b", "c"], fails_on=[1])

    assert transcriber.transcribe(tone(0.1), None).text == "a"
    with pytest.raises(InferenceError, match="utterance 1"):
        transcriber.transcribe(tone(0.1), None)
    assert transcriber.transcribe(tone(0.1), None).text == "c"


def test_anger_comes_from_the_script_then_from_the_level() -> None:
    reader = FakeVoiceReader([0.25])
    windows = [CustomerWindow(tone(a, 16_000), 16_000) for a in (1.0, 1.0, 0.0)]

    readings = [reader.read(window) for window in windows]

    assert [reading.anger for reading in readings] == [0.25, 1.0, 0.0]
    assert readings[0].end_s == 2.0
    assert readings[0].level_dbfs == pytest.approx(-3.0, abs=0.1)
    assert readings[2].level_dbfs == -120.0
