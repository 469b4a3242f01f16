"""The records that are sent: two kinds, without end, no two of them about the same resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from bench.work_item import lines
from fhir_backpain.fhir import json_text
from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord

_A_PATIENT = 5  # observations


def assessments(start: int, count: int) -> Iterator[SourceRecord]:
    """Yield `count` assessments from number `start` on, each of a patient of its own."""
    for number, line in enumerate(lines(start, count), start):
        data = {**json_text.parse(line), "test_data": True}
        yield SourceRecord(data, SourceLocation(file="assessments.ndjson", line=number))


def observations(start: int, count: int) -> Iterator[SourceRecord]:
    """Yield `count` observations from number `start` on, five of them about each patient."""
    for number in range(start, start + count):
        yield SourceRecord(_observation(number), SourceLocation(file="scores.csv", line=number))


WORKLOADS: Mapping[str, Callable[[int, int], Iterator[SourceRecord]]] = MappingProxyType(
    {"observations": observations, "assessments": assessments}
)


def _observation(number: int) -> dict[str, Any]:
    day = 1 + number % _A_PATIENT
    identifier = {
        "system": "https://clinic.example/mrn",
        "value": f"P{number // _A_PATIENT:07d}",
    }
    return {
        "record": "observation",
        "id": f"O{number}",
        "source": "https://clinic.example/app",
        "observed_at": f"2024-05-{day:02d}T08:30:00+02:00",
        "recorded_at": f"2024-05-{day:02d}T08:35:00+02:00",
        "test_data": True,
        "patient": {"identifier": identifier, "birth_date": "1970-01-01", "gender": "female"},
        "measure": "pain-nrs-week",
        "score": number % 11,
    }
