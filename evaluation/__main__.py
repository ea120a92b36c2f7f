"""`python -m evaluation COMMAND`: measure, print a table, write JSON if asked.

A command is a module with `add_arguments(parser)` and `run(args) -> Report`. It is
imported only when it is the one that was asked for.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from evaluation.report import Report
from models.errors import DataError, ModelError

COMMANDS = {
    "screens": "how quick the live screens are, in headless Chromium",
    "wer": "errors of the transcript and its cost, beside plain openai-whisper",
    "voice": "anger from the voice, per corpus, at telephone quality",
    "capacity": "how many calls the service holds, and how late it is",
    "silence": "words, cues and alerts where nobody speaks: hiss, music, keys, traffic",
    "soak": "whether the service grows late or fat while calls come and go",
    "words": "anger and threats from the words, per language, on labelled lines",
    "spoken_words": "what recognition costs the reading of words, on synthetic voices",
    "train_words": "train the word models; before and after on lines held out",
    "calls": "the curve and the cue, on calls whose course is known",
    "fit_curve": "fit the curve, the forecast and the cue to such calls",
    "judging": "whether a scorecard's own answers are right, on written calls",
    "recordings": "how fast recorded calls are analysed and imported",
    "desk": "how long the desk takes to find calls, on thousands of made ones",
    "redaction": "numbers and addresses found in what people say, per language",
    "redaction_audio": "whether the tone lies over the number, on a synthesised voice",
    "diarisation": "who speaks when in one channel, beside a plain baseline",
    "roles": "who is the customer, by what is said in written calls",
    "train_diarisation": "train the model that tells voices apart in one channel",
    "train_voice": "train a voice head from labelled recordings",
}
"""Name, which is also the module's, and help."""


class Command(Protocol):
    """What a module of a command offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes besides ``--json``."""

    def run(self, args: argparse.Namespace) -> Report:
        """Measure."""


def main(argv: Sequence[str]) -> int:
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evaluation")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.add_argument(
            "--json", type=Path, metavar="FILE", help="write the report here too"
        )
        if name in argv[:1]:
            _command(name).add_arguments(sub)
    args = parser.parse_args(argv)
    if args.json is not None and not args.json.parent.is_dir():
        parser.error(f"{args.json} cannot be written: there is no such folder")
    try:
        report = _command(args.command).run(args)
    except (DataError, ModelError) as error:
        print(f"evaluation {args.command}: {error}", file=sys.stderr)
        return 2
    print(report.to_table())  # First: it is not lost with a disk that is full.
    if args.json is not None:
        args.json.write_text(report.to_json(), encoding="utf-8")
    return 0


def _command(name: str) -> Command:
    # The module itself offers the two functions of the protocol.
    return cast("Command", importlib.import_module(f"evaluation.{name}"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
