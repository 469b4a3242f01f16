"""Whether a coded value is one of a value set's.

FHIR: http://hl7.org/fhir/R4/terminologies.html#required
"""

from __future__ import annotations

from typing import Any

from fhir_backpain.validation.resource.element import Codes


def outside(codes: Codes, type_name: str, value: Any) -> bool:
    """Return whether a value of right form breaks a required binding to `codes`.

    A code, string or uri is looked at alone, a Coding or Quantity with its system; of a
    CodeableConcept one coding is enough. A Quantity without a code is let pass.
    """
    if type_name == "CodeableConcept":
        return not any(_is_listed(codes, coding) for coding in value.get("coding", ()))
    if type_name == "Quantity":
        return "code" in value and not _is_listed(codes, value)
    if type_name == "Coding":
        return not _is_listed(codes, value)
    return value not in codes.codes


def _is_listed(codes: Codes, coding: dict[str, Any]) -> bool:
    return (coding.get("system"), coding.get("code")) in codes.pairs
