"""Moves a word model's answers towards a company's own labelled lines.

What the model knows stays: only what the lines say against it is learned, the less of
it the fewer they are. Pure; needs SciPy, as `emotion.word_training` does.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import linalg  # type: ignore[import-untyped]  # it ships no types

from emotion.errors import TrainingError
from emotion.events import Tier
from emotion.lexicon import Lexicon
from emotion.plain import plain_text
from emotion.word_model import (
    Nearness,
    Question,
    WordModel,
    pack_word_model,
    parse_word_model,
)
from emotion.word_training import (
    ANGRY,
    FLAGGED,
    INT8_MAX,
    Answers,
    Features,
    Labelled,
    answers_of,
    features_of,
    logistic,
)
from emotion.words import WordReader
from models.ports import TextEncoder

HELD_OUT: Final = 4
"""One customer of so many is held out for the table; there have to be as many."""

FEWEST: Final = 5
"""A question is left as it was with fewer lines that say yes, or no, than this."""

PENALTY: Final = 2.0
"""How much has to speak against the model (adopted)."""


@dataclass(frozen=True, slots=True)
class Scores:
    """How well lines are read; not a number where the lines do not allow it.

    Attributes:
        auc: chance that an angry line is read as more hostile than another.
        tier_f1: macro F1 of whom the customer tells.
        flagged_calm: share of calm lines above `FLAGGED`.
        flagged_angry: the same of angry ones.
    """

    auc: float
    tier_f1: float
    flagged_calm: float
    flagged_angry: float


@dataclass(frozen=True, slots=True)
class Adapted:
    """What adapting gives.

    Attributes:
        content: of the file, from all lines.
        n_held_out: lines that the table is about; `before` and `after` read them, and
            the second had learned from the others only.
    """

    content: bytes
    n_held_out: int
    before: Scores
    after: Scores


def adapt(
    model: WordModel,
    lines: Sequence[Labelled],
    lexicon: Lexicon,
    encoder: TextEncoder,
) -> Adapted:
    """Learn from own lines on top of a model.

    Args:
        model: to begin with; it stays as it is.
        lines: of the model's language; a group is a customer or a call.
        lexicon: of that language.
        encoder: that the model was trained beside.

    Raises:
        TrainingError: there are too few lines.
    """
    held_out = _held_out(lines)
    calm = np.array([line.level == 0 for line in lines])
    n_calm, n_other = (~held_out & calm).sum(), (~held_out & ~calm).sum()
    if min(n_calm, n_other) < FEWEST:
        raise TrainingError(
            f"too few lines: at least {FEWEST} of level 0 and {FEWEST} of a higher one "
            f"are needed beside those held out, got {n_calm} and {n_other}"
        )
    learned = [line for line, out in zip(lines, held_out, strict=True) if not out]
    spared = [line for line, out in zip(lines, held_out, strict=True) if out]
    tried = parse_word_model(_adapted(model, learned, lexicon, encoder), "own")
    return Adapted(
        _adapted(model, lines, lexicon, encoder),
        len(spared),
        scores(spared, WordReader([lexicon], [model], encoder)),
        scores(spared, WordReader([lexicon], [tried], encoder)),
    )


def scores(lines: Sequence[Labelled], reader: WordReader) -> Scores:
    """Read lines of one language and compare."""
    language = reader.languages[0]
    read = [reader.read(line.text, language, 0.0, 1.0) for line in lines]
    hostility = np.array([one.hostility for one in read])
    calm = np.array([line.level == 0 for line in lines], np.bool_)
    angry = np.array([line.level >= ANGRY for line in lines], np.bool_)
    tiers = [
        (line.tier, one.tier)
        for line, one in zip(lines, read, strict=True)
        if line.tier_known
    ]
    return Scores(
        _auc(hostility[angry], hostility[~angry]),
        _macro_f1(tiers),
        _share(hostility[calm] > FLAGGED),
        _share(hostility[angry] > FLAGGED),
    )


def _held_out(lines: Sequence[Labelled]) -> NDArray[np.bool_]:
    """Choose one customer in `HELD_OUT`; the same ones whatever order they come in.

    Raises:
        TrainingError: there are fewer customers than that.
    """
    names = [line.group or line.text for line in lines]
    order = sorted(set(names), key=lambda one: hashlib.sha256(one.encode()).digest())
    if len(order) < HELD_OUT:
        raise TrainingError(
            f"too few customers: one in {HELD_OUT} is held out for the table, got "
            f"{len(order)} (the field group says whose line it is)"
        )
    chosen = set(order[: len(order) // HELD_OUT])
    return np.array([name in chosen for name in names])


def _share(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _auc(angry: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    if not len(angry) or not len(others):
        return float("nan")
    above = (angry[:, None] > others).mean()
    return float(above + (angry[:, None] == others).mean() / 2)


def _macro_f1(tiers: Sequence[tuple[Tier | None, Tier | None]]) -> float:
    true = [label for label, _ in tiers]
    read = [label for _, label in tiers]
    right = [label for label, found in tiers if label == found]
    found = [
        2 * right.count(label) / (true.count(label) + read.count(label))
        for label in dict.fromkeys(true)
    ]
    return float(np.mean(found)) if found else float("nan")


def _adapted(
    model: WordModel,
    lines: Sequence[Labelled],
    lexicon: Lexicon,
    encoder: TextEncoder,
) -> bytes:
    answers = answers_of(lines)
    texts = [line.text for line in lines]
    seen = features_of(texts, lexicon, encoder)
    by_words, both = (
        _logits(model, texts, seen, lexicon, encoder=one) for one in (None, encoder)
    )
    arrays = dict(model.arrays)
    mix = arrays["mix"].astype(np.float64)
    near = Nearness.of(arrays)
    root = np.linalg.cholesky(near.between(near.known) + 1e-5 * np.eye(len(near.known)))
    # Coordinates of the nearness whose plain squares are the kernel's penalty.
    placed = linalg.solve_triangular(root, near.to_known(seen.vectors).T, lower=True).T
    grams = np.zeros((len(seen.keys), len(Question)))
    bias = arrays["bias"].astype(np.float64)
    meaning = arrays["meaning"].astype(np.float64)
    meaning_bias = arrays["meaning_bias"].astype(np.float64)
    for question in Question:
        yes, weight = answers.yes[:, question], answers.weight[:, question]
        if not _enough(answers, question):
            continue
        grams[:, question], step = logistic(
            seen.grams, yes, weight, PENALTY, by_words[:, question]
        )
        bias[question] += step
        moved = seen.grams @ grams[:, question] + step
        offset = both[:, question] + mix[0, question] * moved
        learned, step = logistic(placed, yes, weight, PENALTY, offset)
        worth = max(mix[1, question], 1e-3)
        meaning[:, question] += (
            linalg.solve_triangular(root.T, learned, lower=False) / worth
        )
        meaning_bias[question] += step / worth
    arrays |= _merged(arrays["keys"], _weights(model), seen.keys, grams)
    arrays["bias"] = bias.astype(np.float32)
    arrays["meaning"] = meaning.astype(np.float32)
    arrays["meaning_bias"] = meaning_bias.astype(np.float32)
    return pack_word_model(arrays, model.language, model.beside)


def _enough(answers: Answers, question: Question) -> bool:
    told = answers.yes[answers.weight[:, question] > 0, question]
    return min(int(told.sum()), int((~told).sum())) >= FEWEST


def _logits(
    model: WordModel,
    texts: Sequence[str],
    seen: Features,
    lexicon: Lexicon,
    *,
    encoder: TextEncoder | None,
) -> NDArray[np.float64]:
    """What the model makes of the lines; shape ``(n_lines, n_questions)``."""
    found = np.zeros((len(texts), len(Question)))
    for row, text in enumerate(texts):
        plain = plain_text(text, spaced=lexicon.spaced, folds=lexicon.folds)
        vector = seen.vectors[row] if encoder else None
        judged = model.judge(plain, seen.signs[row], vector, spaced=lexicon.spaced)
        p = np.clip([judged[one].p for one in Question], 1e-12, 1 - 1e-12)
        found[row] = np.log(p / (1 - p))
    return found


def _weights(model: WordModel) -> NDArray[np.float64]:
    scales = model.arrays["scales"].astype(np.float64)
    return np.asarray(model.arrays["weights"].astype(np.float64) * scales, np.float64)


def _merged(
    keys: NDArray[np.generic],
    weights: NDArray[np.float64],
    more_keys: NDArray[np.uint32],
    more: NDArray[np.float64],
) -> dict[str, NDArray[np.generic]]:
    """Add what was learned of grams to what was known, and store it anew."""
    every, rows = np.unique(
        np.concatenate([keys.astype(np.uint32), more_keys]), return_inverse=True
    )
    total = np.zeros((len(every), len(Question)))
    np.add.at(total, rows, np.concatenate([weights, more]))
    unit = np.maximum(np.abs(total).max(axis=0), 1e-9) / INT8_MAX
    stored = np.rint(total / unit).astype(np.int8)
    used = np.any(stored, axis=1)
    return {
        "keys": every[used],
        "weights": stored[used],
        "scales": unit.astype(np.float32),
    }
