"""`python -m evaluation words`: how well a customer's words are read.

It runs the very reader of the live service over labelled lines, once as they are and
once without punctuation and capitals, the way speech recognition may write them.
"""

import argparse
import gzip
import json
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from emotion.events import CustomerKind, Tier, WordReading, WordSign
from emotion.words import load_word_reader
from evaluation.interval import bootstrap
from evaluation.report import Figure, Report
from models.errors import DataError
from models.text_encoder import load_text_encoder
from models.written import is_whole, language_of

THRESHOLD = 0.25
"""A line counts as flagged when its hostility is above this.

Adopted, not tuned: a quarter of the scale above calm.
"""

ANGRY_LEVEL = 2
HIGHEST_LEVEL = 3

LOST = 0.1
"""Share of words that recognition loses, in `misheard`; adopted."""

_SIGNS = {
    "churn": frozenset({WordSign.CHURN}),
    "repeated_contact": frozenset({WordSign.REPEATED_CONTACT}),
    "supervisor": frozenset({WordSign.SUPERVISOR}),
    "calming": frozenset({WordSign.THANKS, WordSign.RELIEF}),
}

_Kind = TypeVar("_Kind", WordSign, CustomerKind)

_APOSTROPHES = "'\u2019\u02bc"
_AGENT = "agent"


_NOTES = (
    f"Flagged: hostility above {THRESHOLD}. Angry: level {ANGRY_LEVEL} and above.",
    "_bare: without punctuation and capitals.",
    "_misheard: bare, and every tenth word (Chinese: character) lost, by a seed.",
    "f1.<sign>: where the data says what else is in a line.",
    "customer_f1: where it says what the customer wants most; macro with nothing.",
    "tier_f1: macro over none, direct, public, third_party, as far as they occur.",
    "threat_f1: the same with none and direct taken together.",
    "Intervals: bootstrap over dialogues, or lines where they stand alone.",
    "0 to 0 says that none was flagged; the true share may be up to 3 in n.",
)


class Unjudged(Enum):
    """A line's tier was never labelled; None would say that it has none."""

    UNJUDGED = auto()


UNJUDGED = Unjudged.UNJUDGED


@dataclass(frozen=True, slots=True)
class Line:
    """One labelled line of a customer.

    Attributes:
        text: as the data has it.
        lang: ISO 639-1 code.
        level: 0 calm, 1 dissatisfied, 2 angry, 3 abusive.
        tier: whom the customer tells, None nobody.
        kind: what the line is an example of, empty when the data does not say.
        dialog: lines of one dialogue depend on each other; empty for a lone line.
        signs: what else is in it, such as a wish to leave; None when nobody looked.
        customers: what the customer wants most; None when nobody looked.
    """

    text: str
    lang: str
    level: int
    tier: Tier | Unjudged | None
    kind: str = ""
    dialog: str = ""
    signs: frozenset[WordSign] | None = None
    customers: frozenset[CustomerKind] | None = None


class Reader(Protocol):
    """Reads what the words of an utterance say."""

    def read(
        self, text: str, language: str, start_s: float, end_s: float
    ) -> WordReading:
        """Read one utterance."""
        ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        nargs="+",
        metavar="FILE",
        help="lines of JSON, plain or .gz: text, lang, level, [tier, kind, src]",
    )
    parser.add_argument(
        "--src",
        nargs="+",
        default=[],
        metavar="NAME",
        help="measure lines with this src only",
    )
    parser.add_argument(
        "--mistakes",
        type=int,
        default=0,
        metavar="N",
        help="show the N worst false alarms, misses and wrong tiers of each language",
    )


def run(args: argparse.Namespace) -> Report:
    """Measure.

    Raises:
        DataError: a file cannot be read, or holds no line to measure.
    """
    found = [line for path in args.data for line in read_lines(path, args.src)]
    reader = load_word_reader(load_text_encoder())
    lines = [line for line in found if line.lang in reader.languages]
    others = sorted({line.lang for line in found} - set(reader.languages))
    if not lines:
        raise DataError(
            "no line with a level is left to measure; lang must be one of "
            f"{', '.join(reader.languages)}, found {', '.join(others) or 'no line'}"
        )
    command = " ".join(["words", *(f"--src {src}" for src in args.src)])
    data = ", ".join(path.name for path in args.data)
    report = measure(
        lines, reader, command=command, data=data, n_mistakes=args.mistakes
    )
    if not others:
        return report
    note = f"Not read: {len(found) - len(lines)} lines in {', '.join(others)}."
    return replace(report, notes=[*report.notes, note])


