"""The playbook: lines an agent can open with, as data, in every language."""

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerts.errors import PlaybookError
from alerts.faults import Fault
from emotion.events import CustomerKind, Phase, WordSign

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
    customers: frozenset[CustomerKind]


class Playbook:
    """Lines by language, in the order in which they are preferred."""

    def __init__(self, entries: Iterable[_Entry]) -> None:
        self._by_language: dict[str, list[_Entry]] = {}
        for entry in entries:
            self._by_language.setdefault(entry.line.language, []).append(entry)

    @property
    def entries(self) -> tuple[_Entry, ...]:
        """Every line with what it is for, of every language."""
        return tuple(e for entries in self._by_language.values() for e in entries)

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line, of every language."""
        return tuple(entry.line for entry in self.entries)

    def choose(
        self,
        phase: Phase,
        codes: Collection[str],
        customer: CustomerKind | None,
        language: str,
        used: Collection[str],
    ) -> Line:
        """The line that fits best; among equals the first of the playbook.

        Lines not said yet come before lines that were; then those for one of the
        codes, or for the kind of customer in this phase; then those for the phase. A
        line for other codes or another kind does not fit.

        Args:
            phase: where the customer is on the curve.
            codes: what the evidence says, as `emotion.events.Evidence.code`.
            customer: what the customer wants most, where that is known.
            language: ISO 639-1 code; English where the playbook lacks it.
            used: ids of the lines that were shown in this call.
        """
        entries = self._by_language.get(language) or self._by_language["en"]

        def fit(entry: _Entry) -> tuple[bool, bool, bool]:
            return (
                entry.line.line_id not in used,
                bool(entry.codes or (entry.customers and phase in entry.phases)),
                phase in entry.phases,
            )

        fitting = [
            e
            for e in entries
            if (not e.codes or e.codes & set(codes))
            and (not e.customers or customer in e.customers)
        ]
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
            optionally phases, codes and customers.
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
    _check(entries, language)
    return entries


_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)

_Text = Annotated[str, Field(min_length=1, max_length=300)]


class _Both(BaseModel):
    """A text in every language: a playbook is complete in all of them, or none."""

    model_config = _STRICT

    en: _Text
    zh: _Text


class _Line(BaseModel):
    model_config = _STRICT

    id: Annotated[str, Field(pattern=r"^[\w\-]{1,40}$")]
    method: _Both
    text: _Both
    phases: list[Phase] = []
    codes: list[WordSign] = []
    customers: list[CustomerKind] = []


class _Lines(BaseModel):
    model_config = _STRICT

    lines: Annotated[list[_Line], Field(min_length=1, max_length=200)]


def read_playbook_json(data: Mapping[str, Any]) -> Playbook:
    """Read a playbook of both languages from JSON values.

    Args:
        data: ``{"lines": [{"id", "method": {"en", "zh"}, "text": {"en", "zh"},
            "phases": [...], "codes": [...], "customers": [...]}]}``.

    Raises:
        PlaybookError: a line lacks something in a language, has an unknown phase,
            sign or kind of customer, repeats an id, or no line is for anybody.
    """
    try:
        lines = _Lines.model_validate(data).lines
    except ValidationError as error:
        fault = Fault.first(error)
        raise PlaybookError(str(fault), fault) from None
    entries: list[_Entry] = []
    for language in _LANGUAGES:
        of_language = [_entry_of(line, language) for line in lines]
        _check(of_language, language)
        entries += of_language
    return Playbook(entries)


def playbook_to_json(playbook: Playbook) -> dict[str, Any]:
    """Return `playbook` as values that `read_playbook_json` reads."""
    by_id: dict[str, dict[str, Any]] = {}
    for entry in playbook.entries:
        line = by_id.setdefault(
            entry.line.line_id,
            {
                "id": entry.line.line_id,
                "method": {},
                "text": {},
                "phases": [phase for phase in Phase if phase in entry.phases],
                "codes": [sign for sign in WordSign if sign in entry.codes],
                "customers": [kind for kind in CustomerKind if kind in entry.customers],
            },
        )
        line["method"][entry.line.language] = entry.method
        line["text"][entry.line.language] = entry.line.text
    return {"lines": list(by_id.values())}


def _entry_of(line: _Line, language: str) -> _Entry:
    return _Entry(
        Line(line.id, getattr(line.text, language), language),
        getattr(line.method, language),
        frozenset(line.phases),
        frozenset(line.codes),
        frozenset(line.customers),
    )


def _check(entries: Sequence[_Entry], language: str) -> None:
    ids = [entry.line.line_id for entry in entries]
    if len(set(ids)) < len(ids):
        message = f"playbook.{language}: an id stands twice"
        raise PlaybookError(message, Fault("line_ids", message=message))
    if all(entry.codes or entry.customers for entry in entries):
        message = f"playbook.{language}: at least one line must be for any evidence"
        raise PlaybookError(message, Fault("line_for_anybody", message=message))


def _entry(table: dict[str, Any], language: str) -> _Entry:
    return _Entry(
        Line(table["id"], table["text"], language),
        table["method"],
        frozenset(Phase(phase) for phase in table.get("phases", [])),
        frozenset(table.get("codes", [])),
        frozenset(CustomerKind(kind) for kind in table.get("customers", [])),
    )
