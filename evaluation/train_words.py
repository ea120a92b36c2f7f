"""`python -m evaluation train_words`: train what judges a customer's words.

Each language is learned from service lines, and from calm turns of open data so that
calm calls stay calm. Whole groups of service lines (a trade each) and whole dialogues
are held out in turn: the calibration and the figures come from models that had not
seen them. The model that is written is trained on all lines and on half of the turns.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]  # it ships no types
from sklearn.linear_model import LogisticRegression

from emotion.events import Tier, WordReading
from emotion.lexicon import Lexicon, load_lexicons
from emotion.plain import plain_text
from emotion.word_model import (
    N_SIGN_FEATURES,
    Question,
    file_name,
    grams,
    pack_word_model,
    parse_word_model,
    places_of_words,
    probability,
    sign_features,
    values,
)
from emotion.words import THREATS, WordReader, expected_hostility
from evaluation.report import Figure, Report
from evaluation.words import THRESHOLD, Line, Reader, bare, measure, read_lines
from models.errors import DataError

OWN_LINES = Path(__file__).parent / "words_training"
CALM_SOURCES = ("natcs", "jddc_sat")
N_FOLDS = 5
INT8_MAX = 127

Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained; chosen on held-out lines, see docs/models/words.md.

    Attributes:
        penalty: strength of the weights' penalty; scikit-learn's C is its inverse.
        smoothing: added to the counts from which a gram's ratio of yes to no comes.
        ratio_floor: added to the ratio's logarithm, by which a gram is scaled.
        sign_scale: what a sign of the lexicon counts for beside a gram.
        calm_weight: weight of a calm turn of open data beside a line's.
        dropped: share of words that a noisy copy of a line loses.
        copies: how many noisy copies of each line are learned from.
        calm_lines: share of calm lines that may be flagged when held out.
        calm_turns: the same of calm turns.
        seed: decides the folds and the noise.
    """

    penalty: float = 0.1
    smoothing: float = 0.3
    ratio_floor: float = 0.3
    sign_scale: float = 0.5
    calm_weight: float = 0.3
    dropped: float = 0.1
    copies: int = 0
    calm_lines: float = 0.06
    calm_turns: float = 0.007
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Lines as a model sees them, a row for each.

    Attributes:
        grams: shape ``(n_lines, n_keys)``.
        signs: shape ``(n_lines, N_SIGN_FEATURES)``.
        yes: bool, shape ``(n_lines, n_questions)``.
        weight: shape ``(n_lines,)``.
        fold: in which fold each is held out.
    """

    grams: sparse.csr_matrix
    signs: NDArray[np.float64]
    yes: NDArray[np.bool_]
    weight: NDArray[np.float64]
    fold: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GroupedLine:
    """A line and what it is held out with."""

    line: Line
    group: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help="turns of open data, lines of JSON, plain or .gz; calm service turns "
        f"({', '.join(CALM_SOURCES)}) are used",
    )
    parser.add_argument(
        "--lines",
        type=Path,
        default=OWN_LINES,
        metavar="DIR",
        help="folder of labelled service lines with a group; ours by default",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where models go"
    )
    parser.add_argument("--seed", type=int, default=1, help="default: 1")


def run(args: argparse.Namespace) -> Report:
    """Train a model for each language that has lines and a lexicon.

    Raises:
        DataError: a file cannot be read, or there is no line to learn from.
    """
    recipe = Recipe(seed=args.seed)
    own = [
        line for path in sorted(args.lines.glob("*.jsonl")) for line in grouped(path)
    ]
    if not own:
        raise DataError(f"no line to learn from in {args.lines.name}")
    turns = _calm_turns(args.data)
    figures: list[Figure] = []
    notes: list[str] = []
    for lexicon in load_lexicons():
        lines = [one for one in own if one.line.lang == lexicon.language]
        calm = [one for one in turns if one.line.lang == lexicon.language]
        if not lines:
            continue
        trained = train(lines, calm, lexicon, recipe)
        (args.out / file_name(lexicon.language)).write_bytes(trained.content)
        report = trained.report
        figures += report.figures
        notes = [*notes, *(note for note in report.notes if note not in notes)]
    data = f"{args.lines.name} and {args.data.name}"
    return Report(f"train_words --seed {recipe.seed}", data, figures, notes)


def grouped(path: Path) -> Iterator[GroupedLine]:
    """Read labelled lines with their group.

    Raises:
        DataError: a line is not what it should be, or has no group.
    """
    lines = read_lines(path)
    rows = [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines()]
    if len(lines) != len(rows) or not all("group" in row for row in rows):
        raise DataError(f"{path.name}: every line needs a group and a level")
    for line, row in zip(lines, rows, strict=True):
        yield GroupedLine(line, str(row["group"]))


def _calm_turns(path: Path) -> list[GroupedLine]:
    """Calm customer turns, each text once, held out by dialogue where it has one."""
    found: dict[tuple[str, str], GroupedLine] = {}
    for line in read_lines(path, CALM_SOURCES):
        if line.level == 0 and line.text.strip():
            key = (line.lang, bare(line.text))
            # The English turns are all of one name: they stand alone.
            group = line.dialog if line.lang == "zh" else key[1]
            found.setdefault(key, GroupedLine(replace(line, dialog=""), group))
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Trained:
    """A model for one language.

    Attributes:
        content: of its file.
        report: figures of lines that were held out, lexicon alone and with models.
    """

    content: bytes
    report: Report


def train(
    lines: Sequence[GroupedLine],
    calm: Sequence[GroupedLine],
    lexicon: Lexicon,
    recipe: Recipe,
) -> Trained:
    """Train on service lines and calm turns of one language.

    Half of the turns are only measured with.
    """
    learned = [one for one in calm if _hashed(one.group) % 2]
    spared = [one.line for one in calm if not _hashed(one.group) % 2]
    folds = np.concatenate(
        [
            _folds([one.group for one in lines], recipe.seed),
            _folds([one.group for one in learned], recipe.seed),
        ]
    )
    keys, examples = _examples(lines, learned, folds, lexicon, recipe)
    logits = np.zeros((len(folds), len(Question)))
    raw = []
    for fold in range(N_FOLDS):
        raw.append(_fit(examples, examples.fold != fold, recipe))
        held_out = np.flatnonzero(folds == fold)
        logits[held_out] = raw[-1].logits(examples, held_out)
    n = len(lines)
    platt = _calibration(logits[:n], examples.yes[:n])
    logits = logits * platt[:, 0] + platt[:, 1]
    calm_lines = logits[:n][~examples.yes[:n, Question.UNHAPPY]]
    caution = max(
        _caution(calm_lines, recipe.calm_lines), _caution(logits[n:], recipe.calm_turns)
    )
    readers = [
        WordReader(
            [lexicon],
            [parse_word_model(_packed(keys, fit, platt, caution, lexicon), "")],
        )
        for fit in raw
    ]
    final = _fit(examples, np.ones(len(examples.fold), bool), recipe)
    content = _packed(keys, final, platt, caution, lexicon)
    held_out_reader = HeldOut(readers, [one.line.text for one in lines], folds[:n])
    return Trained(
        content,
        _report([one.line for one in lines], spared, lexicon, held_out_reader),
    )


class HeldOut:
    """Reads each line with the model that was trained without it."""

    def __init__(
        self,
        readers: Sequence[WordReader],
        texts: Sequence[str],
        folds: NDArray[np.int64],
    ) -> None:
        self._readers = readers
        self._fold = {
            bare(text): int(fold) for text, fold in zip(texts, folds, strict=True)
        }

    def read(
        self, text: str, language: str, start_s: float, end_s: float
    ) -> WordReading:
        """Read one utterance; one that is in no fold with the first model."""
        reader = self._readers[self._fold.get(bare(text), 0)]
        return reader.read(text, language, start_s, end_s)


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Weights of all questions: of the grams, of the signs, and the biases."""

    grams: NDArray[np.float64]
    signs: NDArray[np.float64]
    bias: NDArray[np.float64]

    def logits(
        self, examples: Examples, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the logits of some lines, a column for each question."""
        sums = examples.grams[rows] @ self.grams + examples.signs[rows] @ self.signs.T
        return np.asarray(sums + self.bias, np.float64)


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _folds(groups: Sequence[str], seed: int) -> NDArray[np.int64]:
    names = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(names))
    fold = {names[index]: place % N_FOLDS for place, index in enumerate(order)}
    return np.array([fold[group] for group in groups], np.int64)


def _examples(
    lines: Sequence[GroupedLine],
    calm: Sequence[GroupedLine],
    folds: NDArray[np.int64],
    lexicon: Lexicon,
    recipe: Recipe,
) -> tuple[NDArray[np.uint32], Examples]:
    reader = WordReader([lexicon])
    chance = np.random.default_rng(recipe.seed)
    texts = [one.line.text for one in (*lines, *calm)]
    used = [one.line for one in (*lines, *calm)]
    origin = list(range(len(used)))
    for _ in range(recipe.copies):
        for index in range(len(lines)):
            texts.append(_noisy(texts[index], lexicon, recipe.dropped, chance))
            origin.append(index)
    rows, columns, data, signs = [], [], [], []
    columns_of: dict[int, int] = {}
    for row, text in enumerate(texts):
        plain = plain_text(text, spaced=lexicon.spaced, folds=lexicon.folds).text
        places = places_of_words(plain, spaced=lexicon.spaced)
        found, counts = np.unique(
            grams([plain[start:end] for start, end in places]).keys, return_counts=True
        )
        rows += [row] * len(found)
        columns += [columns_of.setdefault(int(k), len(columns_of)) for k in found]
        data += list(values(counts)) if len(counts) else []
        read = reader.read(text, lexicon.language, 0.0, 1.0)
        signs.append(sign_features({hit.sign for hit in read.hits}, read.hostility))
    keys = np.array(list(columns_of), np.uint32)
    order = np.argsort(keys)
    shape = (len(texts), len(keys))
    matrix = sparse.csr_matrix((data, (rows, columns)), shape=shape)
    weight = np.concatenate(
        [np.ones(len(lines)), np.full(len(calm), recipe.calm_weight)]
    )
    return keys[order], Examples(
        matrix[:, order].tocsr(),
        np.array(signs),
        np.array([_yes(used[index]) for index in origin]),
        weight[origin],
        folds[origin],
    )


def _yes(line: Line) -> list[bool]:
    answers = {
        Question.UNHAPPY: line.level >= 1,
        Question.ANGRY: line.level >= 2,  # noqa: PLR2004 -- the scale of the data
        Question.ABUSIVE: line.level >= 3,  # noqa: PLR2004 -- the scale of the data
        Question.PUBLIC_THREAT: line.tier is Tier.PUBLIC,
        Question.THIRD_PARTY_THREAT: line.tier is Tier.THIRD_PARTY,
    }
    return [answers[question] for question in Question]


def _noisy(
    text: str, lexicon: Lexicon, dropped: float, chance: np.random.Generator
) -> str:
    words = text.split() if lexicon.spaced else list(text)
    kept = [word for word in words if chance.random() >= dropped]
    return (" " if lexicon.spaced else "").join(kept or words)


def _fit(examples: Examples, used: NDArray[np.bool_], recipe: Recipe) -> _Fit:
    """Fit all questions, each gram scaled by how far it leans to yes or to no."""
    x, weight = examples.grams[used], examples.weight[used]
    signs = examples.signs[used] * recipe.sign_scale
    gram_weights, sign_weights, bias = [], [], []
    for question in Question:
        yes = examples.yes[used, question]
        ratio = _log_ratio(x, weight * yes, weight * ~yes, recipe.smoothing)
        scale = np.abs(ratio) + recipe.ratio_floor
        scaled = sparse.hstack([x @ sparse.diags(scale), sparse.csr_matrix(signs)])
        model = LogisticRegression(C=1 / recipe.penalty, max_iter=1000)
        model.fit(scaled.tocsr(), yes, weight)
        n_keys = x.shape[1]
        gram_weights.append(model.coef_[0, :n_keys] * scale)
        sign_weights.append(model.coef_[0, n_keys:] * recipe.sign_scale)
        bias.append(model.intercept_[0])
    return _Fit(np.array(gram_weights).T, np.array(sign_weights), np.array(bias))


def _log_ratio(
    x: sparse.csr_matrix,
    yes: NDArray[np.float64],
    no: NDArray[np.float64],
    smoothing: float,
) -> NDArray[np.float64]:
    in_yes, in_no = (np.asarray(x.T @ weight) + smoothing for weight in (yes, no))
    ratio = np.log((in_yes / in_yes.sum()) / (in_no / in_no.sum()))
    return np.asarray(ratio, np.float64)


def _calibration(
    logits: NDArray[np.float64], yes: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Slope and offset for each question; shape ``(n_questions, 2)``."""
    fits = []
    for question in Question:
        model = LogisticRegression(C=1e6)
        model.fit(logits[:, [question]], yes[:, question])
        fits.append([model.coef_[0, 0], model.intercept_[0]])
    return np.array(fits)


def _caution(calm: NDArray[np.float64], share: float) -> float:
    """What to take off the logits so that no more than a share of calm is flagged."""
    for caution in np.arange(0.0, 8.0, 0.05):
        p = probability(calm - caution)
        flagged = [expected_hostility(*row[: Question.ABUSIVE + 1]) for row in p]
        if np.mean(np.array(flagged) > THRESHOLD) <= share:
            return float(caution)
    raise DataError("calm lines cannot be told from the others")


def _packed(
    keys: NDArray[np.uint32],
    fit: _Fit,
    platt: NDArray[np.float64],
    caution: float,
    lexicon: Lexicon,
) -> bytes:
    slope, offset = platt[:, 0], platt[:, 1]
    weights = fit.grams * slope
    scales = np.maximum(np.abs(weights).max(axis=0), 1e-9) / INT8_MAX
    assert fit.signs.shape[1] == N_SIGN_FEATURES
    arrays: Arrays = {
        "keys": keys,
        "weights": np.rint(weights / scales).astype(np.int8),
        "scales": scales.astype(np.float32),
        "signs": (fit.signs * slope[:, None]).astype(np.float32),
        "caution": np.array([caution], np.float32),
        "bias": (fit.bias * slope + offset).astype(np.float32),
    }
    return pack_word_model(arrays, lexicon.language, lexicon.version)


def _report(
    lines: Sequence[Line], spared: Sequence[Line], lexicon: Lexicon, held_out: HeldOut
) -> Report:
    alone = WordReader([lexicon])
    before = [*_named("lexicon", measure(lines, alone).figures)]
    after = [*_named("held_out", measure(lines, held_out).figures)]
    if spared:
        for name, reader in (("lexicon", alone), ("held_out", held_out)):
            found = measure(spared, reader).figures
            figures = [*_named(f"{name}.turns", found), _threats(name, spared, reader)]
            (before if name == "lexicon" else after).extend(figures)
    return Report("train_words", "", [*before, *after])


def _threats(name: str, lines: Sequence[Line], reader: Reader) -> Figure:
    """Share of calm turns that are read as a threat to tell others."""
    tiers = [reader.read(line.text, line.lang, 0.0, 1.0).tier for line in lines]
    share = 100 * sum(tier in THREATS for tier in tiers) / len(tiers)
    return Figure(f"{name}.turns.words.{lines[0].lang}.threats", share, "%")


def _named(name: str, figures: Sequence[Figure]) -> Iterator[Figure]:
    for figure in figures:
        yield replace(figure, name=f"{name}.{figure.name}")
