"""The invariants of FHIR and of profiles: which of them are evaluated here, and how.

A rule is a Python function for each key. `holds` gets the element at the rule's place and the
resource around it, and is asked only where the shape of the element has been found good.
FHIR: ElementDefinition.constraint, http://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Holds = Callable[[Any, dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Test:
    """How one invariant is tested.

    `needs` names members: where none of them is there, the rule is met without a look. With
    `by_names` it is met or broken by which members are there, whatever their values. `reads` are
    the paths of all that the test looks at, as ``code.coding``; at ``value[x]`` it looks whether
    it is there. Where there are none, it may look at all.
    """

    holds: Holds
    needs: tuple[str, ...] = ()
    by_names: bool = False
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """An invariant at its place: its key, severity and words as its definition has them."""

    key: str
    severity: str
    human: str
    test: Test


def is_broken(rule: Rule, value: Any, resource: dict[str, Any]) -> bool:
    """Return whether an element, of right form, breaks a rule."""
    return is_asked(rule, value) and not rule.test.holds(value, resource)


def is_asked(rule: Rule, value: Any) -> bool:
    """Return whether an element has a member that a rule is about; a plain value has none."""
    needs = rule.test.needs
    return not needs or (isinstance(value, dict) and any(name in value for name in needs))


@dataclass(frozen=True, slots=True)
class Account:
    """What becomes of one invariant key: `is_evaluated`, and where not, why."""

    key: str
    is_evaluated: bool
    reason: str
