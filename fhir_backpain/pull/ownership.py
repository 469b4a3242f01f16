"""Whose a resource is: which record of which patient, read from its business identifiers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_backpain.fhir import identity
from fhir_backpain.mapping.reverse.address import address_of
from fhir_backpain.pull.change import Resource, relative
from fhir_backpain.record import RECORD_TYPES, RecordKey

Owner = tuple[str, str, str, str]
"""Source, patient within it, record type and record id: what an identifier spells out."""


def owner_of(key: RecordKey) -> Owner:
    """Return the owner of what a record alone makes."""
    patient = identity.patient_in_source(key.source, key.patient_system, key.patient_value)
    return (key.source, patient.path, key.record, key.id)


def owners(resource: Resource, patient: Resource | None = None) -> Iterator[Owner]:
    """Yield the records that alone make a resource; none where it belongs to its patient.

    A Provenance has no identifier: it names its records as entities, and its patient, whose
    resource is `patient`, as a target.
    """
    address = address_of(resource)
    if address is not None:
        if address.record is not None and address.record_id is not None:
            yield (address.source, address.patient, address.record, address.record_id)
        return
    for source, record, record_id in _entities(resource):
        for system, value in identifiers(patient or {}):
            path = identity.patient_in_source(source, system, value).path
            yield (source, path, record, record_id)


def record_key_of(resource: Resource) -> RecordKey | None:
    """Return the record that alone makes a resource, None where its own words do not tell."""
    subject = resource.get("subject")
    identifier = subject.get("identifier") if isinstance(subject, dict) else None
    for system, value in identifiers({"identifier": [identifier]}):
        for owner in owners(resource):
            key = RecordKey(owner[0], system, value, owner[2], owner[3])
            if owner_of(key) == owner:
                return key
    return None


def is_ours(resource: Resource) -> bool:
    """True where the identifiers of a resource say that a record made it."""
    if resource.get("resourceType") == "Patient":
        name = resource.get("id")
        return any(name == identity.patient_id(*one) for one in identifiers(resource))
    return address_of(resource) is not None or any(_entities(resource))


def patient_of(resource: Resource) -> str | None:
    """Return the relative URL of the Patient that a resource is or speaks of."""
    if resource.get("resourceType") == "Patient":
        return f"Patient/{resource.get('id')}"
    named = [_literal(resource.get("subject"))]
    if resource.get("resourceType") == "Provenance":
        targets = resource.get("target")
        named = [_literal(one) for one in (targets if isinstance(targets, list) else [])]
    return next((url for url in named if url and url.startswith("Patient/")), None)


def patient_of_record(key: RecordKey) -> str:
    """Return the relative URL of the Patient of a record."""
    return f"Patient/{identity.patient_id(key.patient_system, key.patient_value)}"


def references(value: Any) -> Iterator[str]:
    """Yield the relative URL of every literal reference below a JSON value."""
    if isinstance(value, dict):
        url = _literal(value)
        if url is not None:
            yield url
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def _literal(reference: Any) -> str | None:
    return relative(reference.get("reference")) if isinstance(reference, dict) else None


def _entities(resource: Resource) -> Iterator[tuple[str, str, str]]:
    """Yield source, type and id of each record that a Provenance names."""
    listed = resource.get("entity") if resource.get("resourceType") == "Provenance" else None
    for entity in listed if isinstance(listed, list) else []:
        what = entity.get("what") if isinstance(entity, dict) else None
        identifier = what.get("identifier") if isinstance(what, dict) else None
        if not isinstance(what, dict) or not isinstance(identifier, dict):
            continue
        found = (identifier.get("system"), what.get("display"), identifier.get("value"))
        if found[1] in RECORD_TYPES and all(isinstance(part, str) for part in found):
            yield str(found[0]), str(found[1]), str(found[2])


def identifiers(resource: Resource) -> Iterator[tuple[str, str]]:
    """Yield system and value of each business identifier that has both."""
    for one in elements(resource.get("identifier")):
        system, value = one.get("system"), one.get("value")
        if isinstance(system, str) and isinstance(value, str):
            yield system, value


def elements(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list; nothing of what is no list."""
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict):
            yield item
