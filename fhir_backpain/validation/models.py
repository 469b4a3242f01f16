"""The second strength: the models of fhir.resources, with guards in front of what they let pass.

The models are of FHIR R4B, whose definitions of the resources used here are those of R4. By
themselves they take an unknown status, a script in a narrative, NUL and duplicate fields, and fail
on deep nesting: all that is refused before, by the strict reader and the built-in validator. They
turn 1.10 into 1.1: so what they make of a resource is thrown away, and only their verdict kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fhir_backpain.errors import SourceError
from fhir_backpain.fhir import json_text
from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.validation.resource.messages import ELEMENT_WRONG, NO_RESOURCE, TYPE_UNKNOWN
from fhir_backpain.validation.resource.validator import BuiltInValidator


class ModelsValidator:
    """Parses resources into the models, once the built-in validator has found no error."""

    def __init__(self, packages: Iterable[Path] = (), profiles: Sequence[str] = ()) -> None:
        self._guard = BuiltInValidator(packages, profiles)

    def validate(self, resource: Any) -> list[Issue]:
        """Return every problem of a resource: JSON data, or its text as str or bytes."""
        if isinstance(resource, str | bytes):
            try:
                resource = json_text.parse(resource)
            except SourceError as error:
                return list(error.issues)
        issues = self._guard.validate(resource)
        if any(issue.is_error for issue in issues):
            return issues
        return [*issues, *model_issues(resource)]


def model_issues(data: Any) -> list[Issue]:
    """Return what the models alone refuse in a resource, each with its FHIRPath."""
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
