"""The scorecards that are offered: the shipped ones, and what a company made of them.

Every version is kept: a review says by which one it was made.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime

import sqlalchemy as sa

from server.desk.errors import QueryError, UnknownError
from server.desk.measures import MEASURES
from server.desk.scorecards import CARDS, Scorecard, scorecards
from server.desk.tables import cards


class Cards:
    """Scorecards in the database over those that are shipped. Blocking; any thread."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def offered(self) -> list[Scorecard]:
        """Return the newest version of every card on offer, shipped ones first."""
        return [card for card, is_offered in self._newest().values() if is_offered]

    def one(self, card_id: str) -> Scorecard:
        """Return a card's newest version, on offer or not.

        Raises:
            UnknownError: there is none of this id.
        """
        found = self._newest().get(card_id)
        if found is None:
            raise UnknownError("no_card", card=card_id)
        return found[0]

    def save(self, card: Scorecard, by: str) -> Scorecard:
        """Keep a new card, or a new version of one; return it with its version.

        Raises:
            QueryError: two questions have one id, a title is missing, or a question
                is to be answered by a measure that there is none of.
        """
        card.check_whole(MEASURES)
        return self._keep(card, by, is_offered=True)

    def withdraw(self, card_id: str, by: str) -> None:
        """Offer a card no more; reviews that were made by it stay.

        Raises:
            UnknownError: there is none of this id.
            QueryError: it is the last one.
        """
        card = self.one(card_id)
        if [one.id for one in self.offered()] == [card_id]:
            raise QueryError("last_card")
        self._keep(card, by, is_offered=False)

    def _newest(self) -> Mapping[str, tuple[Scorecard, bool]]:
        found = {card.id: (card, True) for card in scorecards()}
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(cards).order_by(cards.c.version)).all()
        for row in rows:
            card = CARDS.validate_python(row.document)
            found[row.card_id] = card, row.offered
        return found

    def _keep(self, card: Scorecard, by: str, *, is_offered: bool) -> Scorecard:
        known = self._newest().get(card.id)
        kept = replace(card, version=known[0].version + 1 if known else 1)
        with self._engine.begin() as connection:
            connection.execute(
                sa.insert(cards).values(
                    card_id=kept.id,
                    version=kept.version,
                    document=asdict(kept),
                    offered=is_offered,
                    by=by,
                    created_at=datetime.now(UTC),
                )
            )
        return kept
