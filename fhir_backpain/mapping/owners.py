"""What the ids and identifiers of a record's resources start with, as compiled code needs it."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii

from fhir_backpain.fhir import identity

PatientNames = tuple[str, str, str, str]

# Enough for the patients in hand, and few enough for flat memory.
_KEPT = 2048
_patients: dict[tuple[str, str, str], PatientNames] = {}


def patient_names(source: str, system: str, value: str) -> PatientNames:
    """Return what a source says of a patient with: prefix and path of `identity.Owner`.

    Then the logical id of the Patient, and the JSON text of its business identifier.
    """
    return _patients.get((source, system, value)) or _new_patient(source, system, value)


def _new_patient(source: str, system: str, value: str) -> PatientNames:
    prefix, path = identity.patient_in_source(source, system, value)
    quoted = encode_basestring_ascii
    identifier = f'{{"system":{quoted(system)},"value":{quoted(value)}}}'
    names = (prefix, path, identity.patient_id(system, value), identifier)
    if len(_patients) >= _KEPT:
        _patients.clear()
    _patients[source, system, value] = names
    return names


def record_names(
    prefix: str, path: str, source: str, record: str, record_id: str
) -> tuple[str, str]:
    """Return prefix and path of what one record of the patient with these names makes."""
    return identity.record_of_patient((prefix, path), source, record, record_id)
