"""Trains what judges a customer's words, from labelled lines.

From nothing, or from a model that is there and a company's own lines: these then move
its answers only as far as they speak against them. Pure: the same lines give the same
model. Needs SciPy (the extra ``training``), which the service does not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotion.errors import TrainingError
from emotion.events import CustomerKind, Tier, WordSign
from emotion.lexicon import Lexicon
from emotion.plain import plain_text, spoken_text
from emotion.word_model import (
    Beside,
    Nearness,
    Question,
    grams,
    mixed,
    pack_word_model,
    places_of_words,
    probability,
    sign_features,
    values,
)
from emotion.words import CUSTOMERS, WordReader, expected_hostility
from models.ports import TextEncoder

try:
    from scipy import (  # type: ignore[import-untyped]  # it ships no types
        linalg,
        optimize,
        sparse,
    )
except ImportError as missing:  # pragma: no cover -- this project's tests need SciPy
    raise TrainingError(
        "training needs SciPy: pip install 'calmline[training]'"
    ) from missing

INT8_MAX: Final = 127
KNOWN_UNIT: Final = 0.2
"""Standard deviations to which the vectors of known lines are rounded: what that adds
to a distance is a third of a percent, and the file stays small."""

FLAGGED: Final = 0.25
"""Above this hostility a line counts as flagged."""

ANGRY: Final = 2
ABUSIVE: Final = 3

SIGNS: Final = {
    WordSign.CHURN: Question.CHURN,
    WordSign.REPEATED_CONTACT: Question.REPEATED_CONTACT,
    WordSign.SUPERVISOR: Question.SUPERVISOR,
    WordSign.THANKS: Question.RELIEVED,
    WordSign.RELIEF: Question.RELIEVED,
}
THREATS: Final = {
    Question.PUBLIC_THREAT: Tier.PUBLIC,
    Question.THIRD_PARTY_THREAT: Tier.THIRD_PARTY,
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A line of a customer and what a person made of it.

    Attributes:
        text: the words.
        level: 0 calm, 1 dissatisfied, 2 angry, 3 abusive.
        tier: whom the customer tells; None nobody.
        tier_known: the tier was labelled.
        signs: those of `SIGNS` that are in it; None when nobody looked for them.
        group: lines of a group are held out together.
        weight: what it counts for beside others.
        customers: what the customer wants most, empty where the line does not tell;
            None when nobody looked for it.
    """

    text: str
    level: int
    tier: Tier | None
    tier_known: bool = True
    signs: frozenset[WordSign] | None = None
    group: str = ""
    weight: float = 1.0
    customers: frozenset[CustomerKind] | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained; chosen on held-out lines, see docs/models/words.md.

    Attributes:
        penalty: strength of the gram weights' penalty.
        meaning_penalty: strength of the penalty on what is learned of the meaning.
        meaning_width: see `Nearness`.
        smoothing: added to the counts from which a gram's ratio of yes to no comes.
        ratio_floor: added to the ratio's logarithm, by which a gram is scaled.
        sign_scale: what a sign of the lexicon counts for beside a gram.
        calm_lines: share of calm lines that may be flagged when held out.
        calm_turns: the same of calm turns of open data.
        n_folds: how many parts are held out in turn.
        seed: decides the folds.
    """

    penalty: float = 0.1
    meaning_penalty: float = 0.1
    meaning_width: float = 0.003
    smoothing: float = 0.3
    ratio_floor: float = 0.3
    sign_scale: float = 0.5
    calm_lines: float = 0.06
    calm_turns: float = 0.007
    n_folds: int = 3
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Lines as a model sees them, a row for each.

    Attributes:
        keys: of the grams, uint32, ascending, shape ``(n_keys,)``.
        grams: sparse, shape ``(n_lines, n_keys)``.
        signs: shape ``(n_lines, N_SIGN_FEATURES)``.
        vectors: float32, shape ``(n_lines, n_dims)``.
        known: bool, shape ``(n_lines,)``: lines that others are compared with.
    """

    keys: NDArray[np.uint32]
    grams: sparse.csr_matrix
    signs: NDArray[np.float64]
    vectors: NDArray[np.float32]
    known: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What is true of the lines: a row for each line, a column for each question.

    Attributes:
        yes: bool.
        weight: float, zero where nobody knows.
    """

    yes: NDArray[np.bool_]
    weight: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Weights of all questions, before they are packed.

    Attributes:
        grams: shape ``(n_keys, n_questions)``.
        signs: shape ``(n_questions, N_SIGN_FEATURES)``.
        bias: shape ``(n_questions,)``.
        known_unit: what 1 of a stored coordinate of a known line is worth.
        near: the known lines.
        meaning: shape ``(n_known, n_questions)``.
        meaning_bias: shape ``(n_questions,)``.
    """

    grams: NDArray[np.float64]
    signs: NDArray[np.float64]
    bias: NDArray[np.float64]
    known_unit: float
    near: Nearness
    meaning: NDArray[np.float64]
    meaning_bias: NDArray[np.float64]

    def by_words(self, seen: Features) -> NDArray[np.float64]:
        """Logits by the words; shape ``(n_lines, n_questions)``."""
        sums = seen.grams @ self.grams + seen.signs @ self.signs.T
        return np.asarray(sums + self.bias, np.float64)

    def by_meaning(self, seen: Features) -> NDArray[np.float64]:
        """Logits by the meaning; shape ``(n_lines, n_questions)``."""
        near = self.near.to_known(seen.vectors)
        return np.asarray(near @ self.meaning + self.meaning_bias, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Scales:
    """What makes probabilities and answers of logits; see `WordModel`.

    Attributes:
        slope: of the logits by the words, shape ``(n_questions,)``.
        offset: added to them.
        mix: shape ``(3, n_questions)``.
        caution: shape ``(n_bases,)``.
        likely: shape ``(n_bases, n_questions)``.
    """

    slope: NDArray[np.float64]
    offset: NDArray[np.float64]
    mix: NDArray[np.float64]
    caution: NDArray[np.float64]
    likely: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trained:
    """What training gives.

    Attributes:
        content: of the model's file.
        held_out: contents of models that were each trained without one fold.
        folds: the fold of each line.
    """

    content: bytes
    held_out: tuple[bytes, ...]
    folds: tuple[int, ...]


def train(
    lines: Sequence[Labelled],
    calm: Sequence[Labelled],
    lexicon: Lexicon,
    encoder: TextEncoder,
    recipe: Recipe,
) -> Trained:
    """Train from nothing.

    Whole groups are held out in turn; what makes probabilities of logits comes from
    lines that a model had not seen.

    Args:
        lines: as hard as a model can be given, with a group each.
        calm: turns of calm calls, with a group each.
        lexicon: of the language.
        encoder: what the model is to be used beside.
        recipe: how.

    Raises:
        TrainingError: there are too few lines, or calm cannot be told from the rest.
    """
    every = [*lines, *calm]
    answers = answers_of(every)
    n = len(lines)
    folds = np.concatenate(
        [folds_of([one.group for one in part], recipe) for part in (lines, calm)]
    )
    seen = features_of([one.text for one in every], lexicon, encoder)
    seen.known[n:] = False
    words = np.zeros((len(every), len(Question)))
    meant = np.zeros_like(words)
    fits = []
    for fold in range(recipe.n_folds):
        fits.append(
            fit(_rows(seen, folds != fold), _kept(answers, folds != fold), recipe)
        )
        held_out = _rows(seen, folds == fold)
        words[folds == fold] = fits[-1].by_words(held_out)
        meant[folds == fold] = fits[-1].by_meaning(held_out)
    scales = _scales(words, meant, answers, n, recipe)
    beside = Beside(lexicon.version, encoder.name)
    final = fit(seen, answers, recipe)
    packed = [
        _packed(seen.keys, one, scales, lexicon.language, beside)
        for one in (*fits, final)
    ]
    return Trained(packed[-1], tuple(packed[:-1]), tuple(map(int, folds[:n])))


def answers_of(lines: Sequence[Labelled]) -> Answers:
    """Say for each line and question whether it is yes, and what that counts for."""
    yes = np.zeros((len(lines), len(Question)), np.bool_)
    weight = np.zeros((len(lines), len(Question)))
    for row, line in enumerate(lines):
        yes[row, Question.UNHAPPY] = line.level > 0
        yes[row, Question.ANGRY] = line.level >= ANGRY
        yes[row, Question.ABUSIVE] = line.level >= ABUSIVE
        weight[row, [Question.UNHAPPY, Question.ANGRY, Question.ABUSIVE]] = line.weight
        for question, tier in THREATS.items():
            yes[row, question] = line.tier is tier
            weight[row, question] = line.weight * line.tier_known
        for question in set(SIGNS.values()):
            weight[row, question] = line.weight * (line.signs is not None)
        for sign in line.signs or ():
            yes[row, SIGNS[sign]] = True
        for kind, question in CUSTOMERS.items():
            weight[row, question] = line.weight * (line.customers is not None)
            yes[row, question] = kind in (line.customers or ())
    return Answers(yes, weight)


def features_of(
    texts: Sequence[str], lexicon: Lexicon, encoder: TextEncoder
) -> Features:
    """Look at lines as the reader would."""
    reader = WordReader([lexicon])
    rows: list[int] = []
    found: list[int] = []
    data: list[float] = []
    signs = []
    for row, text in enumerate(texts):
        plain = plain_text(text, spaced=lexicon.spaced, folds=lexicon.folds).text
        places = places_of_words(plain, spaced=lexicon.spaced)
        keys, counts = np.unique(
            grams([plain[start:end] for start, end in places]).keys, return_counts=True
        )
        rows += [row] * len(keys)
        found += keys.tolist()
        data += values(counts).tolist() if len(counts) else []
        read = reader.read(text, lexicon.language, 0.0, 1.0)
        signs.append(sign_features({hit.sign for hit in read.hits}, read.hostility))
    keys, columns = np.unique(np.array(found, np.uint32), return_inverse=True)
    matrix = sparse.csr_matrix((data, (rows, columns)), (len(texts), len(keys)))
    vectors = np.array([encoder.encode(spoken_text(text)) for text in texts])
    known = np.ones(len(texts), np.bool_)
    return Features(keys, matrix, np.array(signs), vectors.astype(np.float32), known)


def folds_of(groups: Sequence[str], recipe: Recipe) -> NDArray[np.int64]:
    """Deal groups to folds by the seed."""
    names = sorted(set(groups))
    order = np.random.default_rng(recipe.seed).permutation(len(names))
    fold = {names[index]: place % recipe.n_folds for place, index in enumerate(order)}
    return np.array([fold[group] for group in groups], np.int64)


def fit(seen: Features, answers: Answers, recipe: Recipe) -> Fit:
    """Fit all questions, each gram scaled by how far it leans to yes or to no."""
    n_keys = len(seen.keys)
    by_words = []
    for question in Question:
        yes, weight = answers.yes[:, question], answers.weight[:, question]
        ratio = _log_ratio(seen.grams, weight * yes, weight * ~yes, recipe.smoothing)
        scale = np.concatenate(
            [
                np.abs(ratio) + recipe.ratio_floor,
                np.full(seen.signs.shape[1], recipe.sign_scale),
            ]
        )
        x = sparse.hstack([seen.grams, sparse.csr_matrix(seen.signs)]).tocsr()
        coefficients, bias = logistic(
            x @ sparse.diags(scale), yes, weight, recipe.penalty
        )
        by_words.append((coefficients * scale, bias))
    weights = np.array([one for one, _ in by_words])
    near, known_unit = _known(seen, recipe)
    meaning, meaning_bias = _least_squares(
        near, _kept(answers, seen.known), recipe.meaning_penalty
    )
    return Fit(
        weights[:, :n_keys].T,
        weights[:, n_keys:],
        np.array([bias for _, bias in by_words]),
        known_unit,
        near,
        meaning,
        meaning_bias,
    )


def _least_squares(
    near: Nearness, answers: Answers, penalty: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit 1 and -1 to the nearness of the known lines to each other.

    Returns:
        What each known line speaks for yes, a column for each question, and the biases.
    """
    # Half the precision is enough beside the penalty, and half the time.
    kernel = near.between(near.known).astype(np.float32)
    meaning = np.zeros((len(kernel), len(Question)))
    bias = np.zeros(len(Question))
    told = answers.weight > 0
    for pattern in np.unique(told, axis=1).T:
        rows = np.flatnonzero(pattern)
        if not len(rows):
            continue
        questions = np.flatnonzero((told == pattern[:, None]).all(axis=0))
        wanted = np.where(answers.yes[np.ix_(rows, questions)], 1.0, -1.0)
        bias[questions] = wanted.mean(axis=0)
        apart = (wanted - bias[questions]).astype(np.float32)
        ridged = kernel[np.ix_(rows, rows)]
        ridged[np.diag_indices(len(rows))] += np.float32(penalty)
        meaning[np.ix_(rows, questions)] = linalg.solve(ridged, apart, assume_a="pos")
    return meaning, bias


def _known(seen: Features, recipe: Recipe) -> tuple[Nearness, float]:
    """Standardise the known lines, as exactly as they will be stored."""
    own = seen.vectors[seen.known]
    center, spread = own.mean(axis=0), own.std(axis=0) + np.float32(1e-6)
    standard = (own - center) / spread
    steps = np.clip(np.rint(standard / KNOWN_UNIT), -INT8_MAX, INT8_MAX)
    stored = steps.astype(np.float32) * np.float32(KNOWN_UNIT)
    return Nearness(stored, center, spread, recipe.meaning_width), KNOWN_UNIT


def logistic(
    x: NDArray[np.float64] | sparse.csr_matrix,
    yes: NDArray[np.bool_],
    weight: NDArray[np.float64],
    penalty: float,
    offset: NDArray[np.float64] | float = 0.0,
) -> tuple[NDArray[np.float64], float]:
    """Fit a logistic regression with a squared penalty on all but the bias.

    Args:
        x: shape ``(n_lines, n_features)``.
        yes: shape ``(n_lines,)``.
        weight: shape ``(n_lines,)``.
        penalty: of half the sum of squares.
        offset: logits to begin with; what is learned is added to them.

    Returns:
        The coefficients and the bias.
    """
    sign = np.where(yes, 1.0, -1.0)

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (x @ theta[:-1] + theta[-1] + offset)
        slope = -sign * weight * probability(-margin)
        gradient = np.append(x.T @ slope + penalty * theta[:-1], slope.sum())
        value = weight @ np.logaddexp(0.0, -margin)
        return float(value + penalty * theta[:-1] @ theta[:-1] / 2), gradient

    start = np.zeros(x.shape[1] + 1)
    found = optimize.minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        # Held-out lines gain nothing from the last digits of the weights.
        options={"maxiter": 500, "ftol": 1e-6},
    )
    return np.asarray(found.x[:-1], np.float64), float(found.x[-1])


def _rows(seen: Features, kept: NDArray[np.bool_]) -> Features:
    return Features(
        seen.keys,
        seen.grams[np.flatnonzero(kept)],
        seen.signs[kept],
        seen.vectors[kept],
        seen.known[kept],
    )


def _kept(answers: Answers, kept: NDArray[np.bool_]) -> Answers:
    return Answers(answers.yes[kept], answers.weight[kept])


def _log_ratio(
    x: sparse.csr_matrix,
    yes: NDArray[np.float64],
    no: NDArray[np.float64],
    smoothing: float,
) -> NDArray[np.float64]:
    in_yes, in_no = (np.asarray(x.T @ weight) + smoothing for weight in (yes, no))
    ratio = np.log((in_yes / in_yes.sum()) / (in_no / in_no.sum()))
    return np.asarray(ratio, np.float64)


def _scales(
    words: NDArray[np.float64],
    meant: NDArray[np.float64],
    answers: Answers,
    n_lines: int,
    recipe: Recipe,
) -> Scales:
    """Find what makes probabilities, answers and caution, on held-out logits.

    Args:
        words: of the lines, then of the calm turns.
        meant: the same by meaning.
        answers: the same.
        n_lines: how many are lines: probabilities are as among them.
        recipe: how many calm ones may be flagged.
    """
    slope, offset, mix = [], [], []
    for question in Question:
        yes = answers.yes[:n_lines, question]
        weight = answers.weight[:n_lines, question]
        own, other = words[:n_lines, question], meant[:n_lines, question]
        (by_words,), bias = logistic(own[:, None], yes, weight, 1e-3)
        slope.append(by_words)
        offset.append(bias)
        both = np.stack([own * by_words + bias, other], axis=1)
        (first, second), bias = logistic(both, yes, weight, 1e-3)
        mix.append([first, second, bias])
    mixing = np.array(mix).T
    words = words * slope + offset
    bases = [words, mixed(mixing, words, meant)]
    calm = ~answers.yes[:n_lines, Question.UNHAPPY]
    caution = [
        max(
            caution_for(logits[:n_lines][calm], recipe.calm_lines),
            caution_for(logits[n_lines:], recipe.calm_turns),
        )
        for logits in bases
    ]
    likely = [
        [
            _likely(
                probability(logits[:n_lines, question]),
                answers.yes[:n_lines, question],
                answers.weight[:n_lines, question],
            )
            for question in Question
        ]
        for logits in bases
    ]
    return Scales(
        np.array(slope), np.array(offset), mixing, np.array(caution), np.array(likely)
    )


def _likely(
    p: NDArray[np.float64], yes: NDArray[np.bool_], weight: NDArray[np.float64]
) -> float:
    """Find the probability that tells yes from no best: by the mean of their F1."""
    best, found = -1.0, 0.5
    for threshold in np.arange(0.2, 0.81, 0.05):
        told = p >= threshold
        score = (_f1(told, yes, weight) + _f1(~told, ~yes, weight)) / 2
        # Near the middle where it makes no difference.
        score -= 0.02 * abs(float(threshold) - 0.5)
        if score > best:
            best, found = score, float(threshold)
    return found


def _f1(
    told: NDArray[np.bool_], true: NDArray[np.bool_], weight: NDArray[np.float64]
) -> float:
    every = float(weight @ told + weight @ true)
    return 2 * float(weight @ (told & true)) / max(every, 1e-9)


def caution_for(logits: NDArray[np.float64], share: float) -> float:
    """What to take off the logits so that no more than a share of calm is flagged.

    Raises:
        TrainingError: no caution is enough.
    """
    if not len(logits):
        return 0.0
    for caution in np.arange(0.0, 8.0, 0.05):
        p = probability(logits - caution)
        flagged = [expected_hostility(*row[: Question.ABUSIVE + 1]) for row in p]
        if np.mean(np.array(flagged) > FLAGGED) <= share:
            return float(caution)
    raise TrainingError("calm lines cannot be told from the others")


def _packed(
    keys: NDArray[np.uint32], fit: Fit, scales: Scales, language: str, beside: Beside
) -> bytes:
    weights = fit.grams * scales.slope
    unit = np.maximum(np.abs(weights).max(axis=0), 1e-9) / INT8_MAX
    stored = np.rint(weights / unit).astype(np.int8)
    used = np.any(stored, axis=1)
    arrays: Mapping[str, NDArray[np.generic]] = {
        "keys": keys[used],
        "weights": stored[used],
        "scales": unit.astype(np.float32),
        "signs": (fit.signs * scales.slope[:, None]).astype(np.float32),
        "bias": (fit.bias * scales.slope + scales.offset).astype(np.float32),
        "known": np.rint(fit.near.known / fit.known_unit).astype(np.int8),
        "known_unit": np.array([fit.known_unit], np.float32),
        "center": fit.near.center.astype(np.float32),
        "spread": fit.near.spread.astype(np.float32),
        "width": np.array([fit.near.width], np.float32),
        "meaning": fit.meaning.astype(np.float32),
        "meaning_bias": fit.meaning_bias.astype(np.float32),
        "mix": scales.mix.astype(np.float32),
        "caution": scales.caution.astype(np.float32),
        "likely": scales.likely.astype(np.float32),
    }
    return pack_word_model(arrays, language, beside)
