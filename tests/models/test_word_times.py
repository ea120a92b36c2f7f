"""When each word was said, on a recording."""

import numpy as np
import pytest
from numpy.typing import NDArray

from audio.frame import RATE
from models.errors import InferenceError
from models.word_times import WhisperWordTimes

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def words() -> WhisperWordTimes:
    return WhisperWordTimes()


def test_words_are_found_in_order_behind_the_silence_before_them(
    words: WhisperWordTimes, spoken: NDArray[np.float32]
) -> None:
    late = np.concatenate([np.zeros(3 * RATE, np.float32), spoken])
    text = "Good morning. My bill was wrong."

    found = words.locate(late, text, "en")

    said = [text[one.start : one.end] for one in found]
    assert "".join(said) == text.replace(" ", "")
    times = [(one.start_s, one.end_s) for one in found]
    assert times == sorted(times)
    bill = next(one for one in found if text[one.start : one.end] == "bill")
    assert 3.5 < bill.start_s < bill.end_s < len(late) / RATE


def test_what_cannot_be_heard_is_one_error(
    words: WhisperWordTimes, spoken: NDArray[np.float32]
) -> None:
    with pytest.raises(InferenceError, match="samples"):
        words.locate(np.zeros(31 * RATE, np.float32), "hello", "en")
    with pytest.raises(InferenceError, match="language"):
        words.locate(spoken[:RATE], "hello", "xx")
