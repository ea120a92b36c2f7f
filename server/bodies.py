"""What requests over HTTP have in them: shapes that every route shares."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

CLOSED = ConfigDict(extra="forbid", allow_inf_nan=False)
"""Of what comes from outside: no field that nobody reads, no number without end
(JSON's ``1e999`` is read as one)."""

NUL = "\0"
"""The one character that PostgreSQL keeps in no text."""

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
"""The name somebody signs with, where it is not known who they are."""

RowId = Annotated[int, Field(ge=1, le=(1 << 31) - 1)]
"""A number that the database gave; every database has room for these."""


class Body(BaseModel):
    """The JSON object that a request brings."""

    model_config = CLOSED

    @model_validator(mode="before")
    @classmethod
    def _can_be_kept(cls, value: Any) -> Any:
        if _has_nul(value):
            raise PydanticCustomError("nul", "text with a NUL character")
        return value


def _has_nul(value: object) -> bool:
    match value:
        case str():
            return NUL in value
        case list():
            return any(_has_nul(part) for part in value)
        case dict():
            return any(_has_nul(part) for item in value.items() for part in item)
        case _:
            return False
