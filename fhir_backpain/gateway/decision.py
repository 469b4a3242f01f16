"""What a person decides about a delivery: that it is sent once more, or never."""

from __future__ import annotations

from typing import Literal, get_args

from flask import Blueprint, Response, request

from fhir_backpain.fhir.json_text import FHIR_JSON, parse
from fhir_backpain.gateway.answer import json_answer
from fhir_backpain.gateway.deliveries import summary
from fhir_backpain.gateway.description import Answer, described
from fhir_backpain.gateway.gate import actor, needs
from fhir_backpain.gateway.guard import JSON, body_type, ensure_accepts, ensure_parameters
from fhir_backpain.gateway.messages import WRONG_BODY
from fhir_backpain.gateway.problem import ProblemError
from fhir_backpain.gateway.records import DELIVERIES
from fhir_backpain.gateway.services import services

Decision = Literal["replay", "discard"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)

_DECIDED = {200: Answer("The delivery as it is now.", "DeliverySummary")}

blueprint = Blueprint("decision", __name__)


@blueprint.post(f"{DELIVERIES}/<delivery_id>/$replay")
@needs("operate")
@described(_DECIDED, bodies={JSON: "Reason"}, needs_body=False, problems=(404, 409))
def replay(delivery_id: str) -> Response:
    """Queue a delivery once more; the server is read first, so that nothing is sent twice."""
    return _answer(delivery_id, "replay")


@blueprint.post(f"{DELIVERIES}/<delivery_id>/$discard")
@needs("operate")
@described(_DECIDED, bodies={JSON: "Reason"}, needs_body=False, problems=(404, 409))
def discard(delivery_id: str) -> Response:
    """Take a delivery out for good."""
    return _answer(delivery_id, "discard")


def decide(delivery_id: str, decision: Decision, because: str | None) -> None:
    """Do what was decided; the audit trail keeps who decided and why.

    Raises OutboxError where the delivery is being sent, is there already or has a newer version,
    SettingsError for a reason that is no line of text.
    """
    shared = services()
    if decision == "discard":
        shared.store.discard(delivery_id, because, actor())
        return
    shared.store.replay(delivery_id, because, actor())
    if shared.gateway is not None:
        shared.gateway.wake()


def _answer(delivery_id: str, decision: Decision) -> Response:
    ensure_accepts(JSON, FHIR_JSON)
    ensure_parameters()
    decide(delivery_id, decision, _reason())
    return json_answer(summary(services().store.entry(delivery_id)))


def _reason() -> str | None:
    """Return the reason in the body ``{"because": "..."}``, None where there is no body."""
    body = request.get_data(cache=False)
    if not body:
        return None
    body_type(JSON)
    data = parse(body, services().settings.json)
    reason = data.get("because") if isinstance(data, dict) and data.keys() <= {"because"} else None
    if not isinstance(reason, str):
        raise ProblemError(WRONG_BODY.issue('The body is not {"because": "..."}, nor empty.'))
    return reason
