"""Which slice of a list an item belongs to.

FHIR: http://hl7.org/fhir/R4/profiling.html#discriminator
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_backpain.validation.resource.base_rules import BaseRules
from fhir_backpain.validation.resource.coded import outside
from fhir_backpain.validation.resource.element import ABSENT, Discriminator, Member, Slice, Slicing
from fhir_backpain.validation.resource.pattern import holds_pattern, is_same
from fhir_backpain.validation.resource.reference import target_types


def slice_of(
    slicing: Slicing, item: Any, base: BaseRules, contained: dict[str, str]
) -> Slice | None:
    """Return the first slice whose discriminators an item meets, or None.

    A slice whose discriminators cannot be told here, such as a value set that cannot be
    listed, takes no item.
    """
    for one in slicing.slices:
        if slicing.discriminators and all(
            _meets(found, one.member, item, base, contained) for found in slicing.discriminators
        ):
            return one
    return None


def _meets(
    by: Discriminator, member: Member, item: Any, base: BaseRules, contained: dict[str, str]
) -> bool:
    path = [step for step in by.path if step != "resolve()"]
    wanted: Member | None = member
    values = [item]
    for step in path:
        wanted = _inner(wanted, step, base) if wanted else None
        values = [inner for value in values for inner in _values(value, step)]
    if wanted is None:
        return False
    if by.by == "type":
        return any(_is_of_type(wanted, value, base, contained) for value in values)
    if by.by == "exists":
        return bool(values) == (wanted.max != 0)
    return any(_is_wanted(wanted, value) for value in values)


def _inner(member: Member, step: str, base: BaseRules) -> Member | None:
    if member.refuse is not None or member.type == "Resource":
        return None
    return (member.own or base.content(member.content)).members.get(step)


def _values(value: Any, step: str) -> Iterator[Any]:
    if isinstance(value, dict) and step in value:
        found = value[step]
        yield from found if isinstance(found, list) else (found,)


def _is_wanted(wanted: Member, value: Any) -> bool:
    """Return whether a value is what the slice fixes, asks for by pattern, or binds to."""
    if wanted.fixed is not ABSENT:
        return is_same(value, wanted.fixed)
    if wanted.pattern is not ABSENT:
        return holds_pattern(value, wanted.pattern)
    if wanted.codes is None or (wanted.refuse is None and not isinstance(value, dict)):
        return False
    try:
        return not outside(wanted.codes, wanted.type, value)
    except (AttributeError, TypeError):
        return False  # not even the form of a coded value


def _is_of_type(wanted: Member, value: Any, base: BaseRules, contained: dict[str, str]) -> bool:
    if wanted.type == "Reference" and isinstance(value, dict):
        return not target_types(value, contained, base.resource_types).isdisjoint(wanted.targets)
    return False
