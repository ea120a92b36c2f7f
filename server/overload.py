"""What gives way when there is more to do than the machine can. Pure.

Unfinished words go first, then voice readings become fewer, and then words come
late. Recordings, final words and alerts never go.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Busy:
    """What share of some threads was at work lately.

    Args:
        n_threads: how many there are.
        lately_s: what is longer ago by this much counts a third.

    Attributes:
        n_running: how many are at work now.
    """

    def __init__(self, n_threads: int, lately_s: float) -> None:
        self._n_threads = n_threads
        self._lately_s = lately_s
        self.n_running = 0
        self._since_s = 0.0
        self._share = 0.0

    def change(self, now_s: float, n_running: int) -> None:
        """Note that from now on so many are at work; times never go back."""
        self._share, self._since_s = self.share(now_s), now_s
        self.n_running = n_running

    def share(self, now_s: float) -> float:
        """Return the share until now, 0 to 1."""
        kept = math.exp((self._since_s - now_s) / self._lately_s)
        return kept * self._share + (1 - kept) * self.n_running / self._n_threads


class Rung(IntEnum):
    """How far up the ladder the service is; each rung includes those below."""

    NONE = 0
    PARTIALS = 1
    VOICE = 2
    LATE = 3


@dataclass(frozen=True, slots=True)
class LadderParams:
    """When a rung is taken and left. Our choice; times in seconds.

    Attributes:
        from_s: how far calls are behind their audio when each rung is taken.
        hold_s: for this long before the next rung is taken.
        clear_share: a rung is left below this share of its own lag ...
        clear_s: ... held for this long.
        quantile: of the calls' lags that counts: one call alone is no overload.
    """

    from_s: tuple[float, float, float] = (2.0, 4.0, 10.0)
    hold_s: float = 2.0
    clear_share: float = 0.5
    clear_s: float = 10.0
    quantile: float = 0.75

    def __post_init__(self) -> None:
        if list(self.from_s) != sorted(self.from_s) or self.from_s[0] <= 0:
            raise ValueError(f"lags must be positive and rise, got {self.from_s}")


class Ladder:
    """Goes up and down one rung at a time, with hysteresis.

    Attributes:
        rung: where it stands.
    """

    def __init__(self, params: LadderParams) -> None:
        self.rung = Rung.NONE
        self._params = params
        self._high_since_s: float | None = None
        self._low_since_s: float | None = None

    def feed(self, now_s: float, lags_s: Sequence[float]) -> Rung:
        """Take how far each call is behind its audio; return where that leads."""
        lag_s = self._typical(lags_s)
        steps = self._params.from_s
        high = self.rung < len(steps) and lag_s >= steps[self.rung]
        low = (
            self.rung > Rung.NONE
            and lag_s < steps[self.rung - 1] * self._params.clear_share
        )
        self._high_since_s = _since(self._high_since_s, now_s, holds=high)
        self._low_since_s = _since(self._low_since_s, now_s, holds=low)
        if _held(self._high_since_s, now_s, self._params.hold_s):
            self._step(+1)
        elif _held(self._low_since_s, now_s, self._params.clear_s):
            self._step(-1)
        return self.rung

    def _step(self, step: int) -> None:
        self.rung = Rung(self.rung + step)
        self._high_since_s = self._low_since_s = None

    def _typical(self, lags_s: Sequence[float]) -> float:
        if not lags_s:
            return 0.0
        index = math.ceil(self._params.quantile * len(lags_s)) - 1
        return sorted(lags_s)[max(0, index)]


def _since(since_s: float | None, now_s: float, *, holds: bool) -> float | None:
    if not holds:
        return None
    return now_s if since_s is None else since_s


def _held(since_s: float | None, now_s: float, for_s: float) -> bool:
    return since_s is not None and now_s - since_s >= for_s
