"""What is wrong with data that somebody wrote, for whoever puts it into words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from pydantic import ValidationError
from pydantic_core import ErrorDetails


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong.

    Attributes:
        kind: of fault: pydantic's name for it, or one of ours.
        where: names and indexes that lead to it; empty: the whole.
        values: what the kind says more exactly, such as ``min_length``.
        message: the same in English.
    """

    kind: str
    where: tuple[str | int, ...] = ()
    values: Mapping[str, str | float] = field(default_factory=dict)
    message: str = ""

    @classmethod
    def of(cls, details: ErrorDetails) -> Self:
        """Read one of pydantic's errors; what came is not kept."""
        values = {
            name: value
            for name, value in details.get("ctx", {}).items()
            if isinstance(value, str | int | float)
        }
        return cls(details["type"], tuple(details["loc"]), values, details["msg"])

    @classmethod
    def first(cls, error: ValidationError) -> Self:
        """Read the first of them."""
        return cls.of(error.errors(include_input=False, include_url=False)[0])

    def __str__(self) -> str:
        where = ".".join(str(part) for part in self.where)
        return f"{where}: {self.message}" if where else self.message
