"""The playbook: lines an agent can open with, as data, in every language."""

import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from alerts.errors import PlaybookError
from emotion.events import Phase

_LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Line:
    """What an agent could say first.

    Attributes:
        line_id: unique in the playbook of its language; the same id in another
            language says the same.
        text: the line itself, as it is spoken.
        language: ISO 639-1 code of `text`.
    """

    line_id: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line and what it is for; an empty set means any."""

    line: Line
    method: str
    phases: frozenset[Phase]
    codes: frozenset[str]


class Playbook:
    """Lines by language, in the order in which they are preferred."""

    def __init__(self, entries: Iterable[_Entry]) -> None:
        self._by_language: dict[str, list[_Entry]] = {}
        for entry in entries:
            self._by_language.setdefault(entry.line.language, []).append(entry)

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line, of every language."""
        return tuple(
            entry.line for entries in self._by_language.values() for entry in entries
        )

    def choose(
        self,
        phase: Phase,
        codes: Collection[str],
        language: str,
        used: Collection[str],
    ) -> Line:
        """The line that fits best; among equals the first of the playbook.

        Lines not said yet come before lines that were; then those for one of the
        codes; then those for the phase.

        Args:
            phase: where the customer is on the curve.
            codes: what the evidence says, as `emotion.events.Evidence.code`.
            language: ISO 639-1 code; English where the playbook lacks it.
            used: ids of the lines that were shown in this call.
        """
        entries = self._by_language.get(language) or self._by_language["en"]

        def fit(entry: _Entry) -> tuple[bool, bool, bool]:
            return (
                entry.line.line_id not in used,
                bool(entry.codes & set(codes)),
                phase in entry.phases,
            )

        fitting = [e for e in entries if not e.codes or e.codes & set(codes)]
        return max(fitting, key=fit).line


def load_playbook() -> Playbook:
    """Read the shipped playbook, every language of it.

    Raises:
        PlaybookError: its data is not what it must be; the message says where.
    """
    entries: list[_Entry] = []
    for language in _LANGUAGES:
        resource = files("alerts") / "data" / f"playbook.{language}.toml"
        entries += read_playbook(resource.read_text(encoding="utf-8"), language)
    return Playbook(entries)


def read_playbook(text: str, language: str) -> list[_Entry]:
    """Read the lines of one language.

    Args:
        text: TOML with an array of tables ``line``: id, method, text, and
            optionally phases and codes.
        language: ISO 639-1 code of the lines.

    Raises:
        PlaybookError: it is not TOML, or a line lacks something, has an unknown
            phase, or repeats an id.
    """
    try:
        tables = tomllib.loads(text)["line"]
        entries = [_entry(table, language) for table in tables]
    except (tomllib.TOMLDecodeError, KeyError, ValueError) as error:
        raise PlaybookError(f"playbook.{language}: {error!r}") from error
    ids = [entry.line.line_id for entry in entries]
    if len(set(ids)) < len(ids):
        raise PlaybookError(f"playbook.{language}: an id stands twice")
    if all(entry.codes for entry in entries):
        raise PlaybookError(
            f"playbook.{language}: at least one line must be for any evidence"
        )
    return entries


def _entry(table: dict[str, Any], language: str) -> _Entry:
    return _Entry(
        Line(table["id"], table["text"], language),
        table["method"],
        frozenset(Phase(phase) for phase in table.get("phases", [])),
        frozenset(table.get("codes", [])),
    )
