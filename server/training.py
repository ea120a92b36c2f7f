"""`calmline train`: fit the models to a company's own labelled calls."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from models.voice_adaptation import Scores

_ROWS: tuple[tuple[str, Callable[["Scores"], float]], ...] = (
    ("anger against all other speech, AUC", lambda one: one.auc_vs_all),
    ("anger against neutral speech, AUC", lambda one: one.auc_vs_neutral),
    ("calibration error", lambda one: one.calibration_error),
    ("angry readings at .5 or more", lambda one: one.caught),
    ("other readings at .5 or more", lambda one: one.flagged),
)


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
    voice.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError("expected a number between 0 and 1")
    return value


def _train_voice(args: argparse.Namespace) -> int:
    # Torch takes seconds to import: only commands that use a model wait for it.
    from models.runtime import set_threads  # noqa: PLC0415
    from models.voice import weights_file  # noqa: PLC0415
    from models.voice_adaptation import adapt_to  # noqa: PLC0415
    from models.voice_head import load_head  # noqa: PLC0415

    set_threads(1)  # Sums in another order would give other weights.
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
            name, f"{value(adapted.before):.3f}", f"{value(adapted.after):.3f}"
        )
    console = Console()
    console.print(table)
    console.print(
        f"Held out: {adapted.n_recordings} recordings of {len(adapted.speakers)} "
        f"speakers; the weights written then learned from all. To use them, set "
        f'voice.weights = "{args.out}".',
        highlight=False,
    )
    return 0
