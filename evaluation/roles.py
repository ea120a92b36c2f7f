"""`python -m evaluation roles`: who the customer is, by what is said in written calls.

It runs the very reader of the service over dialogues whose parties are known, without
punctuation and capitals, the way speech recognition may write them.
"""

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emotion.roles import Roles, Said, load_role_reader
from evaluation.report import Figure, Report
from models.errors import DataError

_CUSTOMER = "c"
_AGENTS = ("a", "b")
_LINE_S = 3.0


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A written call.

    Attributes:
        language: ISO 639-1 code.
        kind: how it begins.
        lines: speaker (``a`` and ``b`` are agents, ``c`` the customer) and words.
    """

    language: str
    kind: str
    lines: tuple[tuple[str, str], ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE.jsonl",
        help="dialogues, such as evaluation/data/role_dialogues.en.jsonl",
    )


def run(args: argparse.Namespace) -> Report:
    """Measure.

    Raises:
        DataError: a file cannot be read as dialogues.
    """
    dialogues = [each for path in args.data for each in read_dialogues(path)]
    if not dialogues:
        raise DataError("the files hold no dialogue")
    found = [roles_of(each) for each in dialogues]
    figures = list(_figures("", dialogues, found))
    for name, values in (
        ("language", sorted({each.language for each in dialogues})),
        ("kind", sorted({each.kind for each in dialogues})),
    ):
        for value in values:
            chosen = [
                (each, roles)
                for each, roles in zip(dialogues, found, strict=True)
                if getattr(each, name) == value
            ]
            figures += _figures(
                f"{value}.", [each for each, _ in chosen], [each for _, each in chosen]
            )
    return Report(
        "roles",
        ", ".join(path.name for path in args.data),
        figures,
        notes=[
            f"{len(dialogues)} written calls, without punctuation and capitals",
            "role_error: an agent is taken for the customer; roles_unknown: nobody is",
        ],
    )


def read_dialogues(path: Path) -> Iterator[Dialogue]:
    """Read dialogues, one JSON object a line.

    Raises:
        DataError: the file cannot be read, or a line is not a dialogue.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} cannot be read: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            found = json.loads(line)
            lines = tuple((speaker, words) for speaker, words in found["lines"])
            dialogue = Dialogue(found["lang"], found["kind"], lines)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path.name}, line {number}: not a dialogue") from error
        speakers = {speaker for speaker, _ in lines}
        if _CUSTOMER not in speakers or not speakers <= {_CUSTOMER, *_AGENTS}:
            raise DataError(
                f"{path.name}, line {number}: expected a customer c and agents a, b"
            )
        yield dialogue


def roles_of(dialogue: Dialogue) -> Roles:
    """Let the service's reader decide."""
    said = [
        Said(speaker, at * _LINE_S, (at + 1) * _LINE_S, _bare(words), dialogue.language)
        for at, (speaker, words) in enumerate(dialogue.lines)
    ]
    speakers = list(dict.fromkeys(speaker for speaker, _ in dialogue.lines))
    return load_role_reader().read(said, speakers)


def _bare(words: str) -> str:
    return re.sub(r"[^\w\s']+", " ", words).strip().lower()


def _figures(
    prefix: str, dialogues: Sequence[Dialogue], found: Sequence[Roles]
) -> Iterator[Figure]:
    wrong = sum(roles.customer not in (None, _CUSTOMER) for roles in found)
    unknown = sum(roles.customer is None for roles in found)
    name = f"diarisation.{prefix}"
    yield Figure(f"{name}role_error", 100 * wrong / len(dialogues), "%")
    yield Figure(f"{name}roles_unknown", 100 * unknown / len(dialogues), "%")
    yield Figure(f"{name}dialogues", len(dialogues), "calls")
