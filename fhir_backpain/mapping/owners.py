"""What the ids and identifiers of a record's resources start with, as compiled code needs it.

What hashes and texts share from record to record is made once for each source. So compiled code
asks for a function by what seldom changes, and calls it with the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from json.encoder import encode_basestring_ascii

from fhir_backpain.fhir import identity

PatientNames = tuple[str, str, str, str]

# Enough for the sources in hand, and few enough for flat memory.
_SOURCES = 16


@lru_cache(maxsize=_SOURCES)
def patients_of(source: str, system: str) -> Callable[[str], PatientNames]:
    """Return the function that names a patient of a source by the value of the identifier.

    It gives prefix and path of `identity.Owner`, the logical id of the Patient, and the JSON text
    of the business identifier.
    """
    patient = identity.patients_of(source, system)
    opening = f'{{"system":{encode_basestring_ascii(system)},"value":'
    # Records of a patient mostly come together.
    latest: tuple[str | None, PatientNames] = (None, ("", "", "", ""))

    def named(value: str) -> PatientNames:
        nonlocal latest
        known, names = latest
        if value != known:
            names = *patient(value), f"{opening}{encode_basestring_ascii(value)}}}"
            latest = value, names
        return names

    return named


records_of = lru_cache(maxsize=_SOURCES)(identity.records_of)
"""Returns the function that names one record of a patient: see `identity.records_of`."""
