"""Reads business identifiers back: whose resource it is, and under which key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from fhir_backpain.mapping.declaration import KeyPart
from fhir_backpain.record import RECORD_TYPES

_RECORD_PARTS = 3


@dataclass(frozen=True, slots=True)
class Address:
    """What an identifier of ours says: source, patient, the record where one owns it, and key."""

    source: str
    patient: str
    record: str | None
    record_id: str | None
    key: tuple[str, ...]

    @property
    def owner(self) -> tuple[str, str, str | None, str | None]:
        """Everything but the key."""
        return (self.source, self.patient, self.record, self.record_id)


def read_address(identifier: Any) -> Address | None:
    """Return the address that a FHIR Identifier spells out, or None where it is none of ours."""
    if not isinstance(identifier, dict):
        return None
    system, value = identifier.get("system"), identifier.get("value")
    if not isinstance(system, str) or not isinstance(value, str) or "~" not in value:
        return None
    parts = value.split("/")
    if "~" not in parts[0] or len(parts) < 2:
        return None
    if parts[1] in RECORD_TYPES and len(parts) > _RECORD_PARTS:
        key = tuple(unquote(part) for part in parts[_RECORD_PARTS:])
        return Address(system, parts[0], parts[1], unquote(parts[2]), key)
    return Address(system, parts[0], None, None, tuple(unquote(part) for part in parts[1:]))


def address_of(resource: dict[str, Any]) -> Address | None:
    """Return the address of a resource by its own identifier."""
    identifiers = resource.get("identifier")
    for identifier in identifiers if isinstance(identifiers, list) else [identifiers]:
        address = read_address(identifier)
        if address is not None:
            return address
    return None


def read_key(parts: tuple[KeyPart, ...], key: tuple[str, ...]) -> dict[str, str] | None:
    """Return source path -> value for a key, or None where it is not of this form.

    Empty trailing components were left out when the key was written.
    """
    if len(key) > len(parts):
        return None
    values: dict[str, str] = {}
    for index, part in enumerate(parts):
        text = key[index] if index < len(key) else ""
        if not part.is_path:
            if text != part.text:
                return None
        elif text:
            values[part.text] = text
    return values
