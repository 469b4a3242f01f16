"""How a patient fares on one measure: baseline, latest, best, and whether the change matters.

Each measure names which way is better and the least change that patients find important; where it
does not, nothing is claimed. A trajectory never mixes measures, sites or sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from fhir_backpain.fhir.moment import Moment
from fhir_backpain.followup.history import by_patient
from fhir_backpain.followup.measurement import Point, SeriesKey, series_of
from fhir_backpain.followup.plan_history import PlanVersion, plan_histories
from fhir_backpain.instruments.instrument import Instrument, Measure
from fhir_backpain.instruments.interpretation import ImportantChange
from fhir_backpain.mapping.library import Library
from fhir_backpain.record import SourceRecord

Verdict = Literal["better", "worse", "no important change"]

_DOMAINS = ("pain", "function", "quality-of-life", "psychosocial", "activity", "vital-signs")
_NO_CARE = frozenset(("draft", "entered-in-error"))
_PERCENT = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Scale:
    """What is known of a measure: its UCUM unit, range, direction and important change."""

    measure: Measure
    title: str
    domain: str
    unit: str

    @property
    def sign(self) -> int:
        """1 where a higher value is better, -1 where a lower one is, 0 where that is not known."""
        return {"higher-is-better": 1, "lower-is-better": -1}.get(self.measure.direction or "", 0)

    def threshold(self, baseline: Decimal) -> Decimal | None:
        """Return the least important change from a baseline, in units; None where none is known."""
        change: ImportantChange | None = self.measure.important_change
        if change is None or not self.sign:
            return None
        if not change.is_percent:
            return change.value
        # A share of nothing says nothing.
        return abs(baseline) * change.value / 100 or None

    def verdict(self, baseline: Decimal, value: Decimal) -> Verdict | None:
        """Return whether a value is importantly better or worse; None where it cannot be told."""
        threshold = self.threshold(baseline)
        if threshold is None:
            return None
        gain = self.sign * (value - baseline)
        if gain >= threshold:
            return "better"
        return "worse" if gain <= -threshold else "no important change"

    def band(self, value: Decimal) -> str | None:
        """Return the name of the band of severity that a value is in."""
        return next((band.name for band in self.measure.bands if value <= band.upto), None)


@dataclass(frozen=True, slots=True)
class PlanMark:
    """A moment at which the plan began or changed."""

    moment: Moment
    at: str
    plan: str
    words: str


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The points of one series, oldest first, and the plan changes of the patient."""

    key: SeriesKey
    scale: Scale
    points: tuple[Point, ...]
    marks: tuple[PlanMark, ...] = ()

    @property
    def valued(self) -> tuple[Point, ...]:
        """The points that have a value."""
        return tuple(point for point in self.points if point.value is not None)

    @property
    def baseline(self) -> Point | None:
        """The first value."""
        return next(iter(self.valued), None)

    @property
    def latest(self) -> Point | None:
        """The last value."""
        return next(reversed(self.valued), None)

    @property
    def best(self) -> Point | None:
        """The best value, the first of several; None where no direction is better."""
        if not self.scale.sign or not self.valued:
            return None
        return max(self.valued, key=lambda point: self.scale.sign * _value(point))

    @property
    def change(self) -> Decimal | None:
        """Latest minus baseline in units of the measure; None with fewer than two values."""
        if len(self.valued) < 2 or self.latest is None or self.baseline is None:
            return None
        return _value(self.latest) - _value(self.baseline)

    @property
    def change_percent(self) -> Decimal | None:
        """The change as a percentage of the baseline, to a tenth; None where that is 0."""
        if self.change is None or self.baseline is None or not self.baseline.value:
            return None
        return (100 * self.change / abs(self.baseline.value)).quantize(_PERCENT)

    @property
    def threshold(self) -> Decimal | None:
        """The least important change from the baseline, in units."""
        return self.scale.threshold(_value(self.baseline)) if self.baseline else None

    @property
    def unimportant(self) -> tuple[Decimal, Decimal] | None:
        """The values between which a change from the baseline is not important, ends left out."""
        if self.baseline is None or self.threshold is None:
            return None
        baseline = _value(self.baseline)
        return baseline - self.threshold, baseline + self.threshold

    @property
    def verdict(self) -> Verdict | None:
        """Whether the change is important; None where it cannot be told."""
        if self.change is None or self.latest is None or self.baseline is None:
            return None
        return self.scale.verdict(_value(self.baseline), _value(self.latest))

    def to_json(self) -> dict[str, Any]:
        """Return the trajectory as JSON data with stable keys; numbers are Decimal."""
        measure = self.scale.measure
        important = measure.important_change
        return {
            "patient": self.key.patient,
            "measure": self.key.measure,
            "instrument": self.scale.title,
            "domain": self.scale.domain,
            "site": self.key.site or None,
            "side": self.key.side or None,
            "unit": self.scale.unit,
            "direction": measure.direction,
            "points": [_point(point, self.scale) for point in self.points],
            "planChanges": [
                {"at": mark.at, "plan": mark.plan, "words": mark.words} for mark in self.marks
            ],
            "baseline": _point(self.baseline, self.scale),
            "latest": _point(self.latest, self.scale),
            "best": _point(self.best, self.scale),
            "change": self.change,
            "changePercent": self.change_percent,
            "importantChange": important
            and {
                "value": important.value,
                "ofBaseline": important.is_percent,
                "inUnits": self.threshold,
                "source": important.source,
            },
            "verdict": self.verdict,
        }


