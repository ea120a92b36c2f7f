"""Figures for Prometheus: how much, how long, how far behind. Never any words."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

_BUCKETS_S = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)


class Metrics:
    """The service's figures; a registry of its own, so that services do not mix."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.live_calls = Gauge(
            "calmline_live_calls", "Calls now on the line", registry=self._registry
        )
        self.calls = Counter(
            "calmline_calls", "Calls that ended", ["reason"], registry=self._registry
        )
        self.audio_bytes = Counter(
            "calmline_audio_bytes", "Audio stored", registry=self._registry
        )
        self.partials_dropped = Counter(
            "calmline_partials_dropped",
            "Unfinished utterances not transcribed for want of time",
            registry=self._registry,
        )
        self.refused = Counter(
            "calmline_connections_refused",
            "Audio connections closed for breaking the protocol",
            ["code"],
            registry=self._registry,
        )
        self._stages = Histogram(
            "calmline_stage_seconds",
            "Time from asking a model to its answer, waiting included",
            ["stage"],
            buckets=_BUCKETS_S,
            registry=self._registry,
        )

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._stages.labels(name).observe(time.perf_counter() - start)

    def render(self) -> bytes:
        """The figures in Prometheus's text format."""
        return generate_latest(self._registry)
