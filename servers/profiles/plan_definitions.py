"""Protocols: stepped care for a cause of back pain, as FHIR PlanDefinitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_backpain.mapping.library import Library
from fhir_backpain.protocols.plan_definition import plan_definition
from fhir_backpain.protocols.protocol import load_protocols


def plan_definitions(library: Library) -> Iterator[dict[str, Any]]:
    """Return the PlanDefinition of each shipped protocol.

    FHIR: PlanDefinition, http://hl7.org/fhir/R4/plandefinition.html
    """
    return (plan_definition(protocol, library) for protocol in load_protocols(library).values())
