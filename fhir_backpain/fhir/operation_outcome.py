"""OperationOutcome as a server sends it.

FHIR: http://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_backpain.fhir.json_text import dump
from fhir_backpain.outcome import Issue, Outcome


def outcome_text(issues: Iterable[Issue]) -> str:
    """Return the issues as the JSON text of an OperationOutcome; none say that all went well."""
    return dump(Outcome.of(issues).to_fhir())
