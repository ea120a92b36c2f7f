"""`calls.csv`: what is known of recordings besides their sound."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter

from server.desk.errors import IntakeError

NAME = "calls.csv"
"""A table of this name in a folder belongs to the recordings in it."""

_COLUMNS = (
    "file",
    "agent_id",
    "customer_ref",
    "started_at",
    "language",
    "team",
    "subject",
    "customer",
    "first_speaker",
)
_AGENT_ID = re.compile(r"[A-Za-z0-9_-]{0,64}")
_LONGEST = {"customer_ref": 128, "team": 64, "subject": 128}
_CHOICES = {
    "language": ("", "en", "zh"),
    "customer": ("", "left", "right"),
    "first_speaker": ("", "customer", "agent"),
}


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of one recording; empty where it is not.

    Attributes:
        started_at: ISO 8601; empty: when the file was last changed.
        customer: which channel of a stereo recording is the customer's.
        first_speaker: whose words come first in a recording with one channel.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    agent_id: str = ""
    customer_ref: str = ""
    started_at: str = ""
    language: Literal["", "en", "zh"] = ""
    team: str = ""
    subject: str = ""
    customer: Literal["", "left", "right"] = ""
    first_speaker: Literal["", "customer", "agent"] = ""

    def began(self, otherwise: datetime) -> datetime:
        """When the call began, in UTC."""
        if not self.started_at:
            return otherwise.astimezone(UTC)
        return datetime.fromisoformat(self.started_at).astimezone(UTC)


FACTS = TypeAdapter(FileFacts)
"""Reads facts back from the database."""


def read_call_table(data: bytes) -> Mapping[str, FileFacts]:
    """Read a table of calls; return facts by file name.

    Columns: `file` (its name, without folders), and any of agent_id, customer_ref,
    started_at (ISO 8601; without a zone: local time), language (en, zh), team,
    subject, customer (left, right), first_speaker (customer, agent).

    Raises:
        IntakeError: it is no text in UTF-8, a column is unknown, missing or there
            twice, a file is there twice, or a value cannot be; the message says
            which line.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise IntakeError("table_not_utf8") from error
    rows = _rows(text)
    header = next(rows, (0, []))[1]
    columns = [column.strip() for column in header]
    if unknown := sorted(set(columns) - set(_COLUMNS)):
        raise IntakeError(
            "table_no_column", columns=", ".join(unknown), known=", ".join(_COLUMNS)
        )
    if twice := sorted({one for one in columns if columns.count(one) > 1}):
        raise IntakeError("table_column_twice", columns=", ".join(twice))
    if "file" not in columns:
        raise IntakeError("table_no_file_column")
    table: dict[str, FileFacts] = {}
    for line, cells in rows:
        if len(cells) > len(columns):
            raise IntakeError(
                "table_cells", line=line, cells=len(cells), columns=len(columns)
            )
        values = dict(zip(columns, map(str.strip, cells), strict=False))
        name = values.pop("file").replace("\\", "/").rpartition("/")[2]
        if not name:
            raise IntakeError("table_no_name", line=line)
        if name in table:
            raise IntakeError("table_name_twice", line=line, name=name)
        _check(values, line)
        table[name] = FACTS.validate_python(values)
    return table


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that hold anything, each with the line it ends on."""
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise IntakeError(
            "table_not_csv", line=reader.line_num, detail=str(error)
        ) from error


def _check(values: Mapping[str, str], line: int) -> None:
    if not _AGENT_ID.fullmatch(values.get("agent_id", "")):
        raise IntakeError("table_agent_id", line=line)
    for column, choices in _CHOICES.items():
        if values.get(column, "") not in choices:
            known = ", ".join(choice for choice in choices if choice)
            raise IntakeError("table_choice", line=line, column=column, choices=known)
    for column, longest in _LONGEST.items():
        if len(values.get(column, "")) > longest:
            raise IntakeError("table_too_long", line=line, column=column, most=longest)
    try:
        FileFacts(started_at=values.get("started_at", "")).began(datetime.now(UTC))
    except ValueError as error:
        raise IntakeError("table_started_at", line=line) from error
