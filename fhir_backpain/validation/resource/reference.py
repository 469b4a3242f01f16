"""What a reference points to, as far as the reference itself tells.

FHIR: Reference, http://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from typing import Any

# The regular expression of RESTful references in http://hl7.org/fhir/R4/references.html#regex,
# with the type to be looked up.
_LITERAL = re.compile(
    r"(?:(?P<base>https?://[^\s?#]+?)/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#[A-Za-z0-9\-.]{1,64})?"
)
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:[^\s]+")
_CONDITIONAL = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?[^\s]+")
_OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LOCAL = re.compile(r"#[A-Za-z0-9\-.]{0,64}")


def has_reference_form(reference: str, resource_types: frozenset[str]) -> bool:
    """Return whether a text can be Reference.reference.

    >>> has_reference_form("Patient/1", frozenset({"Patient"}))
    True
    """
    literal = _LITERAL.fullmatch(reference) or _CONDITIONAL.fullmatch(reference)
    if literal is not None:
        return literal["type"] in resource_types or reference.startswith("http")
    if reference.startswith("urn:oid:"):
        return _OID.fullmatch(reference) is not None
    if reference.startswith("urn:uuid:"):
        return _UUID.fullmatch(reference) is not None
    return bool(_LOCAL.fullmatch(reference) or _ABSOLUTE.fullmatch(reference))


def target_types(
    value: dict[str, Any], contained: dict[str, str], resource_types: frozenset[str]
) -> set[str]:
    """Return the resource types that a Reference says it points to: by its literal, by its type.

    None where nothing tells it; two where it contradicts itself. `contained` gives the type of
    each contained resource by its id.
    """
    found = set()
    reference = value.get("reference")
    if isinstance(reference, str):
        literal = _LITERAL.fullmatch(reference) or _CONDITIONAL.fullmatch(reference)
        if reference.startswith("#") and reference[1:] in contained:
            found.add(contained[reference[1:]])
        elif literal is not None and literal["type"] in resource_types:
            found.add(literal["type"])
    named = value.get("type")
    if isinstance(named, str):
        found.add(named.removeprefix("http://hl7.org/fhir/StructureDefinition/"))
    return found
