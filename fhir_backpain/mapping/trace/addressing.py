"""Identities while one record is traced: whose resource it is, under which key, from what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_backpain.fhir import identity
from fhir_backpain.mapping.declaration import KeyPart
from fhir_backpain.mapping.trace.scope import Found, Scope

SOURCE = "/source"
PERSON = ("/patient/identifier/system", "/patient/identifier/value")
RECORD = ("/record", "/id")


@dataclass(frozen=True, slots=True)
class TracedOwner:
    """Whoever resources belong to, and the pointers of what its path is made from."""

    owner: identity.Owner
    pointers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TracedKey:
    """A business key, the pointers of what it is made from, and whether its first path is there."""

    text: str
    pointers: tuple[str, ...]
    is_there: bool


@dataclass(frozen=True, slots=True)
class Address:
    """Where a resource is and which business identifier it has, with the pointers behind both."""

    type: str
    id: str
    id_pointers: tuple[str, ...]
    value: str
    value_pointers: tuple[str, ...]

    @property
    def url(self) -> str:
        """The relative address, ``Observation/2f0c…``."""
        return f"{self.type}/{self.id}"


class RecordIdentity:
    """The identities that one record knows: its patient, itself, other records of its type."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        identifier = data["patient"]["identifier"]
        self.source: str = data["source"]
        self.system: str = identifier["system"]
        self.value: str = identifier["value"]
        self._record_type: str = data["record"]
        patient = identity.patient_in_source(self.source, self.system, self.value)
        self._patient = TracedOwner(patient, PERSON)
        own = self._owner_of(self._record_type, data["id"])
        self._record = TracedOwner(own, PERSON + RECORD)

    def _owner_of(self, record_type: str, record_id: str) -> identity.Owner:
        return identity.record_of_patient(self._patient.owner, self.source, record_type, record_id)

    def owner(self, belongs_to: str) -> TracedOwner:
        """Return the owner of what belongs to the ``record`` or to the ``patient``."""
        return self._patient if belongs_to == "patient" else self._record

    def other_record(self, record_id: Found, record_type: str | None) -> TracedOwner:
        """Return the owner of what another record of the same patient makes.

        It is of the same type where `record_type` is None.
        """
        named = ("/record",) if record_type is None else ()
        owner = self._owner_of(record_type or self._record_type, record_id.value)
        return TracedOwner(owner, (*PERSON, *named, record_id.pointer))

    def address(self, type_: str, owner: TracedOwner, key: TracedKey) -> Address:
        """Return the address of the resource of this type, owner and key."""
        pointers = owner.pointers + key.pointers
        return Address(
            type_,
            owner.owner.logical_id(type_, key.text),
            (SOURCE, *pointers),
            owner.owner.identifier_value(key.text),
            pointers,
        )

    def person(self) -> Address:
        """Return the address of the Patient, whose identifier is the clinic's own."""
        id_ = identity.patient_id(self.system, self.value)
        return Address("Patient", id_, PERSON, self.value, PERSON[1:])


def trace_key(parts: tuple[KeyPart, ...], scope: Scope) -> TracedKey:
    """Return a business key of a record; what is missing in it is an empty component."""
    found = [scope.find(part.text) if part.is_path else None for part in parts]
    texts = [
        identity.key_part(part.text if value is None else value.value)
        for part, value in zip(parts, found, strict=True)
    ]
    paths = [value for value in found if value is not None]
    return TracedKey(
        "/".join(texts).rstrip("/"),
        tuple(pointer for value in paths for pointer in value.pointers),
        not paths or paths[0].value is not None,
    )
