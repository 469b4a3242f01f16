"""Does it live, is it ready, what does it hold: for monitors and people on duty."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from fhir_backpain.errors import OutboxError
from fhir_backpain.fhir.json_text import FHIR_JSON
from fhir_backpain.gateway.answer import json_answer
from fhir_backpain.gateway.description import Answer, described
from fhir_backpain.gateway.gate import for_anyone, needs
from fhir_backpain.gateway.guard import JSON, ensure_accepts, ensure_parameters
from fhir_backpain.gateway.messages import DISPATCHER_DOWN
from fhir_backpain.gateway.problem import ProblemError, store_problem
from fhir_backpain.gateway.services import Services, services
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outcome import Issue

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
@for_anyone
@described({200: Answer("The process lives.", "Alive")})
def health() -> Response:
    """Answer: the process lives."""
    _ensure_plain_request()
    return json_answer({"alive": True})


@blueprint.get("/ready")
@for_anyone
@described({200: Answer("Records are taken and sent.", "Ready")}, problems=(507,))
def ready() -> Response:
    """Answer whether records can be taken and are sent; 503 with an OperationOutcome if not.

    A FHIR server that does not answer is shown, but is no reason for 503: records are taken and
    kept until it does.
    """
    _ensure_plain_request()
    shared = services()
    issues = [*_store_issues(shared), *_sending_issues(shared)]
    if issues:
        raise ProblemError(issues, status=503)
    return json_answer(
        {
            "ready": True,
            "outbox": "writable",
            "mapping_version": shared.mapper.version,
            "dispatcher": dispatcher_state(shared),
        }
    )


@blueprint.get("/api/v1/status")
@needs("read")
@described({200: Answer("The counts.", "Status")})
def status() -> Response:
    """Show how many deliveries to the gateway's server are in each state, counted now."""
    _ensure_plain_request()
    shared = services()
    counts = shared.store.counts(shared.settings.server)
    return json_answer(
        {
            "server": shared.settings.server,
            "mapping_version": shared.mapper.version,
            "started_at": format_instant(shared.started),
            "counts": counts,
            "total": sum(counts.values()),
            "dispatcher": dispatcher_state(shared),
        }
    )


def dispatcher_state(shared: Services) -> dict[str, Any]:
    """Return whether records are being sent, and when the FHIR server last answered."""
    gateway = shared.gateway
    if gateway is None:
        return {"running": False}
    return {
        "running": gateway.is_running,
        "last_result": gateway.last_result,
        "interrupted_by": gateway.fault,
        "fhir_server": gateway.contact.to_json(),
    }


def _ensure_plain_request() -> None:
    ensure_accepts(JSON, FHIR_JSON)
    ensure_parameters()


def _store_issues(shared: Services) -> tuple[Issue, ...]:
    try:
        shared.submissions.ensure_writable(format_instant(shared.now()))
    except OutboxError as error:
        return store_problem(error, writing=True).outcome.issues
    return ()


def _sending_issues(shared: Services) -> list[Issue]:
    gateway = shared.gateway
    if gateway is None or not gateway.is_running:
        return [DISPATCHER_DOWN.issue("The background sending does not run.")]
    if gateway.fault is not None:
        return [DISPATCHER_DOWN.issue(f"The sending was interrupted by {gateway.fault}.")]
    return []
