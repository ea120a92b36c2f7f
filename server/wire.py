"""Log entries as JSON and back: one shape for sockets, files and the database."""

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter

from server.events import DIGITS, Event, LogEntry, StartedOver

EVENT_TYPES: Mapping[str, type[Event]] = {cls.__name__: cls for cls in get_args(Event)}
"""Every kind of event by the name it has on the wire."""


_FIELDS: dict[type, tuple[str, ...] | None] = {}
"""Names of the fields of the classes met so far; None for what is no dataclass."""


def _fields(cls: type) -> tuple[str, ...] | None:
    if cls not in _FIELDS:
        known = dataclasses.is_dataclass(cls)
        _FIELDS[cls] = (
            tuple(field.name for field in dataclasses.fields(cls)) if known else None
        )
    return _FIELDS[cls]


def _plain(value: object) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    names = _fields(type(value))
    if names is None:
        return value
    return {name: _plain(getattr(value, name)) for name in names}


def entry_to_json(entry: LogEntry) -> dict[str, Any]:
    """Return `entry` as JSON-ready values: seq, at_s, kind and body."""
    return {
        "seq": entry.seq,
        "at_s": round(entry.at_s, DIGITS),
        "kind": type(entry.event).__name__,
        "body": _plain(entry.event),
    }


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(EVENT_TYPES[kind])


def entry_from_json(data: Mapping[str, Any]) -> LogEntry:
    """Read back what `entry_to_json` made.

    Raises:
        KeyError: the kind is unknown or a key is missing.
        pydantic.ValidationError: the body does not have the fields of its kind.
    """
    event: Event = _adapter(data["kind"]).validate_python(data["body"])
    return LogEntry(data["seq"], data["at_s"], event)


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A log entry as the database keeps it.

    Attributes:
        body: the fields of the event as JSON text.
    """

    seq: int
    at_s: float
    kind: str
    body: str

    def entry(self) -> LogEntry:
        """Read it.

        Raises:
            KeyError: the kind is unknown.
            pydantic.ValidationError: the body does not have the fields of its kind.
        """
        event: Event = _adapter(self.kind).validate_json(self.body)
        return LogEntry(self.seq, self.at_s, event)

    def text(self) -> str:
        """Return what `entry_to_json` makes of it, as JSON text; read only if need be.

        Of a call of hours there are tens of thousands, and while they are read no
        other thread runs.
        """
        if _is_complete(self.kind):
            head = {"seq": self.seq, "at_s": self.at_s, "kind": self.kind}
            return f'{json.dumps(head)[:-1]}, "body": {self.body}}}'
        return json.dumps(entry_to_json(self.entry()))


def current_stored(entries: Sequence[StoredEntry]) -> Sequence[StoredEntry]:
    """Return the entries that hold: those after the last `StartedOver`."""
    first = 0
    for place, entry in enumerate(entries, 1):
        if entry.kind == StartedOver.__name__:
            first = place
    return entries[first:]


@cache
def _is_complete(kind: str) -> bool:
    """Whether every log has all fields of this kind: what came later has a default."""
    return not _has_default(EVENT_TYPES[kind])


def _has_default(cls: Any) -> bool:
    hints = get_type_hints(cls)
    return any(
        field.default is not dataclasses.MISSING
        or field.default_factory is not dataclasses.MISSING
        or any(map(_has_default, _dataclasses_in(hints[field.name])))
        for field in dataclasses.fields(cls)
    )


def _dataclasses_in(hint: Any) -> list[type]:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return [hint]
    return [cls for part in get_args(hint) for cls in _dataclasses_in(part)]


def schema() -> dict[str, Any]:
    """JSON schema of every kind of event, by kind; docs/events.schema.json."""
    return {
        kind: _without_prose(TypeAdapter(cls).json_schema(mode="serialization"))
        for kind, cls in sorted(EVENT_TYPES.items())
    }


def _without_prose(value: Any) -> Any:
    """Leave out docstrings: they are no contract."""
    if isinstance(value, dict):
        return {
            key: _without_prose(item)
            for key, item in value.items()
            if key != "description"
        }
    return value


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=1, sort_keys=True) + "\n")
