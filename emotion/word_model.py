"""What was learned about words: how unhappy, angry or abusive an utterance is.

For each question a logistic regression on the words and pairs of words of the utterance
(characters, in a language that writes no spaces) and on the signs that the lexicon
found; another on how near its meaning is to that of known lines, where an encoder gives
its vector; and a third that weighs the two. `emotion.word_training` trains them.
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
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from emotion.errors import WordModelError
from emotion.events import WordSign
from emotion.plain import PlainText

FORMAT: Final = 3
"""Counts up when features or the file's fields change their meaning."""

EDGE: Final = "\N{MIDDLE DOT}"
"""Stands for what is before the first word and after the last."""

SIGNS: Final = tuple(WordSign)
N_SIGN_FEATURES: Final = len(SIGNS) + 1
"""One for each sign that was found, and the lexicon's hostility."""

_ARRAYS: Final = (
    "keys",
    "weights",
    "scales",
    "signs",
    "bias",
    "known",
    "known_unit",
    "center",
    "spread",
    "width",
    "meaning",
    "meaning_bias",
    "mix",
    "caution",
    "likely",
    "about",
)


class Question(IntEnum):
    """What a head answers; its row in the weights."""

    UNHAPPY = 0
    ANGRY = 1
    ABUSIVE = 2
    PUBLIC_THREAT = 3
    THIRD_PARTY_THREAT = 4
    CHURN = 5
    REPEATED_CONTACT = 6
    SUPERVISOR = 7
    RELIEVED = 8
    VENTING = 9
    COMPENSATION = 10
    TRUST = 11


