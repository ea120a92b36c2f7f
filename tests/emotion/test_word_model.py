import io
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotion.errors import WordModelError
from emotion.events import WordSign
from emotion.plain import plain_text
from emotion.word_model import (
    N_SIGN_FEATURES,
    SIGNS,
    Basis,
    Beside,
    Nearness,
    Question,
    WordModel,
    grams,
    load_word_models,
    pack_word_model,
    parse_word_model,
    places_of_words,
    sign_features,
    values,
)

pytestmark = pytest.mark.unit

BESIDE = Beside("1", "toy-encoder")
NO_SIGNS = sign_features(frozenset(), 0.0)
Arrays = dict[str, NDArray[np.generic]]


def toy_arrays(angry: dict[str, int], caution: float = 0.0) -> Arrays:
    keys = sorted((zlib.crc32(gram.encode()), worth) for gram, worth in angry.items())
    weights = np.zeros((len(keys), len(Question)), np.int8)
    weights[:, Question.ANGRY] = [worth for _, worth in keys]
    signs = np.zeros((len(Question), N_SIGN_FEATURES), np.float32)
    signs[Question.ANGRY, SIGNS.index(WordSign.INSULT)] = 2.0
    return {
        "keys": np.array([key for key, _ in keys], np.uint32),
        "weights": weights,
        "scales": np.full(len(Question), 0.5, np.float32),
        "signs": signs,
        "bias": np.full(len(Question), -1.0, np.float32),
        "caution": np.full(len(Basis), caution, np.float32),
        "likely": np.full((len(Basis), len(Question)), 0.5, np.float32),
        # One known line, at (10, 0) after standardising.
        "known": np.array([[10, 0]], np.int8),
        "known_unit": np.ones(1, np.float32),
        "center": np.zeros(2, np.float32),
        "spread": np.array([0.1, 0.1], np.float32),
        "width": np.array([0.01], np.float32),
        "meaning": np.full((1, len(Question)), 6.0, np.float32),
        "meaning_bias": np.full(len(Question), -3.0, np.float32),
        "mix": np.repeat([[1.0], [1.0], [0.0]], len(Question), axis=1),
    }


def toy(angry: dict[str, int], caution: float = 0.0) -> WordModel:
    arrays = toy_arrays(angry, caution)
    return parse_word_model(pack_word_model(arrays, "en", BESIDE), "toy")


def test_grams_are_words_and_neighbours_with_the_edges() -> None:
    found = grams(["do", "it"])

    names = ["do", "it", "· do", "do it", "it ·"]
    assert found.keys.tolist() == [zlib.crc32(name.encode()) for name in names]
    assert found.firsts.tolist() == [0, 1, -1, 0, 1]
    assert found.lasts.tolist() == [0, 1, 0, 1, 2]


def test_nothing_said_has_no_grams() -> None:
    assert grams([]).keys.size == 0


@pytest.mark.parametrize(
    ("plain", "spaced", "places"),
    [
        ("do it now", True, [(0, 2), (3, 5), (6, 9)]),
        ("好的", False, [(0, 1), (1, 2)]),
        ("", True, []),
        ("", False, []),
    ],
)
def test_words_are_found_where_they_stand(
    plain: str, *, spaced: bool, places: list[tuple[int, int]]
) -> None:
    assert places_of_words(plain, spaced=spaced) == places


def test_a_repeated_gram_counts_by_its_logarithm() -> None:
    once, often = values(np.array([1, 8]))

    assert often / once == pytest.approx(1 + np.log(8))
    assert once**2 + often**2 == pytest.approx(1.0)


def test_a_known_word_moves_its_own_question_only() -> None:
    plain = plain_text("You are hopeless!", spaced=True, folds={})

    judged = toy({"hopeless": 20}).judge(plain, NO_SIGNS, spaced=True)

    calm = 1 / (1 + np.exp(1.0))
    assert judged[Question.ANGRY].p > 0.8
    assert judged[Question.UNHAPPY].p == pytest.approx(calm)
    assert judged[Question.UNHAPPY].span() == (0, len("you are hopeless"))


def test_the_words_that_weigh_most_are_shown() -> None:
    text = "well you are utterly hopeless my friend"
    plain = plain_text(text, spaced=True, folds={})

    model = toy({"utterly": 5, "hopeless": 20, "friend": -9, "well": -9})
    answer = model.judge(plain, NO_SIGNS, spaced=True)[Question.ANGRY]

    assert text[slice(*answer.span())] == "utterly hopeless"


