"""What was learned about words: how unhappy, angry or abusive an utterance is.

A logistic regression for each question, on the words and pairs of words of the
utterance (characters, in a language that writes no spaces) and on the signs that the
lexicon found. It is trained by `python -m evaluation train_words`.
"""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import IntEnum
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotion.errors import WordModelError
from emotion.events import WordSign
from emotion.plain import PlainText

FORMAT: Final = 1
"""Counts up when features or the file's fields change their meaning."""

EDGE: Final = "\N{MIDDLE DOT}"
"""Stands for what is before the first word and after the last."""

SIGNS: Final = tuple(WordSign)
N_SIGN_FEATURES: Final = len(SIGNS) + 1
"""One for each sign that was found, and the lexicon's hostility."""

_ARRAYS: Final = ("keys", "weights", "scales", "signs", "bias", "caution", "about")


class Question(IntEnum):
    """What a head answers; its row in the weights."""

    UNHAPPY = 0
    ANGRY = 1
    ABUSIVE = 2
    PUBLIC_THREAT = 3
    THIRD_PARTY_THREAT = 4


@dataclass(frozen=True, slots=True, eq=False)
class Grams:
    """The words of an utterance and the pairs of neighbours, edges included.

    Attributes:
        keys: uint32, shape ``(n_grams,)``: CRC-32 of each.
        firsts: int64, same shape: index of its first word, -1 for the edge before.
        lasts: int64, same shape: index of its last word, ``n_words`` for the edge.
    """

    keys: NDArray[np.uint32]
    firsts: NDArray[np.int64]
    lasts: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a model makes of one utterance for one question.

    Attributes:
        p: probability of yes, in [0, 1], where as many lines say yes as in training.
        cautious_p: the same in calls, where nearly all is calm.
        found: the grams of the utterance.
        parts: what each gram speaks for yes; shape ``(n_grams,)``.
        places: where each word stands in the plain text.
    """

    p: float
    cautious_p: float
    found: Grams
    parts: NDArray[np.float64]
    places: Sequence[tuple[int, int]]

    def span(self) -> tuple[int, int]:
        """Where in the plain text the words are that speak most for yes.

        Returns:
            First character, and the one after the last; the same when none does.
        """
        first, last = _heaviest(self.found, self.parts, len(self.places))
        return (
            (self.places[first][0], self.places[last][1]) if last >= first else (0, 0)
        )


def places_of_words(plain: str, *, spaced: bool) -> list[tuple[int, int]]:
    """Where the words of a plain text start and end; else its characters."""
    if not spaced:
        return [(at, at + 1) for at in range(len(plain))]
    places = []
    at = 0
    for word in plain.split(" "):
        if word:
            places.append((at, at + len(word)))
        at += len(word) + 1
    return places


def grams(words: Sequence[str]) -> Grams:
    """Take the words and the pairs of neighbours; none where there is no word."""
    pairs = zip([EDGE, *words], [*words, EDGE], strict=True) if words else ()
    names = [*words, *(" ".join(pair) for pair in pairs)]
    n = len(words)
    return Grams(
        np.array([zlib.crc32(name.encode()) for name in names], np.uint32),
        np.array([*range(n), *range(-1, len(names) - n - 1)], np.int64),
        np.array([*range(n), *range(len(names) - n)], np.int64),
    )


def values(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weigh how often each gram occurs: logarithm, then unit length."""
    weighed = 1.0 + np.log(counts)
    return np.asarray(weighed / np.linalg.norm(weighed), np.float64)


