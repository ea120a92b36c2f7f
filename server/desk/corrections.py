"""What people say the machine got wrong. The log itself is never changed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

import sqlalchemy as sa
from pydantic import ConfigDict, Field

from audio.frame import Party
from emotion.events import Tier
from server.bodies import CLOSED
from server.desk.errors import QueryError, UnknownError
from server.desk.tables import corrections


class CorrectionKind(StrEnum):
    """What was wrong."""

    NOT_HOSTILE = "not_hostile"
    MISSED_HOSTILITY = "missed_hostility"
    WRONG_SPEAKER = "wrong_speaker"
    WRONG_WORDS = "wrong_words"


@dataclass(frozen=True, slots=True)
class NewCorrection:
    """A correction as it is made.

    Attributes:
        utterance_id: what was said there, when it is about one utterance.
        text: the right words, of `WRONG_WORDS`.
        party: who really spoke, of `WRONG_SPEAKER`.
        level: how hostile it was, 1 dissatisfied, 2 angry, 3 abusive, of
            `MISSED_HOSTILITY`.
        tier: whom the customer threatened to tell.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    kind: CorrectionKind
    start_s: Annotated[float, Field(ge=0)]
    end_s: float
    utterance_id: Annotated[str, Field(max_length=32)] = ""
    text: Annotated[str, Field(max_length=2000)] = ""
    party: Party | None = None
    level: Annotated[int, Field(ge=1, le=3)] | None = None
    tier: Tier | None = None
    comment: Annotated[str, Field(max_length=500)] = ""

    def __post_init__(self) -> None:
        if self.end_s <= self.start_s:
            raise QueryError("correction_span")
        needed = {
            CorrectionKind.WRONG_WORDS: ("correction_text", bool(self.text.strip())),
            CorrectionKind.WRONG_SPEAKER: ("correction_party", self.party is not None),
            CorrectionKind.MISSED_HOSTILITY: (
                "correction_level",
                self.level is not None,
            ),
        }
        code, is_there = needed.get(self.kind, ("", True))
        if not is_there:
            raise QueryError(code)


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction as it stands.

    Attributes:
        withdrawn_at: since when it no longer counts; None: it does.
    """

    correction_id: int
    call_id: str
    kind: str
    start_s: float
    end_s: float
    utterance_id: str
    text: str
    party: str
    level: int | None
    tier: str | None
    comment: str
    by: str
    created_at: str
    withdrawn_at: str | None


class Corrections:
    """The corrections of calls. Blocking; any thread."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, call_id: str, by: str, new: NewCorrection) -> int:
        """Keep a correction; return its id."""
        with self._engine.begin() as connection:
            made = connection.execute(
                sa.insert(corrections).values(
                    call_id=call_id,
                    kind=new.kind,
                    start_s=new.start_s,
                    end_s=new.end_s,
                    utterance_id=new.utterance_id,
                    text=new.text.strip(),
                    party=new.party or "",
                    level=new.level,
                    tier=new.tier,
                    comment=new.comment,
                    by=by,
                    created_at=datetime.now(UTC),
                )
            )
            assert made.inserted_primary_key is not None  # noqa: S101 - every dialect we take returns it
            return int(made.inserted_primary_key[0])

    def withdraw(self, call_id: str, correction_id: int) -> None:
        """Take a correction back; that it was made stays known.

        Raises:
            UnknownError: the call has none of this id that counts.
        """
        with self._engine.begin() as connection:
            changed = connection.execute(
                sa.update(corrections)
                .where(
                    corrections.c.call_id == call_id,
                    corrections.c.correction_id == correction_id,
                    corrections.c.withdrawn_at.is_(None),
                )
                .values(withdrawn_at=datetime.now(UTC))
            )
            if changed.rowcount == 0:
                raise UnknownError("no_correction")

    def of(self, call_id: str) -> list[Correction]:
        """Return a call's corrections, withdrawn ones too."""
        return self._select(corrections.c.call_id == call_id)

    def standing(self) -> list[Correction]:
        """Return every correction that counts."""
        return self._select(corrections.c.withdrawn_at.is_(None))

    def _select(self, condition: sa.ColumnElement[bool]) -> list[Correction]:
        query = sa.select(corrections).where(condition)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(corrections.c.correction_id))
            return [_correction(row) for row in rows]


def _correction(row: sa.Row[Any]) -> Correction:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    for name in ("created_at", "withdrawn_at"):
        moment = values[name]
        if moment is not None:
            values[name] = moment.replace(tzinfo=UTC).isoformat(timespec="seconds")
    return Correction(**values)