def test_a_pair_of_words_counts_for_both() -> None:
    text = "are you joking now"
    plain = plain_text(text, spaced=True, folds={})

    answer = toy({"you joking": 9}).judge(plain, NO_SIGNS, spaced=True)[Question.ANGRY]

    assert text[slice(*answer.span())] == "you joking"


def test_signs_of_the_lexicon_count() -> None:
    plain = plain_text("anything", spaced=True, folds={})
    signs = sign_features({WordSign.INSULT}, 0.8)

    without = toy({}).judge(plain, NO_SIGNS, spaced=True)[Question.ANGRY].p
    beside = toy({}).judge(plain, signs, spaced=True)[Question.ANGRY].p

    assert without < 0.5 < beside


def test_the_meaning_counts_by_how_near_it_is_to_a_known_line() -> None:
    plain = plain_text("anything", spaced=True, folds={})
    model = toy({})

    same, far = (
        model.judge(plain, NO_SIGNS, np.array(vector, np.float32), spaced=True)
        for vector in ([1.0, 0.0], [-1.0, 0.0])
    )

    by_words = model.judge(plain, NO_SIGNS, spaced=True)[Question.ANGRY]
    assert far[Question.ANGRY].p < by_words.p < 0.5 < same[Question.ANGRY].p
    assert same[Question.ANGRY].yes
    assert not far[Question.ANGRY].yes


def test_nearness_falls_with_the_distance_from_one_to_zero() -> None:
    near = Nearness.of(toy_arrays({}))

    values = near.to_known(np.array([[1, 0], [0.5, 0], [-9, 0]], np.float32))

    assert values[0] == pytest.approx(1.0)
    assert values[0] > values[1] > values[2] == pytest.approx(0.0)


def test_caution_lowers_what_is_said_of_calls() -> None:
    plain = plain_text("hopeless", spaced=True, folds={})

    judged = toy({"hopeless": 20}, caution=1.5).judge(plain, NO_SIGNS, spaced=True)

    answer = judged[Question.ANGRY]
    odds = answer.p / (1 - answer.p)
    cautious_odds = answer.cautious_p / (1 - answer.cautious_p)
    assert np.log(odds / cautious_odds) == pytest.approx(1.5)


def test_the_same_arrays_make_the_same_file() -> None:
    arrays = toy_arrays({"hopeless": 20})

    assert pack_word_model(arrays, "en", BESIDE) == pack_word_model(
        arrays, "en", BESIDE
    )


def changed(content: bytes, name: str, array: NDArray[np.generic]) -> bytes:
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(target, "w") as new,
    ):
        for member in old.namelist():
            data = io.BytesIO()
            np.lib.format.write_array(data, array, allow_pickle=False)
            is_it = member == f"{name}.npy"
            new.writestr(member, data.getvalue() if is_it else old.read(member))
    return target.getvalue()


def test_other_weights_do_not_pass_for_the_ones_that_were_written() -> None:
    content = pack_word_model(toy_arrays({"hopeless": 20}), "en", BESIDE)
    forged = changed(content, "bias", np.zeros(len(Question), np.float32))

    with pytest.raises(WordModelError, match=r"en\.npz does not match its checksum"):
        parse_word_model(forged, "words-model.en.npz")


def test_a_file_of_another_format_is_refused() -> None:
    content = pack_word_model(toy_arrays({}), "en", BESIDE)
    newer = changed(content, "about", np.array(["99", "en", "1", "e", "0" * 64]))

    with pytest.raises(WordModelError, match="has format 99, not 3"):
        parse_word_model(newer, "words-model.en.npz")


@pytest.mark.parametrize("kept", [0, 10, 300])
def test_a_file_cut_short_says_how_to_repair_it(kept: int) -> None:
    content = pack_word_model(toy_arrays({"hopeless": 20}), "en", BESIDE)

    with pytest.raises(WordModelError, match="train_words"):
        parse_word_model(content[:kept], "words-model.en.npz")


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=255))
def test_a_damaged_byte_never_changes_an_answer(at: int, value: int) -> None:
    arrays = toy_arrays({"hopeless": 20})
    content = bytearray(pack_word_model(arrays, "en", BESIDE))
    content[at % len(content)] = value

    try:
        model = parse_word_model(bytes(content), "toy")
    except WordModelError:
        return
    assert model.version == toy({"hopeless": 20}).version


def test_the_package_comes_with_a_model_for_each_language() -> None:
    models = load_word_models()

    assert [model.language for model in models] == ["en", "zh"]
    assert len({model.version for model in models}) == 2
