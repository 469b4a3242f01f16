"""Bodies and answers of the FHIR face: resources in, resources out, as strict JSON."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from fhir_backpain.fhir.json_text import FHIR_JSON, dump, parse
from fhir_backpain.gateway.answer import fhir_answer
from fhir_backpain.gateway.guard import JSON, body_type
from fhir_backpain.gateway.messages import NO_RESOURCE
from fhir_backpain.gateway.problem import ProblemError
from fhir_backpain.gateway.services import own_address, services

Resource = dict[str, Any]


def sent_resource() -> Resource:
    """Return the resource of the body; ProblemError or SourceError where it is none.

    Numbers are int or Decimal, as they were written.
    """
    body_type(FHIR_JSON, JSON)
    data = parse(request.get_data(cache=False), services().settings.json)
    if not isinstance(data, dict) or not isinstance(data.get("resourceType"), str):
        raise ProblemError(NO_RESOURCE.issue("The body is no resource."), status=400)
    return data


def parameters_of(resource: Resource) -> dict[str, Any]:
    """Return the parameters of a Parameters resource by name, each a resource or a value.

    ProblemError 400 where one has no name, or the name of another.
    """
    found: dict[str, Any] = {}
    listed = resource.get("parameter", [])
    for one in listed if isinstance(listed, list) else [None]:
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(one, dict) or not isinstance(name, str) or name in found:
            raise ProblemError(NO_RESOURCE.issue("A parameter is not readable."), status=400)
        values = [one[key] for key in one if key == "resource" or key.startswith("value")]
        found[name] = values[0] if len(values) == 1 else None
    return found


def resource_answer(resource: Resource, status: int = 200) -> Response:
    """Return a resource, its numbers as they are."""
    return fhir_answer(dump(resource), status)


def base_url() -> str:
    """Return the address of the FHIR face as clients know it."""
    return f"{own_address()}/fhir"
