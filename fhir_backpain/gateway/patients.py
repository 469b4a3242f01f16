"""The patient view: how a patient fares, how the plan changed, how near the goals are.

All of it is computed from the records that the outbox holds; nothing is decided here.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, request

from fhir_backpain.fhir.json_text import FHIR_JSON, JsonLimits, dump, parse
from fhir_backpain.followup.achievement import Achievement, achievements
from fhir_backpain.followup.chart import chart_of, told_of_mark
from fhir_backpain.followup.picture import draw
from fhir_backpain.followup.plan_history import PlanHistory, plan_histories
from fhir_backpain.followup.summary import gist_of, name_of
from fhir_backpain.followup.trajectory import Trajectory, modalities_of, trajectories
from fhir_backpain.gateway.answer import json_answer
from fhir_backpain.gateway.description import Answer, described
from fhir_backpain.gateway.disclosure import tell_shown
from fhir_backpain.gateway.gate import needs
from fhir_backpain.gateway.guard import JSON, body_type, ensure_accepts, ensure_parameters
from fhir_backpain.gateway.html import page
from fhir_backpain.gateway.messages import UNKNOWN_PATIENT, WRONG_BODY
from fhir_backpain.gateway.problem import ProblemError
from fhir_backpain.gateway.services import services
from fhir_backpain.outbox.entry import Entry
from fhir_backpain.record import SourceRecord

blueprint = Blueprint("patients", __name__)

PATIENTS = "/patients"
_MOST = 2000
_GONE = ("superseded", "discarded", "rejected")


@dataclass(frozen=True, slots=True)
class Course:
    """How one patient fares: values over time, plans as they changed, and goals."""

    patient: str
    trajectories: list[Trajectory] = field(default_factory=list)
    plans: list[PlanHistory] = field(default_factory=list)
    goals: list[Achievement] = field(default_factory=list)


@blueprint.get(PATIENTS)
@needs("read")
def show() -> Response:
    """Show the form."""
    ensure_accepts("text/html")
    ensure_parameters()
    return page("patients.html")


@blueprint.post(PATIENTS)
@needs("read")
def search() -> Response:
    """Show a patient by number; it is a form, so that no URL holds the number."""
    ensure_parameters()
    number = request.form.get("number", "").strip()
    records = _records(list(_entries(number)) if number else [])
    patients = [
        {
            "series": [_shown(one) for one in course.trajectories],
            "marks": _marks(course.trajectories),
            "plans": course.plans,
            "goals": course.goals,
        }
        for course in _courses(records)
    ]
    return page("patients.html", number=number, patients=patients)


@blueprint.post("/api/v1/patients/$trajectories")
@needs("read")
@described(
    {200: Answer("How the patient fares.", "Course")},
    bodies={JSON: "PatientIdentifier"},
    problems=(404,),
)
def course() -> Response:
    """Show trajectories, plan changes and goals of a patient; the number is in no URL.

    Computed from the newest version of each record that the outbox holds.
    """
    ensure_accepts(JSON, FHIR_JSON)
    ensure_parameters()
    body_type(JSON)
    limits = JsonLimits(max_bytes=services().settings.max_body, max_depth=4)
    system, value = _identifier(parse(request.get_data(cache=False), limits))
    records = _records(list(_entries(value, system)))
    if not records:
        raise ProblemError(UNKNOWN_PATIENT.issue("No record is of a patient with this identifier."))
    found = next(_courses(records), Course(f"{system}|{value}"))
    return json_answer(
        {
            "patient": found.patient,
            "trajectories": [one.to_json() for one in found.trajectories],
            "plans": [one.to_json() for one in found.plans],
            "goals": [one.to_json() for one in found.goals],
        }
    )


def _entries(number: str, system: str | None = None) -> Iterator[Entry]:
    """Yield the newest entry of each record of the patients that have this number."""
    shared = services()
    seen = set()
    for entry in shared.store.search(shared.settings.server, number, _MOST):
        is_theirs = entry.key.patient_value == number
        if not is_theirs or (system is not None and entry.key.patient_system != system):
            continue
        if entry.key not in seen:
            seen.add(entry.key)
            if entry.state not in _GONE:
                yield entry


def _records(entries: list[Entry]) -> list[SourceRecord]:
    """Return the records of entries; that they were shown stands in the audit trail."""
    store = services().store
    tell_shown(one.id for one in entries)
    return [SourceRecord(store.data(one.id), one.location) for one in entries]


def _courses(records: list[SourceRecord]) -> Iterator[Course]:
    library = services().mapper.library
    found = trajectories(records, library)
    histories = plan_histories(records, modalities_of(library))
    goals = achievements(records, library)
    patients = [one.key.patient for one in found]
    patients += [one.patient for one in histories] + [one.patient for one in goals]
    for patient in dict.fromkeys(patients):
        yield Course(
            patient,
            [one for one in found if one.key.patient == patient],
            [one for one in histories if one.patient == patient],
            [one for one in goals if one.patient == patient],
        )


def _identifier(data: Any) -> tuple[str, str]:
    identifier = data.get("identifier") if isinstance(data, dict) and len(data) == 1 else None
    if isinstance(identifier, dict) and identifier.keys() == {"system", "value"}:
        system, value = identifier["system"], identifier["value"]
        if isinstance(system, str) and isinstance(value, str) and system and value:
            return system, value
    text = 'The body is not {"identifier": {"system": "...", "value": "..."}}.'
    raise ProblemError(WRONG_BODY.issue(text))


def _marks(found: list[Trajectory]) -> list[str]:
    """Return what the numbers at the dashed lines mean; they are the same in every plot."""
    marks = next((one.marks for one in found), ())
    return [told_of_mark(number, mark) for number, mark in enumerate(marks, start=1)]


def _shown(trajectory: Trajectory) -> dict[str, Any]:
    svg = draw([trajectory], trajectory.scale.title)
    return {
        "name": name_of(trajectory),
        "gist": gist_of(trajectory),
        # As an image it keeps its own style, which the page's policy would not let in.
        "picture": "data:image/svg+xml;base64," + b64encode(svg.encode()).decode(),
        # What a script draws in its place, where scripts run.
        "chart": dump(chart_of(trajectory)),
        "points": trajectory.points,
        "unit": trajectory.scale.unit,
        "band": trajectory.scale.band,
    }
