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
_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32)
_LAG_BUCKETS_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)


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
            "calmline_audio_bytes", "Audio that arrived", registry=self._registry
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
        self.waiting = Gauge(
            "calmline_questions_waiting",
            "Questions to a model that no thread has begun with",
            ["stage"],
            registry=self._registry,
        )
        self.batches = Histogram(
            "calmline_batch_questions",
            "Questions to a model that were answered together",
            ["stage"],
            buckets=_BATCH_BUCKETS,
            registry=self._registry,
        )
        self._processor = Counter(
            "calmline_stage_processor_seconds",
            "Processor time of the threads that work on a stage",
            ["stage"],
            registry=self._registry,
        )
        self._latency = Histogram(
            "calmline_latency_seconds",
            "From what was said to what is told of it: audio arrived in between",
            ["what"],
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self.loop_lag = Histogram(
            "calmline_event_loop_lag_seconds",
            "How late the event loop wakes up",
            buckets=_LAG_BUCKETS_S,
            registry=self._registry,
        )
        self.degradation = Gauge(
            "calmline_degradation",
            "What gives way: 0 nothing, 1 partials, 2 voice readings, 3 words are late",
            registry=self._registry,
        )
        self.problems = Gauge(
            "calmline_problem",
            "1 while the service has this problem",
            ["problem"],
            registry=self._registry,
        )
        self.behind = Gauge(
            "calmline_behind_seconds",
            "How far the call that is furthest behind is behind its audio",
            registry=self._registry,
        )
        self.held_bytes = Gauge(
            "calmline_audio_held_bytes",
            "Audio that the disk has yet to take",
            registry=self._registry,
        )
        self.unstored_entries = Gauge(
            "calmline_entries_unstored",
            "Log entries that the database has yet to take",
            registry=self._registry,
        )
        self.screens = Gauge(
            "calmline_screens", "Screens that watch", registry=self._registry
        )
        self.screens_dropped = Counter(
            "calmline_screens_dropped",
            "Screens that took nothing any more and were let go",
            registry=self._registry,
        )

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count one screen for as long as the context lasts."""
        self.screens.inc()
        try:
            yield
        finally:
            self.screens.dec()

    def observe_latency(self, what: str, seconds: float) -> None:
        """Count how late something was told."""
        self._latency.labels(what).observe(max(0.0, seconds))

    @contextmanager
    def processor(self, name: str) -> Iterator[None]:
        """Count the processor time that this thread spends on a stage."""
        start = time.thread_time()
        try:
            yield
        finally:
            self.observe_processor(name, time.thread_time() - start)

    def observe_processor(self, name: str, seconds: float) -> None:
        """Count processor time of a stage that was measured elsewhere."""
        self._processor.labels(name).inc(seconds)

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
