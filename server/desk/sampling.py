"""Which calls are judged: any, or rather those where most could have gone wrong."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from server.desk.tables import calls, facets


class Method(StrEnum):
    """How calls are drawn."""

    RANDOM = "random"
    RISK = "risk"


@dataclass(frozen=True, slots=True)
class Risk:
    """What makes a call worth a look."""

    peak_score: float
    hot_s: float
    alerts: int
    cues_ignored: int
    threatens: bool

    @property
    def weight(self) -> float:
        """At least 1, so that every call can be drawn; adopted, not fitted."""
        return (
            1.0
            + self.peak_score / 20
            + min(self.hot_s, 120.0) / 30
            + 0.5 * min(self.alerts, 6)
            + 1.5 * min(self.cues_ignored, 4)
            + (3.0 if self.threatens else 0.0)
        )


def risks(engine: sa.Engine, call_ids: Sequence[str]) -> dict[str, Risk]:
    """Return each call's risk."""
    wanted = set(call_ids)
    threats = sa.select(facets.c.id).where(
        facets.c.kind == "tier", facets.c.value.in_(("public", "third_party"))
    )
    query = sa.select(
        calls.c.call_id,
        calls.c.peak_score,
        calls.c.hot_s,
        calls.c.alerts,
        calls.c.cues_ignored,
        calls.c.id.in_(threats).label("threatens"),
    )
    with engine.connect() as connection:
        return {
            row.call_id: Risk(
                row.peak_score,
                row.hot_s,
                row.alerts,
                row.cues_ignored,
                bool(row.threatens),
            )
            for row in connection.execute(query)
            if row.call_id in wanted
        }


def draw(weights: Mapping[str, float], n_calls: int, seed: int) -> list[str]:
    """Draw calls without putting back, each with a chance by its weight.

    The same seed draws the same calls.

    Source: Efraimidis, Spirakis: Weighted random sampling with a reservoir, 2006,
    algorithm A-Res.
    """
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    keys = {
        call_id: math.log(1 - rng.random()) / weight
        for call_id, weight in sorted(weights.items())
    }
    return sorted(keys, key=lambda call_id: -keys[call_id])[:n_calls]