def read_lines(path: Path, sources: Sequence[str] = ()) -> list[Line]:
    """Read labelled lines; those of an agent or without a level are left out.

    Of a language with a region or script (``zh-CN``) the language alone is kept.

    Args:
        path: JSON lines, compressed when the name ends in ``.gz``.
        sources: keep lines with one of these as `src`; all when empty.

    Raises:
        DataError: the file or a line of it is not what it should be.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        # Windows writes a byte order mark. A text may hold other line separators.
        rows = content.decode("utf-8-sig").split("\n")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else "") or "wrong content"
        raise DataError(
            f"{path.name} cannot be read as lines of JSON in UTF-8: {why}"
        ) from error
    return [
        line
        for number, row in enumerate(rows, start=1)
        if row.strip()
        for line in _parsed(row, f"{path.name}, line {number}", sources)
    ]


def _parsed(row: str, where: str, sources: Sequence[str]) -> Iterator[Line]:
    try:
        fields = json.loads(row)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: expected a JSON object") from error
    if not isinstance(fields, dict) or not {"text", "lang", "level"} <= fields.keys():
        raise DataError(f"{where}: expected an object with text, lang and level")
    text, lang, level = fields["text"], fields["lang"], fields["level"]
    left_out = sources and fields.get("src") not in sources
    if left_out or level is None or fields.get("speaker") == _AGENT:
        return
    if not isinstance(text, str) or not isinstance(lang, str):
        raise DataError(f"{where}: text and lang must be strings")
    if not is_whole(text):
        raise DataError(f"{where}: text has half a character (a lone surrogate)")
    if type(level) is not int or not 0 <= level <= HIGHEST_LEVEL:
        raise DataError(f"{where}: level must be 0 to {HIGHEST_LEVEL} or null")
    kind, dialog = (fields.get(name) or "" for name in ("kind", "dialog"))
    yield Line(
        text,
        language_of(lang),
        level,
        _tier(fields, where),
        str(kind),
        str(dialog),
        _of(WordSign, fields, "signs", where),
        _of(CustomerKind, fields, "customer", where),
    )


def _tier(fields: dict[str, object], where: str) -> Tier | Unjudged | None:
    tier = fields.get("tier", UNJUDGED)
    if tier is None or tier is UNJUDGED:
        return None if tier is None else UNJUDGED
    if tier not in tuple(Tier):
        raise DataError(f"{where}: tier must be null or one of {', '.join(Tier)}")
    return Tier(str(tier))


def _of(
    kinds: type[_Kind], fields: dict[str, object], name: str, where: str
) -> frozenset[_Kind] | None:
    listed = fields.get(name)
    if listed is None:
        return None
    if not isinstance(listed, list) or any(one not in tuple(kinds) for one in listed):
        raise DataError(f"{where}: {name} must be a list of {', '.join(kinds)}")
    return frozenset(kinds(one) for one in listed)


def bare(text: str) -> str:
    """Take punctuation and capitals away, as speech recognition may never give them.

    >>> bare("I'm NOT angry; I just want to know.")
    'im not angry i just want to know'
    >>> bare("\u6211\u6ca1\u6709\u751f\u6c14\uff0c\u771f\u7684\uff01")
    '\u6211\u6ca1\u6709\u751f\u6c14\u771f\u7684'
    """
    words = "".join(_bare(char) for char in text.lower()).split()
    written = "".join(words[:1])
    for word in words[1:]:
        unspaced = _is_wide(written[-1]) and _is_wide(word[0])
        written += word if unspaced else f" {word}"
    return written


def misheard(text: str) -> str:
    """Lose a tenth of the words, by a seed that is the text itself.

    >>> misheard("one two three") == misheard("One, two, three!")
    True
    """
    written = bare(text)
    spaced = " " in written or written.isascii()
    words = written.split() if spaced else list(written)
    chance = np.random.default_rng(zlib.crc32(written.encode()))
    kept = [word for word in words if chance.random() >= LOST]
    return (" " if spaced else "").join(kept or words)


def _bare(char: str) -> str:
    if char in _APOSTROPHES:
        return ""
    return " " if unicodedata.category(char).startswith("P") else char


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) == "W"


@dataclass(frozen=True, slots=True)
class _Read:
    """A line and what the reader made of it."""

    line: Line
    hostility: float
    tier: Tier | None
    signs: frozenset[WordSign] = frozenset()
    customer: CustomerKind | None = None

    @property
    def angry(self) -> bool:
        return self.line.level >= ANGRY_LEVEL

    @property
    def flagged(self) -> bool:
        return self.hostility > THRESHOLD


def measure(
    lines: Sequence[Line],
    reader: Reader,
    *,
    command: str = "words",
    data: str = "",
    n_mistakes: int = 0,
) -> Report:
    """Read every line and compare; a figure that the labels do not allow is left out.

    Args:
        lines: at least one, of any languages.
        reader: what is measured.
        command: for the head of the report.
        data: for the head of the report.
        n_mistakes: how many of the worst to show of each sort and language; their
            words go into the notes.
    """
    figures: list[Figure] = []
    notes = list(_NOTES)
    for lang in sorted({line.lang for line in lines}):
        own = [line for line in lines if line.lang == lang]
        name = f"words.{lang}"
        read, model = _read(own, reader, lambda text: text)
        figures.append(Figure(f"{name}.lines", len(own), "count"))
        figures += _figures(name, "", read)
        figures += _figures(name, "_bare", _read(own, reader, bare)[0])
        figures += _figures(name, "_misheard", _read(own, reader, misheard)[0])
        figures += _by_sign(name, read)
        figures += _by_customer(name, read)
        figures += _by_kind(name, read)
        notes.append(f"{lang} read by {model}.")
        notes += _left_out(name, own)
        notes += _mistakes(read, n_mistakes)
    return Report(command, data, figures, notes)


def clean_figures(
    name: str, suffix: str, lines: Sequence[Line], reader: Reader
) -> Iterator[Figure]:
    """Read lines as they are; give the figures that say how well as a whole.

    Args:
        name: what their names begin with.
        suffix: what they end with.
        lines: of one language.
        reader: what is measured.
    """
    return _figures(name, suffix, _read(lines, reader, lambda text: text)[0])


def _read(
    lines: Sequence[Line], reader: Reader, writing: Callable[[str], str]
) -> tuple[list[_Read], str]:
    readings = [reader.read(writing(line.text), line.lang, 0, 1) for line in lines]
    read = [
        _Read(
            line,
            reading.hostility,
            reading.tier,
            frozenset(hit.sign for hit in reading.hits),
            reading.customer,
        )
        for line, reading in zip(lines, readings, strict=True)
    ]
    return read, readings[0].model


def _figures(name: str, suffix: str, read: Sequence[_Read]) -> Iterator[Figure]:
    judged = [one for one in read if one.line.tier is not UNJUDGED]
    calm = [one for one in read if one.line.level == 0]
    angry = [one for one in read if one.angry]
    if angry and len(angry) < len(read):
        yield _figure(f"{name}.auc{suffix}", "ratio", read, _auc)
    if judged:
        yield _figure(f"{name}.tier_f1{suffix}", "ratio", judged, _tier_f1)
        yield _figure(f"{name}.threat_f1{suffix}", "ratio", judged, _threat_f1)
    if calm:
        yield _figure(f"{name}.flagged_calm{suffix}", "%", calm, _flagged_percent)
    if angry:
        yield _figure(f"{name}.flagged_angry{suffix}", "%", angry, _flagged_percent)


def _left_out(name: str, lines: Sequence[Line]) -> Iterator[str]:
    """Say which of the main figures the labels do not allow."""
    if len({line.level >= ANGRY_LEVEL for line in lines}) == 1:
        yield f"{name}.auc needs lines of level {ANGRY_LEVEL} and above and of less."
    if all(line.tier is UNJUDGED for line in lines):
        yield f"{name}.tier_f1 needs tier in some lines, null where there is no threat."
    if all(line.level for line in lines):
        yield f"{name}.flagged_calm needs lines of level 0."


def _by_kind(name: str, read: Sequence[_Read]) -> Iterator[Figure]:
    for kind in sorted({one.line.kind for one in read} - {""}):
        own = [one for one in read if one.line.kind == kind]
        yield _figure(f"{name}.hostility.{kind}", "ratio", own, _mean_hostility)
        yield _figure(f"{name}.flagged.{kind}", "%", own, _flagged_percent)


def _by_sign(name: str, read: Sequence[_Read]) -> Iterator[Figure]:
    """F1 of each sign; thanks and relief are one, as both calm."""
    known = [one for one in read if one.line.signs is not None]
    for sign, same in _SIGNS.items():
        pairs = [
            (bool(same & (one.line.signs or frozenset())), bool(same & one.signs))
            for one in known
        ]
        right = sum(true and found for true, found in pairs)
        n_true, n_found = (
            (sum(column) for column in zip(*pairs, strict=True)) if (pairs) else (0, 0)
        )
        if n_true:
            yield Figure(f"{name}.f1.{sign}", 2 * right / (n_true + n_found), "ratio")


def _by_customer(name: str, read: Sequence[_Read]) -> Iterator[Figure]:
    """F1 of what the customer wants most, where a line tells one thing or nothing."""
    known = [
        one
        for one in read
        if one.line.customers is not None and len(one.line.customers) <= 1
    ]
    true = {kind for one in known for kind in one.line.customers or ()}
    if not true:
        return
    yield _figure(f"{name}.customer_f1", "ratio", known, _customer_f1)
    for kind in sorted(true):
        pairs = [(kind in (one.line.customers or ()), one.customer) for one in known]
        right = sum(is_so and found is kind for is_so, found in pairs)
        n_true = sum(is_so for is_so, _ in pairs)
        n_found = sum(found is kind for _, found in pairs)
        f1 = 2 * right / (n_true + n_found)
        yield Figure(f"{name}.customer_f1.{kind}", f1, "ratio")


def _customer_f1(read: Sequence[_Read]) -> float:
    return _macro_f1(
        [
            (str(next(iter(one.line.customers or ()), None)), str(one.customer))
            for one in read
        ]
    )


def _figure(
    name: str,
    unit: str,
    read: Sequence[_Read],
    statistic: Callable[[Sequence[_Read]], float],
) -> Figure:
    units: dict[str, list[_Read]] = {}
    for number, one in enumerate(read):
        units.setdefault(one.line.dialog or f"\0{number}", []).append(one)
    groups = list(units.values())

    def drawn(indexes: NDArray[np.int64]) -> float:
        return statistic([one for index in indexes for one in groups[index]])

    low, high = bootstrap(len(groups), drawn)
    return Figure(name, statistic(read), unit, low, high)


def _auc(read: Sequence[_Read]) -> float:
    return auc(
        np.array([one.hostility for one in read if one.angry]),
        np.array([one.hostility for one in read if not one.angry]),
    )


def auc(angry: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Chance that an angry line scores above another; ties count half."""
    others = np.sort(others)
    if not len(angry) or not len(others):
        return float("nan")
    below = np.searchsorted(others, angry, side="left")
    not_above = np.searchsorted(others, angry, side="right")
    return float(np.mean(below + not_above) / (2 * len(others)))


