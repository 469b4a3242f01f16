"""Identity for life: business identifiers and logical ids, from business keys alone.

A resource belongs to a record or, where other records speak of it too, to the patient. Its
identifier spells that out readably; its logical id is a UUID (version 8, RFC 9562) made of two
hashes: 74 bits of its owner and 48 bits of its own key. So resources of one record share the
first 24 characters, and one hash per record is enough for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import quote

_PERSON = b"fhir-backpain"
# Copied for each hash: that is quicker than to make one.
_OWNER_HASH = blake2b(digest_size=10, person=_PERSON)
_KEY_HASH = blake2b(digest_size=6, person=_PERSON)
# The digit of a UUID that tells its variant (RFC 9562), by the digit of the hash.
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_odd = re.compile(r"[^A-Za-z0-9._-]").search
# Large enough for the sources in hand, small enough for flat memory.
_SOURCES = 64


def key_part(value: str | None) -> str:
    """Return one component of a key, safe in a token search and in JSON; a missing one is empty.

    Everything but ASCII letters, digits, dot, underscore and hyphen is percent-encoded, so that
    joining components with a slash never makes two keys equal.
    """
    if not value:
        return ""
    if _odd(value) is None:
        return value
    return quote(value, safe="").replace("~", "%7E")


def key_path(parts: Iterable[str | None]) -> str:
    """Return the components joined with slashes, each made safe."""
    return "/".join(key_part(part) for part in parts)


class Owner(NamedTuple):
    """Whoever resources belong to, a record or a patient within a source.

    `prefix` starts the logical id of each resource; `path` starts the value of its identifier.
    """

    prefix: str
    path: str

    def logical_id(self, type_: str, key: str) -> str:
        """Return the logical id of the resource of this type and key."""
        return self.prefix + id_suffix(type_, key)

    def identifier_value(self, key: str) -> str:
        """Return the identifier's value of the resource with this key."""
        return f"{self.path}/{key}"


def id_suffix(type_: str, key: str) -> str:
    """Return the last part of the logical id of the resource of this type and key."""
    digest = _KEY_HASH.copy()
    digest.update(f"{type_}\n{key}".encode())
    return digest.hexdigest()


def _prefix(digest: str) -> str:
    """Return the start of a logical id by the 20 hexadecimal digits of a hash."""
    d = digest
    return f"{d[:8]}-{d[8:12]}-8{d[12:15]}-{_VARIANTS[d[15]]}{d[16:19]}-"


def _begun(*parts: str) -> blake2b:
    """Return the hash of an owner as far as many owners share it."""
    state = _OWNER_HASH.copy()
    state.update("".join(f"{part}\n" for part in parts).encode())
    return state


def patients_of(source: str, system: str) -> Callable[[str], tuple[str, str, str]]:
    """Return the function that names a patient by the value of an identifier of one system.

    It gives prefix and path of `patient_in_source`, and `patient_id`.
    """
    in_source = _begun("patient", source, system).copy
    person = _begun("Patient", system).copy
    tag = blake2b(system.encode(), digest_size=4, person=_PERSON).hexdigest()

    def patient(value: str) -> tuple[str, str, str]:
        told, wherever = in_source(), person()
        text = value.encode()
        told.update(text)
        wherever.update(text)
        return (
            _prefix(told.hexdigest()),
            f"{key_part(value)}~{tag}",
            _prefix(wherever.hexdigest()) + _PATIENT_SUFFIX,
        )

    return patient


def records_of(source: str, record: str) -> Callable[[str, str, str], tuple[str, str]]:
    """Return the function that gives prefix and path of `record_of_patient`.

    It takes prefix and path of the patient, and the id of the record.
    """
    begun = _begun("record", source).copy

    def one(prefix: str, path: str, record_id: str) -> tuple[str, str]:
        spelt = f"{path}/{record}/{key_part(record_id)}"
        state = begun()
        state.update(f"{prefix}\n{spelt}".encode())
        return _prefix(state.hexdigest()), spelt

    return one


def patient_in_source(source: str, system: str, value: str) -> Owner:
    """Return the owner of what a source says of a patient across records (Condition, Goal …).

    The patient's identifier system enters the path as a tag, so that equal numbers of two
    hospitals stay apart.
    """
    prefix, path, _ = _patients_of(source, system)(value)
    return Owner(prefix, path)


def record_of_patient(patient: tuple[str, str], source: str, record: str, record_id: str) -> Owner:
    """Return the owner of what one record alone says; `patient` is an Owner."""
    return Owner(*_records_of(source, record)(*patient, record_id))


def patient_id(system: str, value: str) -> str:
    """Return the logical id of the Patient with this business identifier, whatever the source."""
    return _patients_of("", system)(value)[2]


_PATIENT_SUFFIX = id_suffix("Patient", "")
_patients_of = lru_cache(maxsize=_SOURCES)(patients_of)
_records_of = lru_cache(maxsize=_SOURCES)(records_of)
