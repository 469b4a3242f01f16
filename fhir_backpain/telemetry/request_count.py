"""Requests answered since the process began, by method, route and status."""

from __future__ import annotations

import threading
from collections import Counter

from fhir_backpain.telemetry.figure import Figure


class RequestCount:
    """Counts answers; used by several threads. Routes are templates, never paths."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def add(self, method: str, route: str | None, status: int) -> None:
        """Count an answer; `route` is None where no route was found."""
        with self._lock:
            self._counts[method, route or "none", str(status)] += 1

    def figures(self) -> list[Figure]:
        """Return the counts."""
        with self._lock:
            samples = tuple((labels, float(count)) for labels, count in self._counts.items())
        help_text = "Requests that the gateway has answered since it was started."
        labels = ("method", "route", "status")
        return [Figure("gateway_requests", "counter", help_text, labels, tuple(sorted(samples)))]
