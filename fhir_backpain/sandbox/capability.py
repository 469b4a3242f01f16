"""The CapabilityStatement, made from the tables that the server works by.

FHIR: http://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from typing import Any

from fhir_backpain import __version__
from fhir_backpain.fhir.json_text import FHIR_JSON
from fhir_backpain.sandbox.routing import ROUTES
from fhir_backpain.sandbox.search_parameters import RESOURCE_TYPES, SEARCH_PARAMETERS

WHAT_IT_IS_NOT = (
    "A sandbox for demonstrations and tests, not for patient data: no authentication, no access "
    "control, no audit. Resources are checked for strict JSON, resourceType, id and literal "
    "references alone: no profile or element validation, no terminology, no narrative checks. "
    "A resource that others refer to can be deleted. Dates without a zone count as UTC. "
    "There is no patch, no _include, no string or quantity search and no operation."
)


def capability_statement(base: str, date: str) -> dict[str, Any]:
    """Return the CapabilityStatement of a server at `base`."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "experimental": True,
        "date": date,
        "kind": "instance",
        "software": {"name": "fhir-backpain sandbox", "version": __version__},
        "implementation": {"description": WHAT_IT_IS_NOT, "url": base},
        "fhirVersion": "4.0.1",
        "format": [FHIR_JSON, "json"],
        "rest": [
            {
                "mode": "server",
                "documentation": WHAT_IT_IS_NOT,
                "security": {"description": "None: anyone who reaches the server may do all."},
                "resource": [_resource(name) for name in RESOURCE_TYPES],
                "interaction": _interactions("system") + _codes(["transaction", "batch"]),
                "searchParam": _system_wide(),
            }
        ],
    }


def _resource(resource_type: str) -> dict[str, Any]:
    parameters = SEARCH_PARAMETERS[resource_type].values()
    return {
        "type": resource_type,
        "interaction": _interactions("type"),
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "not-match",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        # Not "enforced": a delete may leave a reference without its target.
        "referencePolicy": ["literal", "logical"],
        "searchParam": _system_wide()
        + [{"name": row.name, "type": row.kind} for row in parameters],
    }


def _interactions(level: str) -> list[dict[str, str]]:
    return _codes([route.code for route in ROUTES if route.level == level and route.code])


def _codes(codes: list[str]) -> list[dict[str, str]]:
    return [{"code": code} for code in codes]


def _system_wide() -> list[dict[str, str]]:
    return [{"name": "_id", "type": "token"}, {"name": "_lastUpdated", "type": "date"}]
