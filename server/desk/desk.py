"""The desk as a whole: its rooms around one database, and what runs beside them."""

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ParamSpec, TypeVar

import sqlalchemy as sa

from server.desk.index import SearchIndex
from server.desk.saved import SavedSearches
from server.desk.search import Search
from server.store import Store

logger = logging.getLogger(__name__)

_P = ParamSpec("_P")
_T = TypeVar("_T")

_LOOK_ANYWAY_S = 30
"""How often the index looks for calls that another process finished."""


class Desk:
    """Everything the desk's pages ask for.

    Args:
        store: calls and logs.
        recordings: folder of the calls' audio.
    """

    def __init__(self, store: Store, recordings: Path) -> None:
        self.store = store
        self.recordings = recordings
        self.index = SearchIndex(store)
        self.search = Search(store.engine)
        self.saved = SavedSearches(store.engine)

    async def do(
        self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Do what blocks in a thread."""
        return await asyncio.to_thread(work, *args, **kwargs)

    async def keep_index(self, live: Mapping[str, object]) -> None:
        """Index calls as they end, until cancelled.

        A call is passed over while it is live: of one that the customer objects to
        at its very end, nothing may ever stand in the index.
        """
        before: set[str] = set()
        for second in itertools.count():
            if before - live.keys() or second % _LOOK_ANYWAY_S == 0:
                try:
                    await self.do(self.index.catch_up, tuple(live))
                except sa.exc.SQLAlchemyError:
                    logger.exception("the search index could not be written")
            before = set(live)
            await asyncio.sleep(1)
