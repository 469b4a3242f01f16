"""The patient view: how a patient fares, how the plan changed, how near the goals are.

All of it is computed from the records that the outbox holds; nothing is decided here.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, request

from fhir_backpain.followup.achievement import achievements
from fhir_backpain.followup.picture import draw
from fhir_backpain.followup.plan_history import plan_histories
from fhir_backpain.followup.summary import gist_of, name_of
from fhir_backpain.followup.trajectory import Trajectory, modalities_of, trajectories
from fhir_backpain.gateway.gate import actor, needs
from fhir_backpain.gateway.guard import ensure_accepts, ensure_parameters
from fhir_backpain.gateway.html import page
from fhir_backpain.gateway.services import services
from fhir_backpain.outbox.act import Act
from fhir_backpain.outbox.entry import Entry
from fhir_backpain.record import SourceRecord

blueprint = Blueprint("patients", __name__)

PATIENTS = "/patients"
_MOST = 2000
_GONE = ("superseded", "discarded", "rejected")


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
    entries = list(_entries(number)) if number else []
    services().store.tell([Act("shown", one.id, by=actor()) for one in entries])
    store = services().store
    records = [SourceRecord(store.data(one.id), one.location) for one in entries]
    return page("patients.html", number=number, patients=list(_patients(records)))


def _entries(number: str) -> Iterator[Entry]:
    """Yield the newest entry of each record of the patients that have this number."""
    shared = services()
    seen = set()
    for entry in shared.store.search(shared.settings.server, number, _MOST):
        if entry.key.patient_value == number and entry.key not in seen:
            seen.add(entry.key)
            if entry.state not in _GONE:
                yield entry


def _patients(records: list[SourceRecord]) -> Iterator[dict[str, Any]]:
    library = services().mapper.library
    found = trajectories(records, library)
    histories = plan_histories(records, modalities_of(library))
    goals = achievements(records, library)
    for patient in dict.fromkeys(one.key.patient for one in found):
        series = [one for one in found if one.key.patient == patient]
        yield {
            "series": [_shown(one) for one in series],
            "plans": [one for one in histories if one.patient == patient],
            "goals": [one for one in goals if one.patient == patient],
        }


def _shown(trajectory: Trajectory) -> dict[str, Any]:
    svg = draw([trajectory], trajectory.scale.title)
    return {
        "name": name_of(trajectory),
        "gist": gist_of(trajectory),
        # As an image it keeps its own style, which the page's policy would not let in.
        "picture": "data:image/svg+xml;base64," + b64encode(svg.encode()).decode(),
        "points": trajectory.points,
        "unit": trajectory.scale.unit,
        "band": trajectory.scale.band,
    }
