"""Finds rules that could make, or claim back, the same resource."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from fhir_backpain.mapping import messages
from fhir_backpain.mapping.declaration import Declaration, KeyPart
from fhir_backpain.outcome import Issue, MappingLocation
from fhir_backpain.record import RECORD_TYPES


def clashing_rules(declarations: Sequence[Declaration]) -> Iterator[Issue]:
    """Yield an issue for each two rules of one source whose resources can have one identity."""
    for one, other in combinations(declarations, 2):
        alike = (one.makes, one.belongs_to) == (other.makes, other.belongs_to)
        # The same name twice is a finding of its own.
        if alike and one.name != other.name and _can_be_equal(one.key, other.key):
            text = f"'{one.name}' and '{other.name}' can give one key to two {one.makes}s."
            yield messages.RULES_CLASH.issue(text, mapping=_place_of_key(other))
    for declaration in declarations:
        first = declaration.key[0] if declaration.key else None
        is_taken = first is not None and not first.is_path and first.text in RECORD_TYPES
        if declaration.belongs_to == "patient" and is_taken:
            text = f"The key of '{declaration.name}' begins like the key of a record."
            yield messages.RULES_CLASH.issue(text, mapping=_place_of_key(declaration))


def _place_of_key(declaration: Declaration) -> MappingLocation:
    return declaration.key[0].location if declaration.key else declaration.location


def _can_be_equal(one: Sequence[KeyPart], other: Sequence[KeyPart]) -> bool:
    """Two keys can be equal unless they differ in a word at the same place."""
    return not any(
        not a.is_path and not b.is_path and a.text != b.text
        for a, b in zip(one, other, strict=False)
    )
