"""Whether a value is the one that a profile fixes, or holds the pattern that it asks for.

FHIR: ElementDefinition.fixed[x] and pattern[x], http://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from typing import Any


def is_same(value: Any, fixed: Any) -> bool:
    """Return whether two values are the same JSON: true is not 1."""
    if isinstance(fixed, dict):
        return (
            isinstance(value, dict)
            and value.keys() == fixed.keys()
            and all(is_same(value[name], item) for name, item in fixed.items())
        )
    if isinstance(fixed, list):
        return (
            isinstance(value, list)
            and len(value) == len(fixed)
            and all(is_same(one, other) for one, other in zip(value, fixed, strict=True))
        )
    return isinstance(value, bool) == isinstance(fixed, bool) and bool(value == fixed)


def holds_pattern(value: Any, pattern: Any) -> bool:
    """Return whether a value has all that a pattern has; it may have more.

    >>> holds_pattern({"coding": [{"code": "a"}, {"code": "b"}]}, {"coding": [{"code": "b"}]})
    True
    """
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            name in value and holds_pattern(value[name], item) for name, item in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(
            any(holds_pattern(one, item) for one in value) for item in pattern
        )
    return is_same(value, pattern)
