"""Measured values of patients, each with its time and source, sorted into series that compare.

A series is one measure of one patient at one site and side. Measures are never converted into
each other: another scale, instrument or version is another series, and so units never mix.

FHIR: Observation.value and dataAbsentReason, http://hl7.org/fhir/R4/observation.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from fhir_backpain.fhir.moment import Moment, moment_of
from fhir_backpain.followup.history import latest_versions
from fhir_backpain.record import SourceRecord, key_of


class SeriesKey(NamedTuple):
    """What the points of a series have in common; site and side are empty where none is said."""

    patient: str
    measure: str
    site: str = ""
    side: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A value at a moment; `value` is None where it is missing, and `missing_reason` says why.

    `at` is the dateTime as the record has it, `record` its type and id, `place` where it was read.
    """

    moment: Moment
    at: str
    value: Decimal | None
    missing_reason: str | None
    record: str
    place: str | None = None

    @property
    def day(self) -> str:
        """The day of the value where it was taken."""
        return self.at[:10]


def series_of(records: Iterable[SourceRecord]) -> dict[SeriesKey, tuple[Point, ...]]:
    """Return the numeric values of records by series, oldest first.

    Values that were entered in error are left out; a value that is a word (a level) is no number
    and has no series.
    """
    found: dict[SeriesKey, list[Point]] = defaultdict(list)
    for record in latest_versions(records):
        for key, point in _measured(record):
            found[key].append(point)
    return {key: tuple(sorted(found[key], key=_order)) for key in sorted(found)}


def _order(point: Point) -> tuple[Moment, str, Decimal]:
    return point.moment, point.record, Decimal(-1) if point.value is None else point.value


def _measured(record: SourceRecord) -> Iterator[tuple[SeriesKey, Point]]:
    data = record.data
    patient = key_of(data).patient
    if data["record"] == "observation" and data.get("status") != "entered-in-error":
        yield from _one(record, patient, data["measure"], data, data["observed_at"])
    elif data["record"] == "assessment":
        for rating in data.get("pain", {}).get("ratings", ()):
            yield from _one(record, patient, rating["scale"], rating, data["assessed_at"])
        for score in data.get("scores", ()):
            yield from _one(record, patient, score["measure"], score, data["assessed_at"])


def _one(
    record: SourceRecord, patient: str, measure: str, entry: dict[str, Any], at: str
) -> Iterator[tuple[SeriesKey, Point]]:
    score, missing = entry.get("score"), entry.get("missing_reason")
    if score is None and missing is None:
        return
    yield (
        SeriesKey(patient, measure, entry.get("site", ""), entry.get("side", "")),
        Point(
            moment=moment_of(at),
            at=at,
            value=None if score is None else Decimal(score),
            missing_reason=missing,
            record=str(key_of(record.data)),
            place=str(record.location) or None,
        ),
    )
