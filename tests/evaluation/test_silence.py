import numpy as np
import pytest

from evaluation.silence import Outcome, figures, listen, n_words
from evaluation.silence_sounds import RATE, SOUNDS
from models.fake import FakeDetector, FakeTranscriber, FakeVoiceReader
from server.engine import Models
from server.factory import CallFactory

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", SOUNDS)
def test_every_sound_is_a_sound_of_that_length_and_the_same_each_time(
    name: str,
) -> None:
    first, again = (SOUNDS[name](7.3, np.random.default_rng(3)) for _ in range(2))

    assert first.shape == (round(7.3 * RATE),)
    assert first.dtype == np.float32
    assert np.abs(first).max() <= 1.0
    assert np.array_equal(first, again)
    assert (np.abs(first).max() > 0) == (name != "silence")


@pytest.mark.parametrize(
    ("text", "n"),
    [("thank you for watching", 4), ("谢谢观看", 4), ("OK 好的", 3), ("", 0)],
)
def test_words_and_characters_are_counted(text: str, n: int) -> None:
    assert n_words(text) == n


def test_figures_are_for_ten_minutes() -> None:
    found = figures(
        [Outcome("street", 300.0, 3, 1, 2), Outcome("silence", 900.0, 1, 0, 0)]
    )

    values = {figure.name: figure.value for figure in found}
    assert values["silence.words_per_10min"] == pytest.approx(2.0)
    assert (values["silence.cues"], values["silence.alerts"]) == (1, 2)
    assert values["silence.minutes"] == pytest.approx(20.0)
    assert (values["silence.words.street"], values["silence.words.silence"]) == (3, 1)


def test_what_a_credulous_recogniser_writes_is_counted() -> None:
    # The detector takes all that is loud for speech, the recogniser answers always.
    factory = CallFactory.of(
        Models(FakeDetector, FakeTranscriber(), FakeVoiceReader(), ("fake",))
    )

    ringing = listen("ring_back", 15.0, factory)
    quiet = listen("silence", 15.0, factory)

    assert ringing.words >= 2
    assert quiet == Outcome("silence", 15.0, 0, 0, 0)
