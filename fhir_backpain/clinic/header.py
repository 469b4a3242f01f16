"""What every record of the clinic starts with: who, from where, recorded when, by whom."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fhir_backpain.clinic.patient_story import PatientStory
from fhir_backpain.clinic.staff import practitioner
from fhir_backpain.record import RecordType

SOURCE = "https://clinic.example/back-pain"
PATIENT_SYSTEM = "https://clinic.example/mrn"


def header(
    story: PatientStory,
    record: RecordType,
    record_id: str,
    recorded_at: datetime,
    author_role: str | None,
) -> dict[str, Any]:
    """Return the header of a record; its id is unique in the whole clinic.

    `author_role` names who made the record; None where the patient did it alone.
    """
    start: dict[str, Any] = {
        "record": record,
        "id": record_id,
        "source": SOURCE,
        "recorded_at": recorded_at.isoformat(),
        "test_data": True,
        "patient": {
            "identifier": {"system": PATIENT_SYSTEM, "value": story.mrn},
            "name": {"family": story.family, "given": [story.given]},
            "gender": story.gender,
            "birth_date": story.birth_date.isoformat(),
        },
    }
    if author_role is not None:
        start["author"] = practitioner(author_role)
    return start


def minutes_after(moment: datetime, minutes: int) -> datetime:
    """Return the moment so many minutes later."""
    return moment + timedelta(minutes=minutes)
