"""The desk as a whole: its rooms around one database, and what runs beside them."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

import sqlalchemy as sa

from server.config import ServiceSettings
from server.controls import AssignRoles
from server.desk.again import Again
from server.desk.background import BackgroundIntake
from server.desk.cards import Cards
from server.desk.comments import Comments
from server.desk.corrections import Corrections
from server.desk.errors import StateError
from server.desk.imports import Imports
from server.desk.index import SearchIndex
from server.desk.intake import Office
from server.desk.reviews import Reviews
from server.desk.saved import SavedSearches
from server.desk.search import Search
from server.engine import Engine
from server.factory import CallFactory
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
        data_dir: has the calls' audio in `audio`, and uploads in `uploads`.
    """

    def __init__(self, store: Store, data_dir: Path) -> None:
        self.store = store
        self.recordings = data_dir / "audio"
        self.uploads = data_dir / "uploads"
        self.index = SearchIndex(store)
        self.imports = Imports(store.engine)
        self.search = Search(store.engine)
        self.saved = SavedSearches(store.engine)
        self.comments = Comments(store.engine)
        self.cards = Cards(store.engine)
        self.reviews = Reviews(store.engine)
        self.corrections = Corrections(store.engine)
        self.wake: Callable[[], None] = lambda: None
        self._again: Again | None = None

    async def do(
        self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Do what blocks in a thread."""
        return await asyncio.to_thread(work, *args, **kwargs)

    def assign_roles(self, call_id: str, roles: AssignRoles) -> None:
        """See `Again.ask`; the work is done in the background.

        Raises:
            UnknownError: as there.
            StateError: as there, or nothing works in the background now.
        """
        if self._again is None:
            raise StateError("nothing_listens")
        self._again.ask(call_id, roles)
        self.wake()

    @property
    def office(self) -> Office:
        """What taking in recordings needs of the desk."""
        return Office(self.store, self.index, self.imports, self.recordings)

    @asynccontextmanager
    async def running(
        self,
        settings: ServiceSettings,
        factory: CallFactory,
        engine: Engine,
        live: Mapping[str, object],
    ) -> AsyncIterator[None]:
        """Keep the index and work through imports while the context lasts.

        Args:
            settings: say which folder is watched.
            factory: makes the calls that recordings become.
            engine: runs the models, for live calls first.
            live: the calls that are not over.
        """
        watched = Path(settings.watch_dir) if settings.watch_dir else None
        intake = BackgroundIntake(
            self.office, factory, engine, live, watched, settings.watch_every_s
        )
        self.wake = intake.wake
        self._again = intake.again
        intake.start()
        indexing = asyncio.create_task(self.keep_index(live))
        try:
            yield
        finally:
            await intake.close()
            indexing.cancel()
            with suppress(asyncio.CancelledError):
                await indexing

    async def keep_index(self, live: Mapping[str, object]) -> None:
        """Index calls as they end, until cancelled, and have them heard as a whole.

        A call is passed over while it is live: of one that the customer objects to
        at its very end, nothing may ever stand in the index.
        """
        before: set[str] = set()
        for second in itertools.count():
            ended = before - live.keys()
            if ended or second % _LOOK_ANYWAY_S == 0:
                try:
                    await self.do(self.index.catch_up, tuple(live))
                except sa.exc.SQLAlchemyError:
                    logger.exception("the search index could not be written")
            if ended:
                self.wake()
            before = set(live)
            await asyncio.sleep(1)
