"""The mapping playground: a source and its FHIR side by side, and from there to the outbox."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request

from fhir_backpain.client.servers import ensure_may_receive
from fhir_backpain.errors import BackpainError
from fhir_backpain.gateway.gate import needs, principal
from fhir_backpain.gateway.guard import ensure_accepts, ensure_parameters
from fhir_backpain.gateway.html import page
from fhir_backpain.gateway.messages import NOT_ALLOWED, TOO_LARGE
from fhir_backpain.gateway.problem import ProblemError
from fhir_backpain.gateway.services import Services, services
from fhir_backpain.gateway.trial import Source, Trial, try_out
from fhir_backpain.record import SourceRecord, is_test_data

blueprint = Blueprint("playground", __name__)

PLAYGROUND = "/playground"
_MOST_TRIED = 1000
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
    return _page(Source(_SAMPLE))


@blueprint.post(PLAYGROUND)
@needs("read")
def submit() -> Response:
    """Try a source, or queue its records (``act=send``) where the role gives that."""
    ensure_parameters()
    source = Source(*(_field(name) for name in ("source", "feed", "parameters")))
    if request.form.get("act") != "send":
        return _page(source)
    if not principal().may("send"):
        raise ProblemError(NOT_ALLOWED.issue("The role does not give this."), status=403)
    trial = try_out(source, services().mapper, services().settings.max_records + 1)
    if trial.issues and any(issue.is_error for issue in trial.issues):
        return _page(source, status=422)
    try:
        _queue(source, services())
    except BackpainError as error:
        return _page(source, status=422, refused=error.issues)
    return redirect("/messages", 303)  # type: ignore[return-value]


def _page(source: Source, *, status: int = 200, **context: Any) -> Response:
    trial: Trial = try_out(source, services().mapper, _MOST_TRIED)
    return page(
        "playground.html",
        status=status,
        source=source,
        trial=trial,
        may_send=principal().may("send"),
        **context,
    )


def _queue(source: Source, shared: Services) -> None:
    """Keep all records of a source, each of which is good; what is too much is refused whole."""
    with source.opened(shared.mapper) as intake:
        records: list[SourceRecord] = list(intake)
    if len(records) > shared.settings.max_records:
        text = f"The source has more than {shared.settings.max_records} records."
        raise ProblemError(TOO_LARGE.issue(text))
    for record in records:
        ensure_may_receive(
            shared.settings.server, is_test_data(record.data), shared.settings.allow_patient_data
        )
    shared.store.append(records, shared.settings.server, shared.mapper.version)
    if shared.gateway is not None:
        shared.gateway.wake()


def _field(name: str) -> str:
    # Browsers send line ends as CR LF.
    return request.form.get(name, "").replace("\r\n", "\n")
