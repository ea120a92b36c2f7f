import argparse
from pathlib import Path

import numpy as np
import pytest

from evaluation.capacity_service import Usage
from evaluation.soak import Round, figures, run
from models.errors import DataError

pytestmark = pytest.mark.unit


def rounds(memory_mb: list[float], *, broken: int = 0) -> list[Round]:
    return [
        Round(float(at), 1.0, Usage(0.0, held, 40, 12), broken, 7)
        for at, held in enumerate(memory_mb, 1)
    ]


def test_a_leak_is_seen_and_its_interval_leaves_out_zero() -> None:
    leaking = [1000.0 + 3 * at + at % 2 for at in range(20)]

    trend = {figure.name: figure for figure in figures(rounds(leaking))}

    memory = trend["soak.memory_trend"]
    assert memory.value == pytest.approx(180.0, rel=0.05)
    assert memory.low is not None
    assert memory.low > 0
    assert trend["soak.latency_trend"].value == pytest.approx(0.0)


def test_noise_is_no_trend() -> None:
    noise = np.random.default_rng(1).normal(1000, 5, 30)

    memory = {f.name: f for f in figures(rounds(list(noise)))}["soak.memory_trend"]

    assert memory.low is not None
    assert memory.high is not None
    assert memory.low < 0 < memory.high


def test_what_was_lost_is_summed_up() -> None:
    found = {f.name: f.value for f in figures(rounds([1.0, 2.0, 3.0], broken=1))}

    assert found["soak.calls_broken"] == 3
    assert found["soak.lost_bytes"] == 21
    assert found["soak.rounds"] == 3


def test_too_short_a_time_is_refused() -> None:
    args = argparse.Namespace(data=Path("none"), backend="x", minutes=1.0, calls=1)

    with pytest.raises(DataError, match="at least 3 minutes, got --minutes 1"):
        run(args)
