"""The resource types of the sandbox and their search parameters: one table, no code per type.

FHIR: http://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["token", "reference", "date", "uri"]

RESOURCE_TYPES: tuple[str, ...] = (
    "Patient", "Practitioner", "PractitionerRole", "Organization", "Encounter", "Observation",
    "Condition", "Questionnaire", "QuestionnaireResponse", "CarePlan", "Goal", "ServiceRequest",
    "MedicationRequest", "Procedure", "DiagnosticReport", "CareTeam", "Provenance", "AuditEvent",
    "Device",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A search parameter of one type: where its values are and how they compare.

    `paths` are element paths below the resource, arrays implied. `target` limits a reference to
    one type. `system` is the code system that a plain code implies.
    """

    name: str
    kind: Kind
    paths: tuple[str, ...]
    target: str | None = None
    system: str | None = None


_HL7 = "http://hl7.org/fhir/"
_CLINICAL = (
    "Encounter Observation Condition QuestionnaireResponse CarePlan Goal ServiceRequest "
    "MedicationRequest Procedure DiagnosticReport CareTeam"
)
_ALL = " ".join(RESOURCE_TYPES)

# name, kind, paths, types; then the reference's target type or the code system implied.
_ROWS: tuple[tuple[str, ...], ...] = (
    ("_tag", "token", "meta.tag", _ALL),
    ("_security", "token", "meta.security", _ALL),
    ("_profile", "uri", "meta.profile", _ALL),
    ("_source", "uri", "meta.source", _ALL),
    (
        "identifier", "token", "identifier",
        "Patient Practitioner PractitionerRole Organization Questionnaire Device " + _CLINICAL,
    ),
    ("subject", "reference", "subject", _CLINICAL),
    ("patient", "reference", "subject", _CLINICAL, "Patient"),
    ("patient", "reference", "patient", "Device", "Patient"),
    ("patient", "reference", "target", "Provenance", "Patient"),
    ("patient", "reference", "agent.who entity.what", "AuditEvent", "Patient"),
    ("code", "token", "code", "Observation Condition ServiceRequest Procedure DiagnosticReport"),
    ("code", "token", "medicationCodeableConcept", "MedicationRequest"),
    ("code", "token", "item.code", "Questionnaire"),
    ("component-code", "token", "component.code", "Observation"),
    ("combo-code", "token", "code component.code", "Observation"),
    ("value-concept", "token", "valueCodeableConcept", "Observation"),
    ("category", "token", "category",
     "Observation Condition CarePlan ServiceRequest MedicationRequest Procedure DiagnosticReport "
     "CareTeam Goal"),
    ("date", "date", "effectiveDateTime effectivePeriod effectiveInstant effectiveTiming",
     "Observation"),
    ("date", "date", "effectiveDateTime effectivePeriod", "DiagnosticReport"),
    ("date", "date", "performedDateTime performedPeriod", "Procedure"),
    ("date", "date", "period", "Encounter CarePlan CareTeam PractitionerRole"),
    ("date", "date", "date", "Questionnaire"),
    ("date", "date", "recorded", "AuditEvent"),
    ("date", "date", "dosageInstruction.timing", "MedicationRequest"),
    ("birthdate", "date", "birthDate", "Patient"),
    ("onset-date", "date", "onsetDateTime onsetPeriod", "Condition"),
    ("abatement-date", "date", "abatementDateTime abatementPeriod", "Condition"),
    ("recorded-date", "date", "recordedDate", "Condition"),
    ("authored", "date", "authored", "QuestionnaireResponse"),
    ("authored", "date", "authoredOn", "ServiceRequest"),
    ("authoredon", "date", "authoredOn", "MedicationRequest"),
    ("occurrence", "date", "occurrenceDateTime occurrencePeriod occurrenceTiming",
     "ServiceRequest"),
    ("issued", "date", "issued", "DiagnosticReport"),
    ("start-date", "date", "startDate", "Goal"),
    ("target-date", "date", "target.dueDate", "Goal"),
    ("recorded", "date", "recorded", "Provenance"),
    ("when", "date", "occurredDateTime", "Provenance"),
    ("encounter", "reference", "encounter",
     "Observation Condition QuestionnaireResponse CarePlan ServiceRequest MedicationRequest "
     "Procedure DiagnosticReport CareTeam", "Encounter"),
    ("based-on", "reference", "basedOn",
     "Encounter Observation QuestionnaireResponse CarePlan ServiceRequest Procedure "
     "DiagnosticReport"),
    ("part-of", "reference", "partOf",
     "Encounter Observation QuestionnaireResponse CarePlan Procedure"),
    ("partof", "reference", "partOf", "Organization"),
    ("performer", "reference", "performer", "Observation ServiceRequest DiagnosticReport"),
    ("performer", "reference", "performer.actor", "Procedure"),
    ("requester", "reference", "requester", "ServiceRequest MedicationRequest"),
    ("author", "reference", "author", "QuestionnaireResponse"),
    ("source", "reference", "source", "QuestionnaireResponse"),
    ("derived-from", "reference", "derivedFrom", "Observation"),
    ("has-member", "reference", "hasMember", "Observation"),
    ("result", "reference", "result", "DiagnosticReport"),
    ("condition", "reference", "addresses", "CarePlan"),
    ("goal", "reference", "goal", "CarePlan"),
    ("care-team", "reference", "careTeam", "CarePlan"),
    ("participant", "reference", "participant.member", "CareTeam"),
    ("participant", "reference", "participant.individual", "Encounter"),
    ("practitioner", "reference", "practitioner", "PractitionerRole"),
    ("organization", "reference", "organization", "PractitionerRole"),
    ("organization", "reference", "managingOrganization", "Patient"),
    ("organization", "reference", "owner", "Device"),
    ("general-practitioner", "reference", "generalPractitioner", "Patient"),
    ("specialty", "token", "specialty", "PractitionerRole"),
    ("role", "token", "code", "PractitionerRole"),
    ("target", "reference", "target", "Provenance"),
    ("agent", "reference", "agent.who", "Provenance AuditEvent"),
    ("entity", "reference", "entity.what", "Provenance AuditEvent"),
    ("type", "token", "type", "AuditEvent Encounter Organization Device"),
    ("class", "token", "class", "Encounter"),
    ("url", "uri", "url", "Questionnaire"),
    ("version", "token", "version", "Questionnaire"),
    ("questionnaire", "uri", "questionnaire", "QuestionnaireResponse"),
    ("instantiates-canonical", "uri", "instantiatesCanonical",
     "CarePlan ServiceRequest Procedure"),
    ("active", "token", "active", "Patient Practitioner PractitionerRole Organization"),
    ("gender", "token", "gender", "Patient Practitioner", _HL7 + "administrative-gender"),
    ("clinical-status", "token", "clinicalStatus", "Condition"),
    ("verification-status", "token", "verificationStatus", "Condition"),
    ("lifecycle-status", "token", "lifecycleStatus", "Goal", _HL7 + "goal-status"),
    ("achievement-status", "token", "achievementStatus", "Goal"),
    ("intent", "token", "intent", "CarePlan ServiceRequest", _HL7 + "request-intent"),
    ("intent", "token", "intent", "MedicationRequest",
     _HL7 + "CodeSystem/medicationrequest-intent"),
    ("status", "token", "status", "Encounter", _HL7 + "encounter-status"),
    ("status", "token", "status", "Observation", _HL7 + "observation-status"),
    ("status", "token", "status", "QuestionnaireResponse", _HL7 + "questionnaire-answers-status"),
    ("status", "token", "status", "Questionnaire", _HL7 + "publication-status"),
    ("status", "token", "status", "CarePlan ServiceRequest", _HL7 + "request-status"),
    ("status", "token", "status", "MedicationRequest",
     _HL7 + "CodeSystem/medicationrequest-status"),
    ("status", "token", "status", "Procedure", _HL7 + "event-status"),
    ("status", "token", "status", "DiagnosticReport", _HL7 + "diagnostic-report-status"),
    ("status", "token", "status", "CareTeam", _HL7 + "care-team-status"),
    ("status", "token", "status", "Device", _HL7 + "device-status"),
)  # fmt: skip


def _parameters() -> Iterator[tuple[str, SearchParameter]]:
    for name, kind, paths, types, *extra in _ROWS:
        target = extra[0] if extra and kind == "reference" else None
        system = extra[0] if extra and kind == "token" else None
        row = SearchParameter(name, kind, tuple(paths.split()), target, system)  # type: ignore[arg-type]
        for resource_type in types.split():
            yield resource_type, row


def _table() -> dict[str, dict[str, SearchParameter]]:
    table: dict[str, dict[str, SearchParameter]] = {name: {} for name in RESOURCE_TYPES}
    for resource_type, parameter in _parameters():
        if parameter.name in table[resource_type]:
            raise ValueError(f"{resource_type}.{parameter.name} is declared twice")
        table[resource_type][parameter.name] = parameter
    return table


SEARCH_PARAMETERS: dict[str, dict[str, SearchParameter]] = _table()
"""Resource type -> name of the search parameter -> its row."""
