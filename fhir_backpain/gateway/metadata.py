"""The gateway's CapabilityStatement: little is offered, and nothing else is claimed.

FHIR: http://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response

from fhir_backpain import __version__
from fhir_backpain.fhir.json_text import FHIR_JSON
from fhir_backpain.gateway.answer import fhir_answer
from fhir_backpain.gateway.description import Parameter, described, fhir_answer_of
from fhir_backpain.gateway.gate import for_anyone
from fhir_backpain.gateway.guard import ensure_format, ensure_parameters
from fhir_backpain.gateway.services import Services, services
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.record import RECORD_TYPES

blueprint = Blueprint("metadata", __name__, url_prefix="/fhir")

_SERVER = (
    "Of FHIR's RESTful API only capabilities is offered: no resource can be read, searched or "
    "written here. Records of back-pain care are taken at /api/v1/records as JSON of their own, "
    "mapped to FHIR R4 and sent to a FHIR server as JSON. XML is neither read nor written."
)
_SECURITY = (
    "A bearer token for each machine, with a role; people sign in. Where nobody was ever given an "
    "access, the gateway listens on loopback only and lets this machine's users in."
)
_CLIENT = (
    "What is sent to the FHIR server: updates at ids of the gateway's own, in a transaction, a "
    "batch or one by one, whichever the server offers; reads after an unclear answer."
)


@blueprint.get("/metadata")
@for_anyone
@described(
    {200: fhir_answer_of("The CapabilityStatement.", "CapabilityStatement")},
    parameters=(Parameter("_format", "json, or a media type of it.", {"type": "string"}),),
)
def metadata() -> Response:
    """Return the CapabilityStatement of this gateway."""
    ensure_format()
    ensure_parameters("_format")
    return fhir_answer(json.dumps(_statement(services())))


def _statement(shared: Services) -> dict[str, Any]:
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": format_instant(shared.started),
        "kind": "instance",
        "software": {"name": "fhir-backpain gateway", "version": __version__},
        "implementation": {"description": "Carries back-pain records to a FHIR server."},
        "fhirVersion": "4.0.1",
        "format": [FHIR_JSON, "json"],
        "rest": [
            {
                "mode": "server",
                "documentation": _SERVER,
                "security": {"description": _SECURITY},
            },
            {
                "mode": "client",
                "documentation": _CLIENT,
                "resource": [_resource(name) for name in _types(shared)],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            },
        ],
    }


def _types(shared: Services) -> list[str]:
    return sorted({rule.makes for name in RECORD_TYPES for rule in shared.mapper.rules(name)})


def _resource(resource_type: str) -> dict[str, Any]:
    return {"type": resource_type, "interaction": [{"code": "update"}, {"code": "read"}]}
