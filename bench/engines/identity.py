"""Logical ids and business identifiers for the Python engines, computed with hashlib alone.

The scheme is the product's (fhir_backpain/fhir/identity.py); the code is not, so that no engine
runs on another one's optimisations. Every key of the work item is safe in an identifier as it is.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any

_PERSON = b"fhir-backpain"


def _hash(text: str, size: int) -> str:
    return blake2b(text.encode(), digest_size=size, person=_PERSON).hexdigest()


def _prefix(*identity: str) -> str:
    digest = _hash("\n".join(identity), 10)
    variant = "89ab"[int(digest[15], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-8{digest[12:15]}-{variant}{digest[16:19]}-"


@lru_cache(maxsize=4096)
def _tag(system: str) -> str:
    return _hash(system, 4)


@lru_cache(maxsize=4096)
def _suffix(type_: str, key: str) -> str:
    return _hash(f"{type_}\n{key}", 6)


class Identities:
    """The addresses and identifiers of what one record makes."""

    __slots__ = ("_patient", "_record", "patient_id", "patient_path", "record_path")

    def __init__(self, record: dict[str, Any]) -> None:
        source, identifier = record["source"], record["patient"]["identifier"]
        system, value = identifier["system"], identifier["value"]
        self.patient_id = _prefix("Patient", system, value) + _suffix("Patient", "")
        self.patient_path = f"{value}~{_tag(system)}"
        self.record_path = f"{self.patient_path}/{record['record']}/{record['id']}"
        self._patient = _prefix("patient", source, system, value)
        self._record = _prefix("record", source, self._patient, self.record_path)

    def of_patient(self, type_: str, key: str) -> tuple[str, str]:
        """Return logical id and identifier value of what the patient owns across records."""
        return self._patient + _suffix(type_, key), f"{self.patient_path}/{key}"

    def of_record(self, type_: str, key: str) -> tuple[str, str]:
        """Return logical id and identifier value of what the record alone owns."""
        return self._record + _suffix(type_, key), f"{self.record_path}/{key}"
