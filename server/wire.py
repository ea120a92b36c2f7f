"""Log entries as JSON and back: one shape for sockets, files and the database."""

import dataclasses
import json
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter

from server.events import DIGITS, Event, LogEntry

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
