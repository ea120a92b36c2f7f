"""A report: sets of calls and their figures, none of them over too few calls. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from server.reports.facts import CallFacts
from server.reports.figures import LEAST_CALLS, Figures, figures_of


class Dimension(StrEnum):
    """What calls are set apart by."""

    ALL = "all"
    TEAM = "team"
    GROUP = "group"
    HOUR = "hour"
    SUBJECT = "subject"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class ReportedCall:
    """One call of a report.

    Attributes:
        started_at: in the time zone of the report.
    """

    call_id: str
    agent_id: str
    team: str
    group: str
    subject: str
    started_at: datetime
    facts: CallFacts

    def key(self, dimension: Dimension) -> str:
        """Which set of a dimension the call is in; empty: not known."""
        match dimension:
            case Dimension.TEAM:
                return self.team
            case Dimension.GROUP:
                return self.group
            case Dimension.HOUR:
                return f"{self.started_at.hour:02}"
            case Dimension.SUBJECT:
                return self.subject
            case Dimension.AGENT:
                return self.agent_id
            case Dimension.ALL:
                return "all"


@dataclass(frozen=True, slots=True)
class Cell:
    """One set of calls and its figures."""

    key: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Report:
    """Figures by one dimension.

    Attributes:
        cells: in the order of their keys.
        n_hidden: sets that are not shown because they, or the set that would be
            left over, are over fewer than `least_calls` calls.
        all: the figures of all calls; None where there are too few.
    """

    by: Dimension
    least_calls: int
    cells: tuple[Cell, ...]
    n_hidden: int
    all: Figures | None


def report(calls: Sequence[ReportedCall], by: Dimension) -> Report:
    """Work out a report."""
    sets: dict[str, list[CallFacts]] = {}
    for call in calls:
        sets.setdefault(call.key(by), []).append(call.facts)
    shown = _shown({key: len(its) for key, its in sets.items()})
    everything = [call.facts for call in calls]
    return Report(
        by=by,
        least_calls=LEAST_CALLS,
        cells=tuple(Cell(key, figures_of(sets[key])) for key in shown),
        n_hidden=len(sets) - len(shown),
        all=figures_of(everything) if len(everything) >= LEAST_CALLS else None,
    )


def _shown(sizes: dict[str, int]) -> list[str]:
    """The sets that may be shown.

    Beside the figures of all calls those of one small set could be worked out from
    all the others. So what is hidden together is never fewer calls than a set that
    is shown: if it would be, the smallest other set is hidden too.
    """
    shown = sorted(key for key, n_calls in sizes.items() if n_calls >= LEAST_CALLS)
    hidden = sum(n_calls for n_calls in sizes.values() if n_calls < LEAST_CALLS)
    if 0 < hidden < LEAST_CALLS and shown:
        shown.remove(min(shown, key=lambda key: (sizes[key], key)))
    return shown
