"""A search, as data: what was typed and chosen, checked, and kept as JSON. Pure."""

import base64
import binascii
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from alerts.faults import Fault
from alerts.ruleset import HELP, load_rules
from emotion.events import Phase, Tier
from server.bodies import CLOSED
from server.desk.errors import QueryError

PAGE_CALLS = 50
MOST_CALLS = 200


class SaidBy(StrEnum):
    """Whose words are searched."""

    ANYBODY = "anybody"
    CUSTOMER = "customer"
    AGENT = "agent"


class Pauses(StrEnum):
    """What became of the call's pause cues."""

    ANY = "any"
    FOLLOWED = "followed"
    IGNORED = "ignored"
    NONE = "none"


class Reviewed(StrEnum):
    """Whether somebody has judged the call."""

    ANY = "any"
    YES = "yes"
    NO = "no"


class SortBy(StrEnum):
    """What the results are ordered by."""

    DATE = "date"
    LENGTH = "length"
    PEAK = "peak"
    TIME_IN_PEAK = "time_in_peak"
    SCORE = "score"


@dataclass(frozen=True, slots=True)
class Range:
    """From `least` to `most`, both included; None leaves an end open."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """Which finished calls are wanted, and in which order.

    Every condition has to hold; within a list any one of its values will do, and
    an empty list asks for nothing.

    Attributes:
        text: words, "phrases in quotes" and -words that must not occur.
        began_from: calls that began at or after this; ISO 8601 with a zone.
        began_before: calls that began before this.
        customer_ref: the reference begins with this.
        length_s: seconds.
        peak: the highest score.
        time_in_peak_s: seconds in the phase *peak*.
        phases: phases that were reached.
        alerts: rules that alerted.
        tiers: whom the customer threatened to tell.
        score: the review's score; a call that was not reviewed has none.
        source: ``live`` or ``import``; empty for both.
        cursor: where the page before ended, from its result.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    text: Annotated[str, Field(max_length=400)] = ""
    said_by: SaidBy = SaidBy.ANYBODY
    agents: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    customer_ref: str = ""
    began_from: datetime | None = None
    began_before: datetime | None = None
    length_s: Range = Range()
    peak: Range = Range()
    time_in_peak_s: Range = Range()
    phases: tuple[Phase, ...] = ()
    alerts: tuple[str, ...] = ()
    tiers: tuple[Tier, ...] = ()
    pauses: Pauses = Pauses.ANY
    reviewed: Reviewed = Reviewed.ANY
    score: Range = Range()
    source: str = ""
    sort: SortBy = SortBy.DATE
    ascending: bool = False
    limit: Annotated[int, Field(ge=1, le=MOST_CALLS)] = PAGE_CALLS
    cursor: str = ""

    def __post_init__(self) -> None:
        for name in ("began_from", "began_before"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise QueryError("needs_zone", field=name)


_ADAPTER = TypeAdapter(SearchQuery)

RULES = (
    HELP,
    *(rule.id for rule in load_rules().rules),
)
"""Rules that are shipped; a search takes any."""


def query_from_json(data: object) -> SearchQuery:
    """Read a search.

    Raises:
        QueryError: a field is unknown or has a value that it cannot have.
    """
    try:
        return _ADAPTER.validate_python(data)
    except ValidationError as error:
        raise QueryError.of(Fault.first(error)) from error


def query_to_json(query: SearchQuery) -> dict[str, Any]:
    """Return a search as JSON-ready values, without what asks for nothing."""
    data: dict[str, Any] = _ADAPTER.dump_python(query, mode="json")
    plain: dict[str, Any] = _ADAPTER.dump_python(SearchQuery(), mode="json")
    return {key: value for key, value in data.items() if value != plain[key]}


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last call of a page: the value it was sorted by, and its row."""

    sort: SortBy
    ascending: bool
    value: float | str
    row_id: int

    def encode(self) -> str:
        """Return the cursor as text for a client to hand back."""
        packed = json.dumps(list(asdict(self).values())).encode()
        return base64.urlsafe_b64encode(packed).decode()

    @classmethod
    def decode(cls, text: str, query: SearchQuery) -> "Cursor":
        """Read a cursor that belongs to `query`.

        Raises:
            QueryError: it is not one of ours, or of another order.
        """
        try:
            sort, ascending, value, row_id = json.loads(base64.urlsafe_b64decode(text))
            found = cls(SortBy(sort), bool(ascending), value, int(row_id))
        except (ValueError, TypeError, binascii.Error) as error:
            raise QueryError("cursor") from error
        if (found.sort, found.ascending) != (query.sort, query.ascending):
            raise QueryError("cursor_order")
        return found

    @property
    def moment(self) -> datetime:
        """The value of a sort by date."""
        return datetime.fromisoformat(str(self.value)).replace(tzinfo=UTC)
