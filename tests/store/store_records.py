"""Records to store, and a clock in the test's hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from fhir_backpain.outbox.store import Store
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord

Opener = Callable[[], Store]


class HandClock:
    """Stands still until it is moved; the wall clock can jump alone."""

    def __init__(self) -> None:
        self.wall = datetime(2024, 5, 1, 12, tzinfo=UTC)
        self.steady_seconds = 1000.0

    def now(self) -> datetime:
        return self.wall

    def steady(self) -> float:
        return self.steady_seconds

    def pass_seconds(self, seconds: float) -> None:
        self.steady_seconds += seconds
        self.wall += timedelta(seconds=seconds)


def record(name: str, patient: str = "p1", **extra: Any) -> SourceRecord:
    """Return a made-up record."""
    data = {
        "record": "observation",
        "id": name,
        "source": "https://clinic.example/app",
        "observed_at": "2024-05-01",
        "test_data": True,
        "patient": {"identifier": {"system": "https://clinic.example/mrn", "value": patient}},
        **extra,
    }
    return SourceRecord(data, SourceLocation(file="records.csv", line=7, field="score"))
