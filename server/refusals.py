"""Why the service does not do something: a code, and a sentence in either language.

The codes and their sentences are data (server/data/refusals.toml). What is told over
HTTP is told in the reader's language, which the request names; programs read the code.
"""

import errno
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import TYPE_CHECKING, Self

from pydantic import TypeAdapter

if TYPE_CHECKING:  # Errors are loaded where nothing of alerts is.
    from alerts.faults import Fault

Param = str | float
"""What a sentence has in it besides its words."""


class Reader(StrEnum):
    """The language of whoever reads."""

    ENGLISH = "en"
    CHINESE = "zh"

    @classmethod
    def of(cls, accept_language: str) -> Self:
        """Read an HTTP header; what comes first counts.

        Source: RFC 9110, section 12.5.4; pages name one language.
        """
        return cls("zh" if accept_language.strip().lower().startswith("zh") else "en")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not done.

    Attributes:
        code: names a sentence.
        params: what the sentence has in it.
        why: code of a sentence about the machine that stands in it as ``{why}``.
    """

    code: str
    params: Mapping[str, Param] = field(default_factory=dict)
    why: str = ""

    @classmethod
    def of_fault(cls, fault: "Fault") -> Self:
        """Say what is wrong with what somebody filled in."""
        code = f"field_{_ALIKE.get(fault.kind, fault.kind)}"
        if code not in codes() or not placeholders(code) <= {"field", *fault.values}:
            code = "field_invalid"
        values = {**fault.values, "field": field_path(fault.where)}
        # Nothing else is told: it could be what somebody filled in.
        return cls(code, {name: values[name] for name in placeholders(code)})

    @classmethod
    def of_system(cls, error: OSError) -> Self:
        """Say what the system refuses, without any path."""
        code = _SYSTEM.get(error.errno or 0)
        if code is not None:
            return cls(code)
        name = errno.errorcode.get(error.errno or 0, type(error).__name__)
        return cls("system", {"sign": name})

    @classmethod
    def of_file(cls, name: str, error: OSError) -> Self:
        """Say what the system refuses about a file that people know by its name."""
        system = cls.of_system(error)
        return cls("file", {**system.params, "name": name}, system.code)

    def named(self, name: str) -> Self:
        """Return the same about a file that people know by this name."""
        params = dict(self.params)
        if "name" in params:
            params["name"] = name
        return replace(self, params=params)

    def sentence(self, reader: Reader = Reader.ENGLISH) -> str:
        """Put it into words."""
        params: dict[str, Param] = dict(self.params)
        if self.why:
            params["why"] = Refusal(self.why, self.params).sentence(reader)
        if "field" in params and self.code.startswith("field_"):
            params["field"] = _told_field(str(params["field"]), reader)
        return _sentences()[self.code][reader].format(**params)

    def dump(self) -> str:
        """Return it as text for the database."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def load(cls, text: str) -> "Refusal | None":
        """Read what `dump` wrote; None of an empty text.

        Earlier versions kept an English sentence: that is told as it stands.
        """
        if not text:
            return None
        try:
            kept = json.loads(text)
            return cls(kept["code"], kept["params"], kept["why"])
        except (ValueError, KeyError, TypeError):
            return cls("told", {"text": text})


_ALIKE: Mapping[str, str] = {
    "extra_forbidden": "unexpected",
    "unexpected_keyword_argument": "unexpected",
    "json_invalid": "json",
    "int_parsing": "number",
    "int_type": "number",
    "int_from_float": "number",
    "float_parsing": "number",
    "float_type": "number",
    "finite_number": "number",
    "string_type": "text",
    "string_unicode": "text",
    "bool_type": "yes_or_no",
    "bool_parsing": "yes_or_no",
    "model_type": "fields",
    "model_attributes_type": "fields",
    "dataclass_type": "fields",
    "dict_type": "fields",
    "list_type": "list",
    "tuple_type": "list",
    "datetime_parsing": "time",
    "datetime_from_date_parsing": "time",
    "datetime_type": "time",
    "timezone_aware": "time",
    "missing_argument": "missing",
}
"""Kinds of pydantic's that people are told of in the same words."""

_SYSTEM: Mapping[int, str] = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "file_limit",
    errno.EROFS: "read_only",
    errno.EACCES: "not_permitted",
    errno.EPERM: "not_permitted",
    errno.EEXIST: "path_in_the_way",
    errno.ENOTDIR: "path_in_the_way",
    errno.EIO: "disk_broken",
}

_OUTER = frozenset(("body", "query", "path", "header", "cookie"))
"""Where in a request a field stands; no page says so."""


def codes() -> frozenset[str]:
    """Every code that there is a sentence for."""
    return frozenset(_sentences())


def sentences(code: str) -> Mapping[Reader, str]:
    """The sentences of a code, with the names of its parameters in braces."""
    return _sentences()[code]


def placeholders(code: str) -> frozenset[str]:
    """Names of the parameters that a code has."""
    parts = Formatter().parse(_sentences()[code][Reader.ENGLISH])
    return frozenset(name for _, name, _, _ in parts if name)


def field_path(where: Sequence[str | int]) -> str:
    """Return where a field stands as a parameter, for sentences about fields."""
    return json.dumps(list(where))


def _told_field(path: str, reader: Reader) -> str:
    """Return what the reader calls a field, from the outermost part to it."""
    parts = json.loads(path)
    if parts and parts[0] in _OUTER:
        parts = parts[1:]
    known = _fields()
    told = [
        str(part + 1)
        if isinstance(part, int)
        else known.get(part, {}).get(reader, part)
        for part in parts
    ]
    return " > ".join(told) or {"en": "what was sent", "zh": "所填内容"}[reader]


@cache
def _sentences() -> Mapping[str, Mapping[Reader, str]]:
    return _read("refusals.toml")


@cache
def _fields() -> Mapping[str, Mapping[Reader, str]]:
    return _read("fields.toml")


def _read(name: str) -> Mapping[str, Mapping[Reader, str]]:
    text = (files("server") / "data" / name).read_text(encoding="utf-8")
    return _TABLE.validate_python(tomllib.loads(text))


_TABLE = TypeAdapter(dict[str, dict[Reader, str]])