class Basis(IntEnum):
    """What answers go by; its row in `caution` and `likely`."""

    WORDS = 0
    MEANING = 1


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
        yes: the answer, where yes and no have to be told apart.
        found: the grams of the utterance.
        parts: what each gram speaks for yes; shape ``(n_grams,)``.
        places: where each word stands in the plain text.
    """

    p: float
    cautious_p: float
    yes: bool
    found: Grams
    parts: NDArray[np.float64]
    places: Sequence[tuple[int, int]]

    def span(self) -> tuple[int, int]:
        """Where in the plain text the words are that speak most for yes.

        Returns:
            First character, and the one after the last. All of them when no single
            word does: then the meaning of the whole speaks for it.
        """
        first, last = _heaviest(self.found, self.parts, len(self.places))
        if last < first:
            first, last = 0, len(self.places) - 1
        return (self.places[first][0], self.places[last][1]) if self.places else (0, 0)


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


@dataclass(frozen=True, slots=True)
class Beside:
    """What a model was trained beside; it does not fit another.

    Attributes:
        lexicon: version of the language's lexicon.
        encoder: name of the encoder's weights.
    """

    lexicon: str
    encoder: str


@dataclass(frozen=True, slots=True, eq=False)
class Nearness:
    """How near in meaning a text is to lines that are known.

    Attributes:
        known: vectors of the lines, standardised, float32, shape ``(n_known, n_dims)``.
        center: taken off a vector, shape ``(n_dims,)``.
        spread: then divided by, shape ``(n_dims,)``.
        width: of the Gaussian, in squared standard deviations to the minus one.
    """

    known: NDArray[np.float32]
    center: NDArray[np.float32]
    spread: NDArray[np.float32]
    width: float

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """Take it from a model's arrays."""
        unit = float(arrays["known_unit"][0])
        return cls(
            arrays["known"].astype(np.float32) * np.float32(unit),
            arrays["center"].astype(np.float32),
            arrays["spread"].astype(np.float32),
            float(arrays["width"][0]),
        )

    def to_known(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return 1 for the same meaning down to 0; shape ``(n_vectors, n_known)``."""
        return self.between((vectors - self.center) / self.spread)

    def between(self, standard: NDArray[np.float32]) -> NDArray[np.float64]:
        """Do the same for vectors that are standardised already."""
        squares = (self.known**2).sum(axis=1)
        distance = (standard**2).sum(axis=1)[:, None] + squares
        distance = distance - 2.0 * standard @ self.known.T
        apart = np.maximum(distance.astype(np.float64), 0.0)
        return np.asarray(np.exp(-self.width * apart), np.float64)


def mixed(
    mix: NDArray[np.float64], words: NDArray[np.float64], meant: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weigh logits by the words and by the meaning.

    Args:
        mix: shape ``(3, n_questions)``: worth of the words, of the meaning, offset.
        words: logits, shape ``(..., n_questions)``.
        meant: logits, same shape.
    """
    return np.asarray(mix[0] * words + mix[1] * meant + mix[2], np.float64)


class WordModel:
    """Judges utterances of one language.

    Pure: the same text is always judged the same. Thread-safe.

    Attributes:
        language: ISO 639-1 code.
        version: first characters of the file's checksum.
        beside: what it was trained beside.
        arrays: what was learned, as `pack_word_model` takes it.
    """

    def __init__(
        self, arrays: Mapping[str, NDArray[np.generic]], language: str, beside: Beside
    ) -> None:
        self.language = language
        self.beside = beside
        self.version = checksum(arrays)[:8]
        self.arrays = arrays
        scales = arrays["scales"].astype(np.float64)
        self._keys = arrays["keys"].astype(np.uint32)
        self._weights = arrays["weights"].astype(np.float64) * scales
        self._signs = arrays["signs"].astype(np.float64)
        self._bias = arrays["bias"].astype(np.float64)
        self._near = Nearness.of(arrays)
        self._meaning = arrays["meaning"].astype(np.float64)
        self._meaning_bias = arrays["meaning_bias"].astype(np.float64)
        self._mix = arrays["mix"].astype(np.float64)
        self._caution = arrays["caution"].astype(np.float64)
        self._likely = arrays["likely"].astype(np.float64)

    def judge(
        self,
        plain: PlainText,
        signs: NDArray[np.float64],
        vector: NDArray[np.float32] | None = None,
        *,
        spaced: bool,
    ) -> Mapping[Question, Answer]:
        """Judge one utterance.

        Args:
            plain: its plain form.
            signs: shape ``(N_SIGN_FEATURES,)``, see `sign_features`.
            vector: its meaning, by the encoder that the model was trained beside;
                None: go by the words alone.
            spaced: the language puts spaces between words.
        """
        places = places_of_words(plain.text, spaced=spaced)
        found = grams([plain.text[start:end] for start, end in places])
        parts = self._parts(found.keys)
        logits = parts.sum(axis=0) + self._signs @ signs + self._bias
        basis = Basis.WORDS
        if vector is not None:
            basis = Basis.MEANING
            near = self._near.to_known(vector[None, :])[0]
            meant = near @ self._meaning + self._meaning_bias
            logits = mixed(self._mix, logits, meant)
        p = probability(logits)
        cautious_p = probability(logits - self._caution[basis])
        return {
            question: Answer(
                float(p[question]),
                float(cautious_p[question]),
                bool(p[question] >= self._likely[basis, question]),
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
        number, language, *about = map(str, arrays["about"])
    except _DAMAGE as error:
        raise WordModelError(f"{name} is damaged; {_REPAIR}") from error
    if number != str(FORMAT):
        raise WordModelError(f"{name} has format {number}, not {FORMAT}; {_REPAIR}")
    try:
        lexicon, encoder, wanted = about
        arrays = {key: arrays[key] for key in _ARRAYS}
    except (LookupError, ValueError) as error:
        raise WordModelError(f"{name} is damaged; {_REPAIR}") from error
    if checksum(arrays) != wanted:
        raise WordModelError(f"{name} does not match its checksum; {_REPAIR}")
    return WordModel(arrays, language, Beside(lexicon, encoder))


def _unpacked(content: bytes) -> dict[str, NDArray[np.generic]]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        if file.testzip() is not None:
            raise zipfile.BadZipFile("a member does not match its CRC")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


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
    arrays: Mapping[str, NDArray[np.generic]], language: str, beside: Beside
) -> bytes:
    """Make the content of a file; the same arrays give the same bytes.

    Args:
        arrays: ``keys`` uint32, ascending, shape ``(n,)``; ``weights`` int8, shape
            ``(n, n_questions)``; ``scales`` float32, what 1 of each question's weights
            is worth; ``signs`` float32, ``(n_questions, N_SIGN_FEATURES)``; ``bias``
            float32, ``(n_questions,)``; ``known`` int8, ``(n_known, n_dims)``;
            ``known_unit`` float32, ``(1,)``, what 1 of it is worth; ``center``,
            ``spread`` and ``width`` float32, see `Nearness`; ``meaning`` float32,
            ``(n_known, n_questions)``; ``meaning_bias`` float32, ``(n_questions,)``;
            ``mix`` float32, see `mixed`; ``caution`` float32, ``(n_bases,)``, taken
            off the logits where calls, not lines, are read; ``likely`` float32,
            ``(n_bases, n_questions)``, the probability from which on it is yes.
        language: ISO 639-1 code.
        beside: what it was trained beside.
    """
    named = (str(FORMAT), language, beside.lexicon, beside.encoder, checksum(arrays))
    about = np.array(named)
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