def _tier_f1(read: Sequence[_Read]) -> float:
    return _macro_f1([(str(one.line.tier), str(one.tier)) for one in read])


def _threat_f1(read: Sequence[_Read]) -> float:
    threats = {Tier.PUBLIC, Tier.THIRD_PARTY}
    return _macro_f1(
        [
            (
                str(one.line.tier if one.line.tier in threats else None),
                str(one.tier if one.tier in threats else None),
            )
            for one in read
        ]
    )


def _macro_f1(pairs: Iterable[tuple[str, str]]) -> float:
    """Mean F1 over the labels that are true somewhere; pairs are (true, read)."""
    pairs = list(pairs)
    true = [label for label, _ in pairs]
    read = [label for _, label in pairs]
    hits = [label for label, found in pairs if label == found]
    return float(
        np.mean(
            [
                2 * hits.count(label) / (true.count(label) + read.count(label))
                for label in sorted(set(true))
            ]
        )
    )


def _flagged_percent(read: Sequence[_Read]) -> float:
    return 100 * sum(one.flagged for one in read) / len(read)


def _mean_hostility(read: Sequence[_Read]) -> float:
    return sum(one.hostility for one in read) / len(read)


def _mistakes(read: Sequence[_Read], n: int) -> Iterator[str]:
    """Name the worst mistakes; equally bad ones in the order of the data."""
    alarms = [one for one in read if not one.angry and one.flagged]
    alarms.sort(key=lambda one: (one.line.level, -one.hostility))
    misses = [one for one in read if one.angry and not one.flagged]
    misses.sort(key=lambda one: (one.hostility, -one.line.level))
    tiers = [one for one in read if one.line.tier not in (UNJUDGED, one.tier)]
    for sort, worst in (("alarm", alarms), ("miss", misses), ("tier", tiers)):
        for one in worst[:n]:
            tier = "" if one.line.tier is UNJUDGED else f", tier {one.line.tier}"
            yield (
                f"- {sort} of {len(worst)}: level {one.line.level}{tier}, "
                f"read {one.hostility:.2f}, tier {one.tier}, {one.line.kind or '-'}: "
                f"{one.line.text}"
            )
