"""Numbers and addresses found in what people say, on lines written for it.

Each line of ``evaluation/data/redaction.*.txt`` is what speech recognition could
have written; `` | `` parts utterances of one party, and ``[kind:…]`` marks what must
not be shown. Half of the lines hold numbers that are nobody's secret.
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.report import Figure, Report
from server.reports.figures import share_interval
from server.trust.redaction import find_in_utterances
from server.trust.spans import Kind, Span

DATA = Path(__file__).parent / "data"
LANGUAGES = ("en", "zh")
SETS = ("redaction", "redaction_held_out")
"""The finder was made looking at the first; the second was written afterwards."""

_MARK = re.compile(r"\[([a-z]+):([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class Line:
    """What one party said in a row, and what of it must not be shown.

    Attributes:
        texts: the utterances.
        secrets: for each utterance the spans.
    """

    texts: tuple[str, ...]
    secrets: tuple[tuple[Span, ...], ...]


def add_arguments(_: argparse.ArgumentParser) -> None:
    """The command takes nothing."""


def run(_: argparse.Namespace) -> Report:
    """Look for what must not be shown in every line."""
    figures = [
        figure
        for name in SETS
        for language in LANGUAGES
        for figure in _figures(name, language)
    ]
    note = (
        "recall: marked stretches whose letters and digits are all covered; precision: "
        "found stretches that touch a marked one; quiet: lines without anything marked "
        "in which nothing is found. The finder was made looking at `redaction`. "
        "`redaction_held_out` was written afterwards: at first sight its recall was "
        "75 % in both languages, then rules were added for what had been missed. The "
        "same person wrote all of it: expect less of real calls."
    )
    return Report("redaction", "evaluation/data", figures, (note,))


def read_lines(name: str, language: str) -> list[Line]:
    """The lines of a language."""
    text = (DATA / f"{name}.{language}.txt").read_text(encoding="utf-8")
    return [_line(line) for line in text.splitlines() if line.strip()]


def _line(text: str) -> Line:
    parts = [_part(part) for part in text.split(" | ")]
    return Line(tuple(p[0] for p in parts), tuple(p[1] for p in parts))


def _part(text: str) -> tuple[str, tuple[Span, ...]]:
    plain, spans, done = "", [], 0
    for mark in _MARK.finditer(text):
        plain += text[done : mark.start()]
        spans.append(Span(len(plain), len(plain) + len(mark[2]), Kind(mark[1])))
        plain += mark[2]
        done = mark.end()
    return plain + text[done:], tuple(spans)


def covered(text: str, secret: Span, found: Sequence[Span]) -> bool:
    """Whether every letter and digit of a secret is within what was found."""
    return all(
        any(span.start <= index < span.end for span in found)
        for index in range(secret.start, secret.end)
        if text[index].isalnum()
    )


def _figures(name: str, language: str) -> Iterator[Figure]:
    hidden: dict[Kind, list[bool]] = {kind: [] for kind in Kind}
    right: list[bool] = []
    quiet: list[bool] = []
    for line in read_lines(name, language):
        found = find_in_utterances(line.texts)
        for text, secrets, spans in zip(line.texts, line.secrets, found, strict=True):
            for secret in secrets:
                hidden[secret.kind].append(covered(text, secret, spans))
            right += [
                any(s.start < span.end and span.start < s.end for s in secrets)
                for span in spans
            ]
        if not any(line.secrets):
            quiet.append(not any(found))
    everything = [hit for hits in hidden.values() for hit in hits]
    yield _share(f"{name}.{language}.recall", everything)
    for kind, hits in hidden.items():
        if not hits:
            continue
        yield _share(f"{name}.{language}.recall.{kind}", hits)
    yield _share(f"{name}.{language}.precision", right)
    yield _share(f"{name}.{language}.quiet", quiet)


def _share(name: str, hits: Sequence[bool]) -> Figure:
    low, high = share_interval(sum(hits), len(hits))
    return Figure(name, 100 * sum(hits) / len(hits), "%", 100 * low, 100 * high)
