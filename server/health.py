"""What is wrong with the service now, for the board and the health endpoints."""

import errno
import logging
import time
from dataclasses import dataclass, field
from enum import StrEnum

logger = logging.getLogger(__name__)


class Problem(StrEnum):
    """Something that the service cannot do now.

    `DISK`: audio cannot be written; it is held in memory and not acknowledged.
    `DATABASE`: logs cannot be written; they are held and written later.
    `PARTIALS`, `VOICE`, `LATE`: there is more to do than the machine can: no
    unfinished words; the voice is read less often; words come late.
    """

    DISK = "disk"
    DATABASE = "database"
    PARTIALS = "partials"
    VOICE = "voice"
    LATE = "late"


BLOCKING = (Problem.DISK, Problem.DATABASE)
"""With one of these the service should get no new calls."""


@dataclass(slots=True)
class Trouble:
    """A problem, and who has it.

    Attributes:
        detail: what the system said; never anything from a call.
        since: `time.time` of its beginning.
        who: calls, or parts of the service, that have it.
    """

    detail: str
    since: float
    who: set[str] = field(default_factory=set)


class Health:
    """Collects problems from all parts of the service. Event loop only."""

    def __init__(self) -> None:
        self.troubles: dict[Problem, Trouble] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong now, in a fixed order."""
        return tuple(problem for problem in Problem if problem in self.troubles)

    @property
    def ready(self) -> bool:
        """Whether new calls are welcome."""
        return not any(problem in self.troubles for problem in BLOCKING)

    def report(self, problem: Problem, who: str, detail: str = "") -> None:
        """`who` has this problem, from now on or still."""
        trouble = self.troubles.get(problem)
        if trouble is None:
            trouble = self.troubles[problem] = Trouble(detail, time.time())
            logger.warning("problem", extra={"problem": str(problem), "detail": detail})
        trouble.who.add(who)

    def clear(self, problem: Problem, who: str) -> None:
        """`who` does not have this problem, or no longer."""
        trouble = self.troubles.get(problem)
        if trouble is None:
            return
        trouble.who.discard(who)
        if not trouble.who:
            del self.troubles[problem]
            logger.warning("problem is over", extra={"problem": str(problem)})

    def forget(self, who: str) -> None:
        """`who` is no more."""
        for problem in self.problems:
            self.clear(problem, who)


def explain(error: OSError) -> str:
    """What the system says about a failed write, without any path."""
    if error.errno == errno.EFBIG:
        return "the file may not grow any further"
    return error.strerror or type(error).__name__
