"""`python -m evaluation judging`: how often a scorecard's own answers are right.

Written calls in both languages, each answer given by hand as QA would give it, are
turned into logs, with the customer's curve as the script says, and every measure that
rests on the agent's words answers them.
"""

import argparse
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audio.frame import Party
from emotion.events import HostilityPoint
from emotion.phases import PhaseParams, PhaseTracker
from evaluation.report import Figure, Report
from models.errors import DataError
from server.desk.measures import measure
from server.desk.scorecards import Answer
from server.events import CallEnded, CallEndReason, Event, LogEntry, TranscriptFinal
from server.reports.figures import share_interval

_DATA = Path(__file__).parent / "data"
_LANGUAGES = ("en", "zh")
_KINDS = {
    "judged_calls": "",
    "judged_calls_later": "later.",
    "judged_calls_timing": "timing.",
    "judged_calls_timing_later": "timing_later.",
}
"""Files, and what their figures are called: the patterns were made with the first."""

_COURSE: Sequence[float] = (8.0, 45.0, 80.0, 35.0, 12.0)
"""Where the customer's curve goes after a line with the mark 0 to 4."""

_FALL_PER_S = 1.5
"""How fast the curve falls: 1.1 and 2.2 a second in the two demo calls."""

_LETTERS_PER_S, _HAN_PER_S = 14.0, 4.5
_GAP_S = 0.6
_HAN = re.compile(r"[\u4e00-\u9fff]")

_NOTES = (
    "answered: by the log alone; the rest is left to people. right: of those.",
    "later: written after the patterns, in words they do not hold. All by one hand.",
    "timing: when a solution was offered, and nothing else.",
    "timing_later: the same, written after the rule about it.",
)


@dataclass(frozen=True, slots=True)
class JudgedCall:
    """A written call and what is right to say of it.

    Attributes:
        lines: who says what, and where on the curve the customer stands then.
        right: the right answer, by measure.
    """

    name: str
    language: str
    lines: Sequence[tuple[Party, int, str]]
    right: Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer beside the right one."""

    call: str
    language: str
    measure: str
    right: Answer
    given: Answer | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--data",
        type=Path,
        default=_DATA,
        help="folder with judged_calls.<language>.txt of your own",
    )
    parser.add_argument(
        "--wrong", action="store_true", help="name every answer that is not right"
    )


def run(args: argparse.Namespace) -> Report:
    """Judge the calls.

    Raises:
        DataError: a file is missing, or not such a file.
    """
    found: list[Judged] = []
    figures: list[Figure] = []
    for kind, prefix in _KINDS.items():
        for language in _LANGUAGES:
            path = args.data / f"{kind}.{language}.txt"
            if not path.is_file() and prefix:
                continue
            its = [j for call in read_calls(path, language) for j in judge(call)]
            found += its
            figures += _figures(f"judging.{prefix}{language}", its)
    notes = list(_NOTES)
    if args.wrong:
        notes += [
            f"{one.language} {one.call}: {one.measure} is {one.right}, "
            f"the answer was {one.given or 'left to people'}"
            for one in found
            if one.given is not one.right
        ]
    return Report("judging", "written calls", figures, notes)


def read_calls(path: Path, language: str) -> list[JudgedCall]:
    """Read a file of judged calls; `evaluation/data/README.md` has its form.

    Raises:
        DataError: it cannot be read, or a line is wrong; the message says which.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path.name}: {error.strerror}") from error
    calls: list[JudgedCall] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            if line.startswith("=="):
                name, *marks = line.removeprefix("==").split()
                right = dict(mark.split("=") for mark in marks)
                calls.append(JudgedCall(name, language, [], _answers(right)))
            else:
                mark, said = line.split(maxsplit=1)
                calls[-1] = _with_line(calls[-1], mark, said)
        except (ValueError, IndexError) as error:
            raise DataError(
                f"{path.name}, line {number}: expected '== name measure=answer …', "
                "'a words' or 'c0 words' to 'c4 words'"
            ) from error
    return calls


def _answers(marks: Mapping[str, str]) -> dict[str, Answer]:
    return {name: Answer(answer) for name, answer in marks.items()}


def _with_line(call: JudgedCall, mark: str, said: str) -> JudgedCall:
    party = Party.CUSTOMER
    if mark == "a":
        party, mood = Party.AGENT, call.lines[-1][1] if call.lines else 0
    else:
        mood = int(mark.removeprefix("c"))
        _COURSE[mood]  # An `IndexError` says that there is no such mark.
    return replace(call, lines=[*call.lines, (party, mood, said)])


def judge(call: JudgedCall) -> Iterator[Judged]:
    """Yield every answer that the measures give, beside the right one."""
    given = measure(log_of(call))
    for name, right in call.right.items():
        yield Judged(call.name, call.language, name, right, given[name].answer)


def log_of(call: JudgedCall) -> list[LogEntry]:
    """Return the log of a written call: words at the pace of speech, and the curve.

    The curve rises once what a customer said is over, and falls slowly after it, as in
    a call that was heard; the phases follow from it.
    """
    events: list[tuple[float, Event]] = []
    tracker = PhaseTracker(PhaseParams())
    now_s, target, score = 0.0, _COURSE[0], 0.0
    for number, (party, mood, said) in enumerate(call.lines, 1):
        end_s = now_s + _length_s(said)
        for second in range(math.ceil(now_s), math.ceil(end_s + _GAP_S)):
            score = max(target, score - _FALL_PER_S)
            tracker.feed(score, float(second))
            point = HostilityPoint(
                float(second), score, score, score, tracker.phase, ()
            )
            events.append((float(second), point))
        target = _COURSE[mood]
        words = TranscriptFinal(
            f"u{number}", party, now_s, end_s, said, call.language, 0.9, 1.0
        )
        events.append((end_s, words))
        now_s = end_s + _GAP_S
    events.sort(key=lambda event: event[0])
    events.append((now_s, CallEnded(CallEndReason.COMPLETED, now_s)))
    return [LogEntry(seq, at_s, event) for seq, (at_s, event) in enumerate(events, 1)]


def _length_s(said: str) -> float:
    n_han = len(_HAN.findall(said))
    return 0.3 + n_han / _HAN_PER_S + (len(said) - n_han) / _LETTERS_PER_S


def _figures(name: str, found: Sequence[Judged]) -> list[Figure]:
    """How many questions are answered, and how many of those right; all and each."""
    measures = dict.fromkeys(one.measure for one in found)
    figures = [_majority(f"{name}.majority", found), *_shares(name, found)]
    for measure_name in measures:
        its = [one for one in found if one.measure == measure_name]
        figures += _shares(f"{name}.{measure_name}", its)
    return figures


def _shares(name: str, found: Sequence[Judged]) -> Iterator[Figure]:
    answered = [one for one in found if one.given is not None]
    yield _share(f"{name}.answered", len(answered), len(found))
    if answered:
        right = sum(one.given is one.right for one in answered)
        yield _share(f"{name}.right", right, len(answered))


def _share(name: str, hits: int, n: int) -> Figure:
    low, high = share_interval(hits, n)
    return Figure(name, 100 * hits / n, "%", 100 * low, 100 * high)


def _majority(name: str, found: Sequence[Judged]) -> Figure:
    """What somebody gets right who always gives each measure's commonest answer."""
    commonest: dict[str, Counter[Answer]] = {}
    for one in found:
        commonest.setdefault(one.measure, Counter())[one.right] += 1
    hits = sum(counts.most_common(1)[0][1] for counts in commonest.values())
    return Figure(name, 100 * hits / len(found), "%")
