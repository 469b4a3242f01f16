"""A source record: what a clinic's system said, checked and with its place kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from fhir_backpain.outcome import Issue, SourceLocation

RecordType = Literal["assessment", "care-plan", "observation"]
RECORD_TYPES: tuple[RecordType, ...] = get_args(RecordType)


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One record as read: JSON data (numbers as int or Decimal) and where it came from."""

    data: dict[str, Any]
    location: SourceLocation


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A place in a source that gave no usable record, with every problem found there."""

    issues: tuple[Issue, ...]
    location: SourceLocation


Reading = SourceRecord | RejectedRecord
"""What a source reader yields: good records go on, bad ones are reported and passed over."""

# The element of each record type that says when its content was true.
_AS_OF: dict[str, str] = {
    "assessment": "assessed_at",
    "care-plan": "written_at",
    "observation": "observed_at",
}


@dataclass(frozen=True, slots=True)
class RecordKey:
    """A record's business identity: the same key means the same record, whatever its content."""

    source: str
    patient_system: str
    patient_value: str
    record: str
    id: str

    @property
    def patient(self) -> str:
        """The patient's business identity as one text, ``system|value``."""
        return f"{self.patient_system}|{self.patient_value}"

    def __str__(self) -> str:
        return f"{self.record} {self.id}"


def key_of(data: dict[str, Any]) -> RecordKey:
    """Return the business identity of a checked record."""
    identifier = data["patient"]["identifier"]
    return RecordKey(
        source=data["source"],
        patient_system=identifier["system"],
        patient_value=identifier["value"],
        record=data["record"],
        id=data["id"],
    )


def as_of(data: dict[str, Any]) -> str:
    """Return the dateTime at which a checked record's content was true, as the record has it."""
    return str(data[_AS_OF[data["record"]]])


def is_test_data(data: dict[str, Any]) -> bool:
    """True where the record says that it is made up."""
    return data.get("test_data") is True
