"""The tests of the invariants of resources and of US Core's profiles, by their keys.

FHIR: http://hl7.org/fhir/R4/resourcelist.html, http://hl7.org/fhir/us/core/STU6.1/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_backpain.validation.resource.datatype_invariants import UCUM
from fhir_backpain.validation.resource.invariant import Test

_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_ENDED = ("resolved", "remission", "inactive")
_ORDERS = ("order", "original-order", "reflex-order", "filler-order", "instance-order")
_REPORTED = ("partial", "preliminary", "final", "amended", "corrected", "appended")
_ABATEMENT = tuple(f"abatement{kind}" for kind in ("DateTime", "Age", "Period", "Range", "String"))

Resource = dict[str, Any]


def _has(it: dict[str, Any], stem: str) -> bool:
    """Return whether a choice such as ``value[x]`` has any of its members."""
    size = len(stem)
    for name in it:  # noqa: SIM110 - a generator would double the time
        if name[:size] == stem and name[size : size + 1].isupper():
            return True
    return False


def _is_coded(concept: Any, system: str, *codes: str) -> bool:
    if concept is not None:
        for one in concept.get("coding", ()):
            if one.get("code") in codes and one.get("system") == system:
                return True
    return False


def _status_unless_error(it: Resource, _: Resource) -> bool:
    if "clinicalStatus" in it:
        return True
    if _is_coded(it.get("verificationStatus"), _VERIFIED, "entered-in-error"):
        return True
    # As published, the rule compares a concept with a text: so any category breaks it.
    return "category" not in it


def _abated(it: Resource, _: Resource) -> bool:
    if not _has(it, "abatement"):
        return True
    return _is_coded(it.get("clinicalStatus"), _CLINICAL, *_ENDED)


def _no_status_in_error(it: Resource, _: Resource) -> bool:
    if "clinicalStatus" not in it:
        return True
    return not _is_coded(it.get("verificationStatus"), _VERIFIED, "entered-in-error")


def _no_component_of_the_same_code(it: Resource, _: Resource) -> bool:
    own = it["code"].get("coding", ())
    for component in it["component"]:
        for coding in component["code"].get("coding", ()):
            if coding in own:
                return not _has(it, "value")
    return True


def _day_at_least(value: Any, _: Resource) -> bool:
    return not isinstance(value, str) or len(value) >= 10


def _unit_of_ucum(it: Resource, _: Resource) -> bool:
    quantity = it.get("valueQuantity")
    return not isinstance(quantity, dict) or quantity.get("system", UCUM) == UCUM


def _ordered_by_someone(it: Resource, _: Resource) -> bool:
    return it.get("intent") not in _ORDERS or "requester" in it


def _named_or_reasoned(it: dict[str, Any], _: Resource) -> bool:
    is_named = "family" in it or "given" in it or "_family" in it or "_given" in it
    reasons = [one for one in it.get("extension", ()) if one.get("url") == _ABSENT_REASON]
    return is_named != bool(reasons)


def _contained(it: Resource) -> Iterator[dict[str, Any]]:
    return (one for one in it.get("contained", ()) if isinstance(one, dict))


def _local_ids(node: Any) -> Iterator[str]:
    """Yield what the local references and canonicals of a tree point to."""
    if isinstance(node, dict):
        for value in node.values():
            yield from _local_ids(value)
    elif isinstance(node, list):
        for value in node:
            yield from _local_ids(value)
    elif isinstance(node, str) and node.startswith("#"):
        yield node[1:]


def _all_referred_to(it: Resource, _: Resource) -> bool:
    used = set(_local_ids(it))
    return all(one.get("id") in used or "" in set(_local_ids(one)) for one in _contained(it))


def _of_contained(*names: str) -> Test:
    """Return the test of: no contained resource has any of these members in its meta."""
    return Test(
        lambda it, _: not any(name in one.get("meta", {}) for one in _contained(it)
                              for name in names),
        needs=("contained",),
    )  # fmt: skip


def _answers_once(it: Resource, _: Resource) -> bool:
    """sdcqr-2: in each group, no two answered items have one linkId."""
    groups = [it]
    for group in groups:
        answered = set()
        for one in group.get("item", ()):
            if "item" in one:
                groups.append(one)
            has_value = False
            for answer in one.get("answer", ()):
                has_value = has_value or _has(answer, "value")
                if "item" in answer:
                    groups.append(answer)
            if has_value and one.get("linkId") in answered:
                return False
            if has_value:
                answered.add(one.get("linkId"))
    return True


def _distinct_entries(it: Resource, _: Resource) -> bool:
    if it.get("type") == "history":
        return True
    found = [
        (entry["fullUrl"], entry.get("resource", {}).get("meta", {}).get("versionId", ""))
        for entry in it.get("entry", ())
        if "fullUrl" in entry
    ]
    return len(found) == len(set(found))


def _entries_have(name: str, *types: str) -> Test:
    def holds(it: Resource, _: Resource) -> bool:
        wanted = it.get("type") in types
        return all((name in entry) == wanted for entry in it.get("entry", ()))

    return Test(holds, needs=("entry",))


def _value_or_reason(it: Resource, _: Resource) -> bool:
    return "component" in it or "hasMember" in it or "dataAbsentReason" in it or _has(it, "value")


TESTS: dict[str, Test] = {
    "bdl-1": Test(lambda it, _: it.get("type") in ("searchset", "history"), needs=("total",)),
    "bdl-2": Test(
        lambda it, _: it.get("type") == "searchset"
        or not any("search" in entry for entry in it["entry"]), needs=("entry",)),
    "bdl-3": _entries_have("request", "batch", "transaction", "history"),
    "bdl-4": _entries_have("response", "batch-response", "transaction-response", "history"),
    "bdl-5": Test(
        lambda it, _: "resource" in it or "request" in it or "response" in it, by_names=True),
    "bdl-7": Test(_distinct_entries, needs=("entry",)),
    "bdl-8": Test(lambda it, _: "/_history/" not in it.get("fullUrl", ""), needs=("fullUrl",)),
    "con-1": Test(lambda it, _: "summary" in it or "assessment" in it, by_names=True),
    "con-2": Test(lambda it, _: "code" in it or "detail" in it, by_names=True),
    "con-3": Test(
        _status_unless_error, reads=("clinicalStatus", "verificationStatus.coding", "category")),
    "con-4": Test(_abated, needs=_ABATEMENT, reads=("abatement[x]", "clinicalStatus")),
    "con-5": Test(_no_status_in_error, needs=("verificationStatus",),
                  reads=("clinicalStatus", "verificationStatus")),
    "cpl-3": Test(lambda it, _: "detail" not in it or "reference" not in it, by_names=True),
    "dom-2": Test(lambda it, _: not any("contained" in one for one in _contained(it)),
                  needs=("contained",)),
    "dom-3": Test(_all_referred_to, needs=("contained",)),
    "dom-4": _of_contained("versionId", "lastUpdated"),
    "dom-5": _of_contained("security"),
    "gol-1": Test(
        lambda it, _: not _has(it, "detail") or "measure" in it, by_names=True),
    "obs-3": Test(lambda it, _: "low" in it or "high" in it or "text" in it, by_names=True),
    "obs-6": Test(lambda it, _: not _has(it, "value"), needs=("dataAbsentReason",), by_names=True),
    "obs-7": Test(_no_component_of_the_same_code, needs=("component",),
                  reads=("code.coding", "component.code.coding", "value[x]")),
    "org-1": Test(lambda it, _: "identifier" in it or "name" in it, by_names=True),
    "org-2": Test(lambda it, _: all(one.get("use") != "home" for one in it.get("address", ())),
                  needs=("address",), reads=("address",)),
    "org-3": Test(lambda it, _: all(one.get("use") != "home" for one in it.get("telecom", ())),
                  needs=("telecom",), reads=("telecom",)),
    "pat-1": Test(
        lambda it, _: any(name in it for name in ("name", "telecom", "address", "organization")),
        by_names=True),
    "prr-1": Test(lambda it, _: "code" in it, needs=("orderDetail",), by_names=True),
    "qrs-1": Test(lambda it, _: "answer" not in it or "item" not in it, by_names=True),
    "sdcqr-1": Test(lambda it, _: "subject" in it, by_names=True),
    "sdcqr-2": Test(
        _answers_once, needs=("item",),
        reads=("item.linkId", "item.answer.value[x]", "item.answer.item", "item.item")),
    "us-core-1": Test(_day_at_least),
    "us-core-2": Test(_value_or_reason, by_names=True),
    "us-core-3": Test(_unit_of_ucum, needs=("valueQuantity",), reads=("valueQuantity.system",)),
    "us-core-6": Test(_named_or_reasoned),
    "us-core-7": Test(
        lambda it, _: it.get("status") not in ("completed", "in-progress")
        or _has(it, "performed"), needs=("status",), reads=("status", "performed[x]")),
    "us-core-10": Test(
        lambda it, _: it.get("status") not in _REPORTED or _has(it, "effective"),
        needs=("status",), reads=("status", "effective[x]")),
    "us-core-21": Test(_ordered_by_someone, needs=("intent",), reads=("intent", "requester")),
}  # fmt: skip
"""The invariants of resources and profiles that are evaluated, by key."""
