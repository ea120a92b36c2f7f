"""Our greedy decoder says what openai-whisper's says, and serves many threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import whisper
from numpy.typing import NDArray
from whisper.model import Whisper

from models.packed_linear import Precision
from models.whisper_decoder import GreedyDecoder
from models.whisper_encoder import CutEncoder
from models.whisper_weights import load_whisper


@pytest.mark.model
@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_is_that_of_openai_whisper(
    language: str,
    spoken: NDArray[np.float32],
    spoken_chinese: NDArray[np.float32],
) -> None:
    model = load_whisper()
    features = CutEncoder(model).encode_padded(
        spoken if language == "en" else spoken_chinese
    )
    options = whisper.DecodingOptions(
        language=language, without_timestamps=True, fp16=False
    )

    ours = GreedyDecoder(model, ("en", "zh")).decode(features, language, 200)

    theirs = whisper.decode(model, features[0], options)
    assert ours.text == theirs.text
    assert list(ours.tokens) == theirs.tokens
    assert ours.mean_logprob == pytest.approx(theirs.avg_logprob, abs=0.02)
    assert ours.no_speech_probability == pytest.approx(theirs.no_speech_prob, abs=1e-3)
    assert ours.ended


@pytest.mark.model
def test_weights_of_eight_bits_say_the_same_as_surely(
    spoken: NDArray[np.float32],
) -> None:
    model = load_whisper()
    features = CutEncoder(model).encode(spoken)

    exact = GreedyDecoder(model, ("en", "zh")).decode(features, None, 60)
    rounded = GreedyDecoder(model, ("en", "zh"), Precision.INT8).decode(
        features, None, 60
    )

    assert rounded.tokens == exact.tokens
    assert rounded.mean_logprob == pytest.approx(exact.mean_logprob, abs=0.03)
    assert rounded.language_probability == pytest.approx(
        exact.language_probability, abs=0.02
    )
    assert rounded.no_speech_probability == pytest.approx(
        exact.no_speech_probability, abs=0.02
    )


@pytest.mark.model
def test_language_is_chosen_among_those_given(spoken: NDArray[np.float32]) -> None:
    model = load_whisper()
    features = CutEncoder(model).encode(spoken)

    free = GreedyDecoder(model, ("zh", "en")).decode(features, None, 40)
    bound = GreedyDecoder(model, ("zh", "ja")).decode(features, None, 2)
    single = GreedyDecoder(model, ("en",)).decode(features, None, 2)

    assert free.language == "en"
    assert 0.9 < free.language_probability <= 1.0
    assert bound.language in {"zh", "ja"}
    assert single.language_probability == 1.0


@pytest.mark.unit
def test_limit_of_tokens_is_kept(tiny: Whisper) -> None:
    features = CutEncoder(tiny).encode(np.zeros(16_000, np.float32))
    decoder = GreedyDecoder(tiny, ("en",))

    found = decoder.decode(features, "en", 7)

    assert len(found.tokens) <= 7
    assert found.ended == (len(found.tokens) < 7)


@pytest.mark.unit
def test_threads_do_not_disturb_each_other(tiny: Whisper) -> None:
    draw = np.random.default_rng(0)
    encoder = CutEncoder(tiny)
    decoder = GreedyDecoder(tiny, ("en", "zh"))
    several = [
        encoder.encode(draw.standard_normal(16_000).astype(np.float32))
        for _ in range(6)
    ]
    expected = [decoder.decode(features, None, 12) for features in several]

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda f: decoder.decode(f, None, 12), several))

    assert found == expected


@pytest.mark.unit
def test_unknown_languages_are_refused(tiny: Whisper) -> None:
    with pytest.raises(ValueError, match="'xx'"):
        GreedyDecoder(tiny, ("en", "xx"))
