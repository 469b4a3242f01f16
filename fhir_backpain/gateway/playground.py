"""The mapping playground: records and their FHIR side by side, with a mapping that one may change.

Nothing is kept until the records are sent, and that is done with the installed mappings alone.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from fhir_backpain.errors import ArtifactError, BackpainError
from fhir_backpain.gateway.gate import needs, principal
from fhir_backpain.gateway.guard import ensure_accepts, ensure_parameters
from fhir_backpain.gateway.html import page
from fhir_backpain.gateway.queueing import ensure_may_send, queue
from fhir_backpain.gateway.services import services
from fhir_backpain.gateway.trial import Source, Trial, try_out

blueprint = Blueprint("playground", __name__)

PLAYGROUND = "/playground"
MOST_TRIED = 1000
_SAMPLE = """{
  "record": "observation",
  "id": "R-1",
  "source": "https://clinic.example/app",
  "test_data": true,
  "patient": {"identifier": {"system": "https://clinic.example/mrn", "value": "P-1"}},
  "observed_at": "2026-03-02T09:30:00+01:00",
  "measure": "pain-nrs-week",
  "score": 7
}
"""


@blueprint.get(PLAYGROUND)
@needs("read")
def show() -> Response:
    """Show the form with a record to begin with."""
    ensure_accepts("text/html")
    ensure_parameters()
    return _page(Source(_SAMPLE), "")


@blueprint.post(PLAYGROUND)
@needs("read")
def submit() -> Response:
    """Try a source, show a mapping (``act=show``), or queue the records (``act=send``)."""
    ensure_parameters()
    source, mapping, act = Source(field("source")), field("mapping"), request.form.get("act")
    if act == "show":
        return _page(source, services().mappings.page(field("name")).text)
    if act != "send":
        return _page(source, mapping)
    ensure_may_send()
    trial = try_out(source, services().mapper, services().settings.max_records + 1)
    if mapping.strip() or any(issue.is_error for issue in trial.issues):
        services().refusals.note(trial.issues)
        return _page(source, mapping, status=422)
    try:
        return queue(trial.records, services())
    except BackpainError as error:
        return _page(source, mapping, status=422, refused=error.issues)


def _page(source: Source, mapping: str, *, status: int = 200, **context: Any) -> Response:
    shared = services()
    return page(
        "playground.html",
        status=status,
        source=source,
        mapping=mapping,
        mapping_pages=[one for one in shared.mappings.pages if one.kind == "mapping"],
        trial=_trial(source, mapping),
        may_send=principal().may("send") and not mapping.strip(),
        **context,
    )


def _trial(source: Source, mapping: str) -> Trial:
    shared = services()
    if not mapping.strip():
        return try_out(source, shared.mapper, MOST_TRIED)
    try:
        return try_out(source, shared.mappings.with_text(mapping), MOST_TRIED)
    except ArtifactError:
        return Trial(problems=list(shared.mappings.check(mapping)))


def field(name: str) -> str:
    """Return a field of the form; browsers send line ends as CR LF."""
    return request.form.get(name, "").replace("\r\n", "\n")
