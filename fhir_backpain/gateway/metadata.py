"""The gateway's CapabilityStatement: what is offered, and nothing else is claimed.

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
from fhir_backpain.gateway.fhir_search import PARAMETERS
from fhir_backpain.gateway.gate import for_anyone
from fhir_backpain.gateway.guard import ensure_format, ensure_parameters
from fhir_backpain.gateway.services import Services, services
from fhir_backpain.outbox.clock import format_instant

blueprint = Blueprint("metadata", __name__, url_prefix="/fhir")

_SERVER = (
    "What was sent to the FHIR server can be read and searched: each resource as the newest "
    "version of its record makes it now. Nothing can be written here: records of back-pain care "
    "are taken at /api/v1/records as JSON of their own or as tables, mapped to FHIR R4 and sent to "
    "a FHIR server as JSON. XML is neither read nor written. A page of a search has 100 resources "
    "at most; the total is not counted, and the results are in the order of their ids."
)
_SECURITY = (
    "A bearer token for each machine, with a role; people sign in. Where nobody was ever given an "
    "access, the gateway listens on loopback only and lets this machine's users in."
)
_CLIENT = (
    "What is sent to the FHIR server: updates at ids of the gateway's own, in a transaction, a "
    "batch or one by one, whichever the server offers; reads after an unclear answer."
)
_DEFINITIONS = "http://hl7.org/fhir/OperationDefinition"
_VALIDATE = {"name": "validate", "definition": f"{_DEFINITIONS}/Resource-validate"}
_EXTRACT = {
    "name": "extract",
    "definition": "http://hl7.org/fhir/uv/sdc/OperationDefinition/QuestionnaireResponse-extract",
}
_STRUCTURE_MAP = {
    "type": "StructureMap",
    "documentation": "One for each mapping of the installation, by its name; the body of "
    "$transform is a record of ours as JSON, or a table for a feed mapping.",
    "operation": [
        {"name": "transform", "definition": f"{_DEFINITIONS}/StructureMap-transform"},
    ],
}


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
                "resource": [*map(_held, _types(shared)), _STRUCTURE_MAP],
                "operation": [_VALIDATE],
            },
            {
                "mode": "client",
                "documentation": _CLIENT,
                "resource": [_resource(name) for name in _types(shared)],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            },
        ],
    }


def _types(shared: Services) -> tuple[str, ...]:
    return shared.mapper.types


def _held(resource_type: str) -> dict[str, Any]:
    """Return what can be done here with a type that is made."""
    parameters = [
        {"name": name, "type": kind, "documentation": what}
        for name, (kind, what) in PARAMETERS.items()
        if (name, resource_type) != ("patient", "Patient")
    ]
    operations = [_VALIDATE]
    if resource_type == "QuestionnaireResponse":
        operations.append(_EXTRACT)
    return {
        "type": resource_type,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "searchParam": parameters,
        "operation": operations,
    }


def _resource(resource_type: str) -> dict[str, Any]:
    return {"type": resource_type, "interaction": [{"code": "update"}, {"code": "read"}]}
