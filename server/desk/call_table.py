"""`calls.csv`: what is known of recordings besides their sound."""

import csv
import io
import re
from collections.abc import Mapping
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


def read_call_table(text: str) -> Mapping[str, FileFacts]:
    """Read a table of calls; return facts by file name.

    Columns: `file` (its name, without folders), and any of agent_id, customer_ref,
    started_at (ISO 8601; without a zone: local time), language (en, zh), team,
    subject, customer (left, right), first_speaker (customer, agent).

    Raises:
        IntakeError: a column is unknown or missing, or a value cannot be; the
            message says which line.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    columns = tuple(reader.fieldnames or ())
    if unknown := sorted({str(column) for column in columns} - set(_COLUMNS)):
        raise IntakeError(
            f"{NAME}: there is no column {', '.join(unknown)}; "
            f"the columns are {', '.join(_COLUMNS)}"
        )
    if "file" not in columns:
        raise IntakeError(f"{NAME}: the column file is missing")
    table: dict[str, FileFacts] = {}
    for row in reader:
        values = {
            key: (value or "").strip() for key, value in row.items() if key is not None
        }
        name = values.pop("file").replace("\\", "/").rpartition("/")[2]
        _check(values, reader.line_num)
        table[name] = FACTS.validate_python(values)
    return table


def _check(values: Mapping[str, str], line: int) -> None:
    where = f"{NAME} line {line}"
    if not _AGENT_ID.fullmatch(values.get("agent_id", "")):
        raise IntakeError(f"{where}: agent_id is up to 64 of A-Z a-z 0-9 _ -")
    for column, choices in _CHOICES.items():
        if values.get(column, "") not in choices:
            expected = " or ".join(choice for choice in choices if choice)
            raise IntakeError(f"{where}: {column} must be {expected}, or empty")
    for column, longest in _LONGEST.items():
        if len(values.get(column, "")) > longest:
            raise IntakeError(f"{where}: {column} has up to {longest} characters")
    try:
        FileFacts(started_at=values.get("started_at", "")).began(datetime.now(UTC))
    except ValueError as error:
        raise IntakeError(
            f"{where}: started_at must be like 2026-01-31T14:05:00+08:00"
        ) from error
