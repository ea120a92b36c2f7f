"""Searches that somebody gave a name, to be asked again."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from server.desk.errors import StateError, UnknownError
from server.desk.query import SearchQuery, query_to_json
from server.desk.tables import saved_searches

_MOST = 200


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search with a name.

    Attributes:
        query: as JSON, without what asks for nothing.
    """

    search_id: str
    name: str
    by: str
    query: dict[str, Any]


class SavedSearches:
    """Keeps searches for everybody. Blocking; any thread."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def all(self) -> list[SavedSearch]:
        """Return every saved search, by name."""
        table = saved_searches.c
        query = sa.select(table.search_id, table.name, table.by, table.query)
        with self._engine.connect() as connection:
            return [
                SavedSearch(*row)
                for row in connection.execute(query.order_by(table.name))
            ]

    def save(self, name: str, by: str, query: SearchQuery) -> SavedSearch:
        """Keep a search; one of the same name is replaced.

        Raises:
            StateError: there are too many.
        """
        saved = SavedSearch(secrets.token_hex(6), name, by, query_to_json(query))
        with self._engine.begin() as connection:
            connection.execute(
                sa.delete(saved_searches).where(saved_searches.c.name == name)
            )
            n_saved = connection.scalar(
                sa.select(sa.func.count()).select_from(saved_searches)
            )
            if (n_saved or 0) >= _MOST:
                raise StateError("too_many_saved", most=_MOST)
            connection.execute(
                sa.insert(saved_searches).values(
                    search_id=saved.search_id,
                    name=saved.name,
                    by=saved.by,
                    query=saved.query,
                    created_at=datetime.now(UTC),
                )
            )
        return saved

    def remove(self, search_id: str) -> None:
        """Forget a search.

        Raises:
            UnknownError: there is none of this id.
        """
        with self._engine.begin() as connection:
            removed = connection.execute(
                sa.delete(saved_searches).where(saved_searches.c.search_id == search_id)
            )
            if removed.rowcount == 0:
                raise UnknownError("no_saved_search")
