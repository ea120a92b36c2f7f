"""What requests over HTTP have in them: shapes that every route shares."""

import re
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY_BYTES = 1 << 20
"""Of a request; the rules of a team are some thousands."""

_UPLOADS = re.compile(r"/v1/desk/imports/[^/]+/(files|table)")

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
    parts = [value]  # A stack: JSON may be deeper than Python calls itself.
    while parts:
        match parts.pop():
            case str() as text if NUL in text:
                return True
            case list() as values:
                parts += values
            case dict() as values:
                parts += [*values, *values.values()]
            case _:
                pass
    return False


class _TooLargeError(HTTPException):
    """Of this class because FastAPI lets no other out of reading a body."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


class BodyLimit:
    """Middleware that takes no more of a request than a page sends.

    Bodies are held in memory whole, also of who has not logged in. Uploads are not:
    they go to disk as they come, up to limits of their own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of any kind."""
        if scope["type"] != "http" or _UPLOADS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        n_bytes = 0

        async def limited() -> Message:
            nonlocal n_bytes
            message = await receive()
            n_bytes += len(message.get("body", b""))
            if n_bytes > MOST_BODY_BYTES:
                raise _TooLargeError
            return message

        await self._app(scope, limited, send)
