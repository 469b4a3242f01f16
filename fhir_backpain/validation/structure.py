"""Checks a FHIR resource by parsing it into the models of fhir.resources.

The models are of FHIR R4B, whose definitions of the resources used here are those of R4. They
check names, datatypes, cardinality and choices, not codes, slices or references. What they let
pass is refused before: see `strict JSON` in `fhir.json_text`.
"""

from __future__ import annotations

from typing import Any

from fhir_backpain.outcome import Issue, Message, SourceLocation

NO_RESOURCE = Message(
    4041, "structure", "Not a FHIR resource", "Give a JSON object with a resourceType."
)
TYPE_UNKNOWN = Message(
    4042, "not-supported", "Unknown resource type", "Use a resource type of FHIR R4."
)
ELEMENT_WRONG = Message(
    4043, "structure", "An element is not what FHIR asks for", "Correct the element that is named."
)


def check_resource(data: Any) -> list[Issue]:
    """Return every problem of a resource, each with its FHIRPath; an empty list is good."""
    if not isinstance(data, dict) or not isinstance(data.get("resourceType"), str):
        return [NO_RESOURCE.issue("There is no resourceType.")]
    # Imported here since the models take a second to load, and few commands need them.
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError

    kind = data["resourceType"]
    try:
        model = get_fhir_model_class(kind)
    except (LookupError, ValueError):
        return [TYPE_UNKNOWN.issue("The resourceType is none of FHIR R4.")]
    try:
        model.model_validate(data)
    except ValidationError as error:
        return [_issue(kind, problem) for problem in error.errors(include_input=False)]
    except RecursionError:
        return [ELEMENT_WRONG.issue("The resource is nested too deeply.", expression=kind)]
    return []


def _issue(kind: str, problem: Any) -> Issue:
    steps = [step for step in problem["loc"] if step != kind]
    expression = kind + "".join(_step(step) for step in steps)
    pointer = "".join(f"/{step}" for step in steps)
    return ELEMENT_WRONG.issue(
        f"{expression}: {_reason(problem)}.",
        expression=expression,
        source=SourceLocation(pointer=pointer),
    )


def _step(step: object) -> str:
    return f"[{step}]" if isinstance(step, int) else f".{step}"


def _reason(problem: Any) -> str:
    """Return what was expected, without the value that was found."""
    reasons = {
        "extra_forbidden": "FHIR has no such element",
        "missing": "the element is required",
        "model_field_validation.required_missing": "the element is required",
    }
    return reasons.get(problem["type"], f"not valid ({problem['type'].replace('_', ' ')})")