def scales_of(library: Library) -> dict[str, Scale]:
    """Return every numeric measure of a library by key."""
    return {
        key: _scale(instrument, measure, library)
        for instrument in library.instruments.values()
        for key, measure in instrument.measures.items()
        if measure.unit is not None
    }


def _scale(instrument: Instrument, measure: Measure, library: Library) -> Scale:
    unit = library.concepts.want(str(measure.unit), measure.location).code
    return Scale(measure, instrument.title, instrument.domain, unit)


def modalities_of(library: Library) -> dict[str, str]:
    """Return what kind of treatment each treatment is, in the words of its category."""
    rows = library.concept_maps["treatment-category"].rows
    return {key: row.concepts[0].display for key, row in rows.items()}


def trajectories(records: Iterable[SourceRecord], library: Library) -> tuple[Trajectory, ...]:
    """Return every trajectory of checked records: by patient, then pain, function and so on.

    The order of the records does not matter. Measures that the library does not have are left out.
    """
    scales = scales_of(library)
    found = []
    for patient, of_patient in by_patient(records).items():
        marks = _marks(of_patient, modalities_of(library))
        series = series_of(of_patient)
        assert all(key.patient == patient for key in series)
        known = [key for key in series if key.measure in scales]
        known.sort(key=lambda key: (_DOMAINS.index(scales[key.measure].domain), key))
        found += [Trajectory(key, scales[key.measure], series[key], marks) for key in known]
    return tuple(found)


def _marks(records: list[SourceRecord], modalities: Mapping[str, str]) -> tuple[PlanMark, ...]:
    versions = [
        version
        for history in plan_histories(records, modalities)
        for version in history.versions
        if version.status not in _NO_CARE
    ]
    versions.sort(key=lambda version: (version.moment, version.id))
    return tuple(
        PlanMark(version.moment, version.written_at, version.id, _mark_words(version))
        for version in versions
    )


def _mark_words(version: PlanVersion) -> str:
    if version.changes is None:
        return "plan revised" if version.is_alone else "plan begins"
    told = [change.words for change in version.changes if change.is_of_care]
    return "; ".join(told) or "plan renewed, the same care"


def _value(point: Point) -> Decimal:
    assert point.value is not None
    return point.value


def _point(point: Point | None, scale: Scale) -> dict[str, Any] | None:
    if point is None:
        return None
    told: dict[str, Any] = {"at": point.at, "value": point.value}
    if point.value is None:
        told["missingReason"] = point.missing_reason
    elif scale.measure.bands:
        told["band"] = scale.band(point.value)
    return {**told, "record": point.record, "source": point.place}
