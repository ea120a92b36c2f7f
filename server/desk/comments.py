"""Comments of people, each pinned to a moment of a call."""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from server.desk.errors import UnknownError
from server.desk.tables import comments


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote about a moment."""

    comment_id: int
    at_s: float
    by: str
    text: str
    created_at: str


class Comments:
    """The comments on calls. Blocking; any thread."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def of(self, call_id: str) -> list[Comment]:
        """Return a call's comments, in the order of its moments."""
        query = sa.select(comments).where(comments.c.call_id == call_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(comments.c.at_s))
            return [
                Comment(
                    row.comment_id,
                    row.at_s,
                    row.by,
                    row.text,
                    row.created_at.replace(tzinfo=UTC).isoformat(),
                )
                for row in rows
            ]

    def add(self, call_id: str, at_s: float, by: str, text: str) -> None:
        """Pin a comment to a moment."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.insert(comments).values(
                    call_id=call_id,
                    at_s=at_s,
                    by=by,
                    text=text,
                    created_at=datetime.now(UTC),
                )
            )

    def remove(self, call_id: str, comment_id: int) -> None:
        """Take a comment away.

        Raises:
            UnknownError: the call has none of this id.
        """
        with self._engine.begin() as connection:
            removed = connection.execute(
                sa.delete(comments).where(
                    comments.c.call_id == call_id,
                    comments.c.comment_id == comment_id,
                )
            )
            if removed.rowcount == 0:
                raise UnknownError("no_comment")