def probability(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn logits into probabilities."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0))), np.float64)


class WordModel:
    """Judges utterances of one language.

    Pure: the same text is always judged the same. Thread-safe.

    Attributes:
        language: ISO 639-1 code.
        version: first characters of the file's checksum.
        lexicon: version of the lexicon that it was trained beside.
    """

    def __init__(
        self, arrays: Mapping[str, NDArray[np.generic]], language: str, lexicon: str
    ) -> None:
        self.language = language
        self.lexicon = lexicon
        self.version = checksum(arrays)[:8]
        self._keys = arrays["keys"].astype(np.uint32)
        scales = arrays["scales"].astype(np.float64)
        self._weights = arrays["weights"].astype(np.float64) * scales
        self._signs = arrays["signs"].astype(np.float64)
        self._bias = arrays["bias"].astype(np.float64)
        self._caution = float(arrays["caution"][0])

    def judge(
        self, plain: PlainText, signs: NDArray[np.float64], *, spaced: bool
    ) -> Mapping[Question, Answer]:
        """Judge one utterance.

        Args:
            plain: its plain form.
            signs: shape ``(N_SIGN_FEATURES,)``, see `sign_features`.
            spaced: the language puts spaces between words.
        """
        places = places_of_words(plain.text, spaced=spaced)
        found = grams([plain.text[start:end] for start, end in places])
        parts = self._parts(found.keys)
        logits = parts.sum(axis=0) + self._signs @ signs + self._bias
        p = probability(logits)
        cautious_p = probability(logits - self._caution)
        return {
            question: Answer(
                float(p[question]),
                float(cautious_p[question]),
                found,
                parts[:, question],
                places,
            )
            for question in Question
        }

    def _parts(self, keys: NDArray[np.uint32]) -> NDArray[np.float64]:
        """What each gram adds to each question; shape ``(n_grams, n_questions)``."""
        parts = np.zeros((len(keys), len(Question)))
        if not len(keys):
            return parts
        _, at, counts = np.unique(keys, return_inverse=True, return_counts=True)
        shares = values(counts) / counts
        rows = np.searchsorted(self._keys, keys)
        known = rows < len(self._keys)
        known[known] = self._keys[rows[known]] == keys[known]
        parts[known] = self._weights[rows[known]] * shares[at[known], None]
        return parts


def sign_features(
    signs: AbstractSet[WordSign], hostility: float
) -> NDArray[np.float64]:
    """Tell a model what the lexicon found; shape ``(N_SIGN_FEATURES,)``."""
    found = [1.0 if sign in signs else 0.0 for sign in SIGNS]
    return np.array([*found, hostility])


def checksum(arrays: Mapping[str, NDArray[np.generic]]) -> str:
    """SHA-256 over what is learned, in hexadecimal."""
    digest = hashlib.sha256()
    for name in _ARRAYS[:-1]:
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def file_name(language: str) -> str:
    """Name of the file of weights of a language."""
    return f"words-model.{language}.npz"


def load_word_models() -> tuple[WordModel, ...]:
    """Read the models that come with the package, in the order of their names.

    Raises:
        WordModelError: one of them is damaged.
    """
    folder = resources.files("emotion") / "data"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".npz")),
        key=lambda file: file.name,
    )
    return tuple(parse_word_model(file.read_bytes(), file.name) for file in files)


def parse_word_model(content: bytes, name: str) -> WordModel:
    """Make a model from the content of its file.

    Args:
        content: what `pack_word_model` gave.
        name: of the file, for the message of an error.

    Raises:
        WordModelError: damaged, or of another format.
    """
    try:
        arrays = _unpacked(content)
        number, language, lexicon, wanted = (str(one) for one in arrays["about"])
    except _DAMAGE as error:
        raise WordModelError(f"{name} is damaged; {_REPAIR}") from error
    if number != str(FORMAT):
        raise WordModelError(f"{name} has format {number}, not {FORMAT}; {_REPAIR}")
    if checksum(arrays) != wanted:
        raise WordModelError(f"{name} does not match its checksum; {_REPAIR}")
    return WordModel(arrays, language, lexicon)


def _unpacked(content: bytes) -> dict[str, NDArray[np.generic]]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        if file.testzip() is not None:
            raise zipfile.BadZipFile("a member does not match its CRC")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {key: file[key] for key in _ARRAYS}


_DAMAGE: Final = (
    EOFError,
    LookupError,
    OSError,
    # How zipfile refuses flags and compressions that it does not know.
    RuntimeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)

_REPAIR: Final = (
    "install the package again, or train the model with "
    "`python -m evaluation train_words`"
)


def pack_word_model(
    arrays: Mapping[str, NDArray[np.generic]], language: str, lexicon: str
) -> bytes:
    """Make the content of a file; the same arrays give the same bytes.

    Args:
        arrays: ``keys`` uint32, ascending, shape ``(n,)``; ``weights`` int8, shape
            ``(n, n_questions)``; ``scales`` float32, what 1 of each question's weights
            is worth; ``signs`` float32, ``(n_questions, N_SIGN_FEATURES)``; ``bias``
            float32, ``(n_questions,)``; ``caution`` float32, ``(1,)``, taken off
            the logits where calls, not lines, are read.
        language: ISO 639-1 code.
        lexicon: version of the lexicon that it was trained beside.
    """
    about = np.array([str(FORMAT), language, lexicon, checksum(arrays)])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name in _ARRAYS:
            array = about if name == "about" else arrays[name]
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            # A ZipInfo without a date keeps the clock out of the file.
            info = zipfile.ZipInfo(f"{name}.npy")
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, member.getvalue())
    return buffer.getvalue()


def _heaviest(
    found: Grams, parts: NDArray[np.float64], n_words: int
) -> tuple[int, int]:
    """Find the neighbouring words that together speak most for it.

    Returns:
        The first and the last of them; the last is below the first when no word
        speaks for it.
    """
    shares = np.zeros(n_words)
    firsts = np.maximum(found.firsts, 0)
    lasts = np.minimum(found.lasts, n_words - 1)
    halves = parts / np.where(lasts > firsts, 2.0, 1.0)
    np.add.at(shares, firsts, halves)
    np.add.at(shares, lasts[lasts > firsts], halves[lasts > firsts])
    best, span = 0.0, (0, -1)
    total, since = 0.0, 0
    for at, share in enumerate(shares.tolist()):
        if total <= 0:
            total, since = 0.0, at
        total += share
        if total > best:
            best, span = total, (since, at)
    return span
