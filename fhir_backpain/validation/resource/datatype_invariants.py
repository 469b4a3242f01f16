"""The tests of the invariants of datatypes, by their keys.

FHIR: http://hl7.org/fhir/R4/datatypes.html
"""

from __future__ import annotations

from typing import Any

from fhir_backpain.validation.resource.date_order import is_not_after
from fhir_backpain.validation.resource.invariant import Test

UCUM = "http://unitsofmeasure.org"
"""The system of every unit of time, length and currency-free amount."""

_NOT_AN_EVENT = ("C", "CM", "CD", "CV")


def _both_or_one(a: str, b: str) -> Test:
    """Return the test of: where `a` is there, `b` is there too."""
    return Test(lambda it, _: a not in it or b in it, needs=(a,), by_names=True)


def _ucum_if_any(it: dict[str, Any]) -> bool:
    return ("code" in it or "value" not in it) and it.get("system", UCUM) == UCUM


def _age(it: dict[str, Any], _: dict[str, Any]) -> bool:
    return _ucum_if_any(it) and ("value" not in it or it["value"] > 0)


def _count(it: dict[str, Any], _: dict[str, Any]) -> bool:
    return (
        _ucum_if_any(it)
        and it.get("code", "1") == "1"
        and ("value" not in it or "." not in str(it["value"]))
    )


def _duration(it: dict[str, Any], _: dict[str, Any]) -> bool:
    return "code" not in it or (it.get("system") == UCUM and "value" in it)


def _range(it: dict[str, Any], _: dict[str, Any]) -> bool:
    low, high = it.get("low"), it.get("high")
    if low is None or high is None or low.get("code") != high.get("code"):
        return True
    values = (low.get("value"), high.get("value"))
    return None in values or bool(values[0] <= values[1])


def _ratio(it: dict[str, Any], _: dict[str, Any]) -> bool:
    return ("numerator" in it) == ("denominator" in it) and ("numerator" in it or "extension" in it)


def _period(it: dict[str, Any], _: dict[str, Any]) -> bool:
    return "start" not in it or "end" not in it or is_not_after(it["start"], it["end"])


def _local_reference(it: dict[str, Any], resource: dict[str, Any]) -> bool:
    reference = it.get("reference", "")
    if not reference.startswith("#") or reference == "#":
        return True
    contained = resource.get("contained") or ()
    return any(isinstance(one, dict) and one.get("id") == reference[1:] for one in contained)


def _extension(it: dict[str, Any], _: dict[str, Any]) -> bool:
    has_value = any(name.removeprefix("_").startswith("value") for name in it)
    return has_value != ("extension" in it)


def _not_negative(name: str) -> Test:
    return Test(lambda it, _: bool(it.get(name, 0) >= 0), needs=(name,), reads=(name,))


def _offset(it: dict[str, Any], _: dict[str, Any]) -> bool:
    when = it.get("when") or ()
    return "offset" not in it or (bool(when) and not any(one in _NOT_AN_EVENT for one in when))


def _one_of(*names: str) -> Test:
    """Return the test of: at least one of the members is there."""
    return Test(lambda it, _: any(name in it for name in names), by_names=True)


def _not_both(a: str, b: str) -> Test:
    return Test(lambda it, _: a not in it or b not in it, needs=(a,), by_names=True)


TESTS: dict[str, Test] = {
    "age-1": Test(_age),
    "att-1": _both_or_one("data", "contentType"),
    "cnt-3": Test(_count),
    "cpt-2": _both_or_one("value", "system"),
    "dis-1": Test(lambda it, _: _ucum_if_any(it)),
    "drt-1": Test(_duration, needs=("code",)),
    "exp-1": _one_of("expression", "reference"),
    "ext-1": Test(_extension, by_names=True),
    "per-1": Test(_period, needs=("end",)),
    "qty-3": _both_or_one("code", "system"),
    "rat-1": Test(_ratio, by_names=True),
    "ref-1": Test(_local_reference, needs=("reference",)),
    "rng-2": Test(_range, needs=("high",)),
    "sqty-1": Test(lambda it, _: "comparator" not in it, needs=("comparator",), by_names=True),
    "tim-1": _both_or_one("duration", "durationUnit"),
    "tim-2": _both_or_one("period", "periodUnit"),
    "tim-4": _not_negative("duration"),
    "tim-5": _not_negative("period"),
    "tim-6": _both_or_one("periodMax", "period"),
    "tim-7": _both_or_one("durationMax", "duration"),
    "tim-8": _both_or_one("countMax", "count"),
    "tim-9": Test(_offset, needs=("offset",), reads=("offset", "when")),
    "tim-10": _not_both("timeOfDay", "when"),
}
"""The invariants of datatypes that are evaluated, by key."""
