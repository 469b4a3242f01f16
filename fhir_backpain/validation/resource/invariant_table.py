"""The table of invariants: which keys are evaluated, which are not, and why.

>>> account_of("obs-6").is_evaluated
True
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fhir_backpain.validation.resource import datatype_invariants, resource_invariants
from fhir_backpain.validation.resource.invariant import Account, Rule, Test

TESTS: dict[str, Test] = {**datatype_invariants.TESTS, **resource_invariants.TESTS}
"""Every invariant with a test of its own, by key."""

BUILT_IN: dict[str, str] = {
    "ele-1": "an empty value, or an object with an id alone, is refused everywhere",
    "txt-1": "a narrative may hold only the elements and attributes that FHIR allows",
    "txt-2": "a narrative must have content",
}
"""Invariants that every value or narrative is held against, by key."""

_CONFORMANCE = "of a conformance resource or datatype that no clinical resource here uses"
_FETCH = "needs the resource that is referred to, and nothing is fetched"
_BEST_PRACTICE = "a best practice only: data are right without a narrative"

NOT_EVALUATED: dict[str, str] = {
    "bdl-9": "Bundles of type document are not made here",
    "bdl-10": "Bundles of type document are not made here",
    "bdl-11": "Bundles of type document are not made here",
    "bdl-12": "Bundles of type message are not made here",
    "ctm-1": _FETCH,
    "dom-6": _BEST_PRACTICE,
    "provenance-1": _FETCH,
    **{f"drq-{number}": _CONFORMANCE for number in (1, 2)},
    **{f"que-{number}": _CONFORMANCE for number in range(14)},
    **{f"trd-{number}": _CONFORMANCE for number in (1, 2, 3)},
}
"""Known invariants that are not evaluated, with the reason; HL7's validator evaluates them."""

_UNKNOWN = "no test of this key is written here"


def account_of(key: str) -> Account:
    """Return what becomes of an invariant key, be it known or not."""
    if key in TESTS:
        return Account(key, True, "tested")
    if key in BUILT_IN:
        return Account(key, True, BUILT_IN[key])
    return Account(key, False, NOT_EVALUATED.get(key, _UNKNOWN))


def accounts() -> tuple[Account, ...]:
    """Return every known key, sorted: the rows of the documentation's table."""
    return tuple(account_of(key) for key in sorted({*TESTS, *BUILT_IN, *NOT_EVALUATED}))


def rules_of(constraints: Iterable[tuple[str, str, str]]) -> Iterator[Rule]:
    """Yield the rules that are tested, of (key, severity, human) as definitions have them."""
    for key, severity, human in constraints:
        if key in TESTS:
            yield Rule(key, severity, human, TESTS[key])
