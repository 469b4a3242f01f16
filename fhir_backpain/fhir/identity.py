"""Identity for life: business identifiers and logical ids, from business keys alone.

A resource belongs to a record or, where other records speak of it too, to the patient. Its
identifier spells that out readably; its logical id is a UUID (version 8, RFC 9562) made of two
hashes: 74 bits of its owner and 48 bits of its own key. So resources of one record share the
first 24 characters, and one hash per record is enough for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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
_is_plain = re.compile(r"[A-Za-z0-9._-]+").fullmatch
# Large enough for the patients and keys in hand, small enough for flat memory.
_CACHED = 2048


def key_part(value: str | None) -> str:
    """Return one component of a key, safe in a token search and in JSON; a missing one is empty.

    Everything but ASCII letters, digits, dot, underscore and hyphen is percent-encoded, so that
    joining components with a slash never makes two keys equal.
    """
    if not value:
        return ""
    if _is_plain(value):
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


# A named tuple's own constructor takes three times as long.
_new_owner = tuple.__new__


@lru_cache(maxsize=_CACHED)
def id_suffix(type_: str, key: str) -> str:
    """Return the last part of the logical id of the resource of this type and key."""
    digest = _KEY_HASH.copy()
    digest.update(f"{type_}\n{key}".encode())
    return digest.hexdigest()


def _prefix(identity: str) -> str:
    state = _OWNER_HASH.copy()
    state.update(identity.encode())
    d = state.digest().hex()
    return f"{d[:8]}-{d[8:12]}-8{d[12:15]}-{_VARIANTS[d[15]]}{d[16:19]}-"


@lru_cache(maxsize=_CACHED)
def _system_tag(system: str) -> str:
    return blake2b(system.encode(), digest_size=4, person=_PERSON).hexdigest()


def patient_in_source(source: str, system: str, value: str) -> Owner:
    """Return the owner of what a source says of a patient across records (Condition, Goal …).

    The patient's identifier system enters the path as a tag, so that equal numbers of two
    hospitals stay apart.
    """
    path = f"{key_part(value)}~{_system_tag(system)}"
    return _new_owner(Owner, (_prefix(f"patient\n{source}\n{system}\n{value}"), path))


def record_of_patient(patient: tuple[str, str], source: str, record: str, record_id: str) -> Owner:
    """Return the owner of what one record alone says; `patient` is an Owner."""
    prefix, patient_path = patient
    path = f"{patient_path}/{record}/{key_part(record_id)}"
    return _new_owner(Owner, (_prefix(f"record\n{source}\n{prefix}\n{path}"), path))


def patient_id(system: str, value: str) -> str:
    """Return the logical id of the Patient with this business identifier, whatever the source."""
    return _prefix(f"Patient\n{system}\n{value}") + _PATIENT_SUFFIX


_PATIENT_SUFFIX = id_suffix("Patient", "")
