"""The clinic: all its patients' records, patient by patient, from a seed and a start date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from fhir_backpain.clinic.assessment import write_assessment
from fhir_backpain.clinic.export import Exported, Form, export
from fhir_backpain.clinic.home_measurement import write_home_measurements
from fhir_backpain.clinic.messages import UNUSABLE_CLINIC
from fhir_backpain.clinic.patient_story import (
    FIRST_VISIT_DAYS,
    OFFSET,
    PatientStory,
    write_story,
)
from fhir_backpain.clinic.plan import write_plans
from fhir_backpain.clinic.revision import Revision, revise
from fhir_backpain.errors import SettingsError

MOST_PATIENTS = 999_999
DEFAULT_START = date(2024, 1, 8)
EARLIEST_START, LATEST_START = date(1990, 1, 1), date(2090, 1, 1)


class Clinic:
    """A made-up clinic: the same seed, size and start give the same records, byte for byte.

    Every record says `test_data: true`. Patients are independent of each other: those of a
    smaller clinic are the first ones of a larger clinic with the same seed and start.

    Raises SettingsError for fewer than 1 or more than 999,999 patients, or a start outside
    1990 to 2090.
    """

    def __init__(
        self, seed: int | str = 1, patients: int = 220, start: date = DEFAULT_START
    ) -> None:
        if not 1 <= patients <= MOST_PATIENTS:
            text = f"The clinic must have from 1 to {MOST_PATIENTS} patients."
            raise SettingsError(UNUSABLE_CLINIC.issue(text))
        if not EARLIEST_START <= start <= LATEST_START:
            text = f"The clinic must open from {EARLIEST_START} to {LATEST_START}."
            raise SettingsError(UNUSABLE_CLINIC.issue(text))
        self.seed = str(seed)
        self.patients = patients
        self.start = start

    @property
    def end(self) -> date:
        """The day after which nothing more is recorded."""
        return self.start + timedelta(days=FIRST_VISIT_DAYS, weeks=54)

    def stories(self) -> Iterator[PatientStory]:
        """Yield the story behind each patient's records."""
        for number in range(1, self.patients + 1):
            yield write_story(self.seed, number, self.start)

    def records(self, until: date | None = None) -> Iterator[dict[str, Any]]:
        """Yield every record once, as it stands at the end of the day `until` (None: at the end).

        Patient by patient, each in the order of `recorded_at`; numbers are int or Decimal; one
        patient at a time is held in memory.
        """
        for story in self.stories():
            yield from _latest(_history_of(story, until))

    def history(self, until: date | None = None) -> Iterator[dict[str, Any]]:
        """Yield every version of every record as it was recorded: a plan comes again when closed.

        Order and numbers are those of `records`, which has each record's last version alone.
        """
        for story in self.stories():
            yield from _history_of(story, until)

    def export(self, folder: Path, form: Form = "files", until: date | None = None) -> Exported:
        """Write `records(until)` to a folder as the clinic's systems would hand them over."""
        return export(self.records(until), folder, form)

    def revised(self, changed: int | float) -> Revision:
        """Return a second export in which `changed` records are edited: a number, or a share.

        A whole number is a number of records, a float a share of all (0 to below 1). The same
        clinic and number give the same edits, recorded the morning after the clinic's last day.
        Raises SettingsError where fewer records can be edited.
        """
        edited_at = datetime.combine(self.end + timedelta(days=1), time(9), OFFSET)
        return revise(self._patients, changed, edited_at.isoformat())

    def _patients(self) -> Iterator[list[dict[str, Any]]]:
        for story in self.stories():
            yield _latest(_history_of(story, None))


def _latest(versions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    latest: dict[str, dict[str, Any]] = {}
    for record in versions:
        latest.pop(record["id"], None)  # so that the record moves to its new place in time
        latest[record["id"]] = record
    return list(latest.values())


def _history_of(story: PatientStory, until: date | None) -> list[dict[str, Any]]:
    versions = [write_assessment(story, visit) for visit in story.visits]
    versions.extend(write_plans(story))
    versions.extend(write_home_measurements(story))
    # The clinic keeps one offset, so the text of recorded_at sorts as its time does.
    versions.sort(key=lambda record: str(record["recorded_at"]))
    if until is None:
        return versions
    last_day = until.isoformat()
    return [record for record in versions if record["recorded_at"][:10] <= last_day]
