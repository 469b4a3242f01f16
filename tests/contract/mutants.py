"""Single-defect mutants of what the mappings make: one line each, and what is wrong with it.

A mutant is a golden output that claims the profile (or an example, where no mapping makes one yet),
with one change at one place.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.fhir import json_text
from tests.golden.case import cases

OWN = "https://fhir-backpain.org/fhir/StructureDefinition/"
Change = Callable[[Any, str | int], None]


def drop(owner: Any, name: str | int) -> None:
    """Take the element away."""
    del owner[name]


def put(value: Any) -> Change:
    """Return the change that writes another value."""

    def change(owner: Any, name: str | int) -> None:
        owner[name] = copy.deepcopy(value)

    return change


def instead(value: Any) -> Change:
    """Return the change that writes another value where there is one."""

    def change(owner: Any, name: str | int) -> None:
        owner[name]  # KeyError or IndexError: not here
        owner[name] = copy.deepcopy(value)

    return change


def add(value: Any) -> Change:
    """Return the change that appends an item to a list."""

    def change(owner: Any, name: str | int) -> None:
        owner.setdefault(name, []).append(copy.deepcopy(value))

    return change


def twice(owner: Any, name: str | int) -> None:
    """Give the first item of a list a second time."""
    owner[name].append(copy.deepcopy(owner[name][0]))


def last_twice(owner: Any, name: str | int) -> None:
    """Give the last item of a list a second time."""
    owner[name].append(copy.deepcopy(owner[name][-1]))


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect: the profile that is claimed, the place, and what is wrong there."""

    profile: str
    path: str
    defect: str
    change: Change

    def __str__(self) -> str:
        return f"{self.profile} {self.path}: {self.defect}"

    def resource(self) -> dict[str, Any]:
        """Return the defect resource, made of the first golden output that has the place."""
        *way, name = steps(self.path)
        for instance in instances(self.profile):
            made = copy.deepcopy(instance)
            try:
                self.change(reached(made, way), name)
            except (KeyError, IndexError):
                continue
            return made
        raise AssertionError(f"no golden output of {self.profile} has {self.path}")


def steps(path: str) -> list[str | int]:
    """Return the steps of a path below the resource's type."""
    found = re.findall(r"\.(\w+)|\[(\d+)\]", path)
    return [name or int(index) for name, index in found]


def reached(node: Any, way: list[str | int]) -> Any:
    """Return what a way leads to; raises KeyError or IndexError where it leads nowhere."""
    for step in way:
        node = node[step]
    return node


def claims(resource: dict[str, Any], profile: str) -> bool:
    """Return whether a resource claims a profile of ours."""
    return OWN + profile in resource.get("meta", {}).get("profile", ())


def examples() -> list[dict[str, Any]]:
    """Return the examples of the package of profiles."""
    folder = profiles_folder() / "package" / "example"
    return [json_text.parse(file.read_bytes()) for file in sorted(folder.glob("*.json"))]


@cache
def instances(profile: str) -> tuple[dict[str, Any], ...]:
    """Return the golden outputs of R4, or else examples, that claim a profile; richest first."""
    golden = [one for case in cases() if case.release == "R4" for one in case.expected()]
    every = [one for one in golden if claims(one, profile)]
    every = every or [one for one in examples() if claims(one, profile)]
    return tuple(sorted(every, key=lambda one: -len(str(one))))


CONCEPT = {"coding": [{"system": "http://terminology.example/x", "code": "x"}]}
QUANTITY = {"value": 1, "unit": "x", "system": "http://unitsofmeasure.org", "code": "1"}
SCRIPT = '<div xmlns="http://www.w3.org/1999/xhtml"><script>x()</script></div>'
ONCLICK = '<div xmlns="http://www.w3.org/1999/xhtml"><p onclick="x()">a</p></div>'
JAVASCRIPT = '<div xmlns="http://www.w3.org/1999/xhtml"><a href="javascript:x()">a</a></div>'
FRAME = '<div xmlns="http://www.w3.org/1999/xhtml"><iframe src="x">a</iframe></div>'
ENTITY = '<div xmlns="http://www.w3.org/1999/xhtml"><p>a&nbsp;b</p></div>'
UNKNOWN_EXTENSION = [{"url": "http://clinic.example/m", "valueString": "x"}]
UNCLOSED = '<div xmlns="http://www.w3.org/1999/xhtml"><p>a</div>'
EMPTY_DIV = '<div xmlns="http://www.w3.org/1999/xhtml"></div>'

PAIN = "backpain-pain-intensity"
SCORE = "backpain-score"
PANEL = "backpain-score-panel"
FINDING = "backpain-examination-finding"
FLAG = "backpain-red-flag"
HISTORY = "backpain-history"
CAUSE = "backpain-cause"
FACTOR = "backpain-factor"
ANSWERS = "backpain-questionnaire-response"
PLAN = "backpain-care-plan"
GOAL = "backpain-goal"
ACTIVITY = "backpain-activity"
TEST = "backpain-investigation"
DRUG = "backpain-medication-request"
AGAINST = "backpain-contraindication"
AGAINST_DRUG = "backpain-medication-contraindication"
WISH = "backpain-preference"
DONE = "backpain-procedure"
REPORT = "backpain-report"
TEAM = "backpain-care-team"
SOURCE = "backpain-provenance"

MUTANTS = [
    Mutant(*row)
    for row in (
        # pain intensity
        (PAIN, "Observation.status", "missing", drop),
        (PAIN, "Observation.status", "no code of the value set", put("bogus")),
        (PAIN, "Observation.status", "white space at the end", put("final ")),
        (PAIN, "Observation.category", "missing", drop),
        (PAIN, "Observation.category[0].coding[0].code", "not survey", put("exam")),
        (PAIN, "Observation.category", "survey twice", twice),
        (PAIN, "Observation.code", "missing", drop),
        (PAIN, "Observation.code", "a text, not a concept", put("pain")),
        (PAIN, "Observation.subject", "missing", drop),
        (PAIN, "Observation.subject.reference", "a Practitioner", put("Practitioner/1")),
        (PAIN, "Observation.identifier", "missing", drop),
        (PAIN, "Observation.identifier[0].system", "missing", drop),
        (PAIN, "Observation.identifier", "an empty list", put([])),
        (PAIN, "Observation.effectiveDateTime", "missing", drop),
        (PAIN, "Observation.effectiveDateTime", "us-core-1: a year alone", put("2024")),
        (PAIN, "Observation.effectiveDateTime", "30 February", put("2024-02-30")),
        (PAIN, "Observation.effectiveDateTime", "a time without zone", put("2024-03-04T09:30:00")),
        (PAIN, "Observation.effectivePeriod", "a second type of a choice", put({"start": "2024"})),
        (PAIN, "Observation.performer", "missing", drop),
        (PAIN, "Observation.performer[0].reference", "an Organization", put("Organization/1")),
        (PAIN, "Observation.performer", "twice", twice),
        (PAIN, "Observation.valueQuantity.value", "missing", drop),
        (PAIN, "Observation.valueQuantity.value", "a text", put("7")),
        (PAIN, "Observation.valueQuantity.system", "not UCUM", put("http://unit.example")),
        (PAIN, "Observation.valueQuantity.system", "qty-3: missing beside a code", drop),
        (PAIN, "Observation.valueQuantity.unit", "missing", drop),
        (PAIN, "Observation.valueQuantity.comparator", "not allowed", put("<")),
        (PAIN, "Observation.valueString", "a type that is not allowed", put("strong")),
        (PAIN, "Observation.valueQuantity.extra", "unknown element", put(1)),
        (PAIN, "Observation.component", "two of one allowed", twice),
        (PAIN, "Observation.component[0].code.coding[0].code", "not body-side", put("x")),
        (PAIN, "Observation.component[0].valueCodeableConcept", "missing", drop),
        (PAIN, "Observation.paint", "unknown element", put("x")),
        (PAIN, "Observation.issued", "a date, not an instant", put("2024-03-04")),
        (PAIN, "Observation.note", "no list", put({"text": "x"})),
        (PAIN, "Observation.note", "an empty object in a list", put([{}])),
        (PAIN, "Observation.id", "not the form of an id", put("a b")),
        (PAIN, "Observation.meta.lastUpdated", "not an instant", put("yesterday")),
        (PAIN, "Observation.extension", "ext-1: without a value",
         put([{"url": "http://example.org/e"}])),
        (PAIN, "Observation.extension", "without a URL", put([{"valueString": "x"}])),
        (PAIN, "Observation.modifierExtension", "nobody knows it", put(UNKNOWN_EXTENSION)),
        (PAIN, "Observation.derivedFrom", "ref-1: a local reference to nothing",
         put([{"reference": "#x"}])),
        (PAIN, "Observation.contained", "dom-3: nothing refers to it",
         put([{"resourceType": "Patient", "id": "a"}])),
        (PAIN, "Observation.contained", "unknown element within",
         put([{"resourceType": "Patient", "id": "a", "sex": 1}])),
        (PAIN, "Observation.identifier[0].system", "not a UUID", put("urn:uuid:123")),
        (PAIN, "Observation.identifier[0].system", "OID without urn:", put("oid:1.2.3")),
        (PAIN, "Observation.identifier[0].system", "not absolute", put("mrn")),
        (PAIN, "Observation.subject.type", "not the type of the literal", put("Group")),
        (PAIN, "Observation.subject.reference", "a Practitioner on another server",
         put("http://a.example/fhir/Practitioner/1")),
        (PAIN, "Observation.effectiveDateTime", "24 o'clock", put("2024-03-04T24:00:00Z")),
        (PAIN, "Observation.effectiveDateTime", "year 0", put("0000-03-04")),
        (PAIN, "Observation.effectiveDateTime", "no such zone", put("2024-03-04T10:00:00+15:00")),
        (PAIN, "Observation._effectiveDateTime", "an empty object beside a primitive", put({})),
        (PAIN, "Observation._status", "a text beside a primitive", put("x")),
        (PAIN, "Observation.status", "null", put(None)),
        (PAIN, "Observation.meta.profile", "a profile of another type", add(OWN + GOAL)),
        (PAIN, "Observation.meta.profile[0]", "not a URI", put("a b")),
        (PAIN, "Observation.meta.tag", "texts, not objects", put(["x"])),
        (PAIN, "Observation.referenceRange", "obs-3: neither bound nor text",
         put([{"type": {"text": "x"}}])),
        (PAIN, "Observation.focus", "unknown element of a reference",
         put([{"reference": "Patient/1", "bogus": 1}])),
        # scores
        (SCORE, "Observation.status", "missing", drop),
        (SCORE, "Observation.valueQuantity", "us-core-2: missing, without a reason", drop),
        (SCORE, "Observation.category", "missing", drop),
        (SCORE, "Observation.valueQuantity.code", "missing", drop),
        (SCORE, "Observation.valueBoolean", "a type that is not allowed, and a second one",
         put(True)),
        (SCORE, "Observation.dataAbsentReason", "obs-6: beside a value", put(CONCEPT)),
        (SCORE, "Observation.derivedFrom[0].reference", "a Patient", put("Patient/1")),
        (SCORE, "Observation.effectiveDateTime", "missing", drop),
        # score panels
        (PANEL, "Observation.hasMember", "missing", drop),
        (PANEL, "Observation.hasMember[0].reference", "a Patient", put("Patient/1")),
        (PANEL, "Observation.valueQuantity", "not allowed", put(QUANTITY)),
        (PANEL, "Observation.performer", "missing", drop),
        (PANEL, "Observation.effectiveDateTime", "missing", drop),
        # findings and red flags
        (FINDING, "Observation.category[0].coding[0].code", "not exam", put("survey")),
        (FINDING, "Observation.dataAbsentReason", "not allowed", put(CONCEPT)),
        (FINDING, "Observation.identifier", "missing", drop),
        (FINDING, "Observation.subject", "missing", drop),
        (FLAG, "Observation.valueBoolean", "missing", drop),
        (FLAG, "Observation.valueBoolean", "a text", put("true")),
        (FLAG, "Observation.category", "missing", drop),
        (FLAG, "Observation.component", "not allowed",
         put([{"code": CONCEPT, "valueBoolean": True}])),
        (FLAG, "Observation.effectiveDateTime", "missing", drop),
        # history
        (HISTORY, "Observation.performer", "missing", drop),
        (HISTORY, "Observation.category", "missing", drop),
        (HISTORY, "Observation.valueDateTime", "13th month", instead("2024-13")),
        (HISTORY, "Observation.code", "missing", drop),
        # causes and factors
        (CAUSE, "Condition.verificationStatus", "missing", drop),
        (CAUSE, "Condition.verificationStatus.coding[0].code", "no code of the value set",
         put("bogus")),
        (CAUSE, "Condition.clinicalStatus", "no code of the value set", put(CONCEPT)),
        (CAUSE, "Condition.category", "missing", drop),
        (CAUSE, "Condition.category[0].coding[0].code", "no category of US Core",
         put("encounter-diagnosis")),
        (CAUSE, "Condition.code", "missing", drop),
        (CAUSE, "Condition.subject", "missing", drop),
        (CAUSE, "Condition.bodySite", "three of two allowed", put([{"text": "a"}] * 3)),
        (CAUSE, "Condition.onsetAge", "a type that is not allowed", put({"value": 3})),
        (CAUSE, "Condition.abatementDateTime", "con-4: beside an active status", put("2024-03-04")),
        (CAUSE, "Condition.stage", "con-1: says nothing", put([{"type": {"text": "x"}}])),
        (CAUSE, "Condition.recordedDate", "a date of another form", put("04.03.2024")),
        (FACTOR, "Condition.clinicalStatus", "missing", drop),
        (FACTOR, "Condition.identifier", "missing", drop),
        (FACTOR, "Condition.category", "missing", drop),
        (FACTOR, "Condition.subject.reference", "a Device", put("Device/1")),
        # questionnaires
        (ANSWERS, "QuestionnaireResponse.questionnaire", "missing", drop),
        (ANSWERS, "QuestionnaireResponse.status", "no code of the value set", put("done")),
        (ANSWERS, "QuestionnaireResponse.subject", "missing", drop),
        (ANSWERS, "QuestionnaireResponse.authored", "missing", drop),
        (ANSWERS, "QuestionnaireResponse.author", "missing", drop),
        (ANSWERS, "QuestionnaireResponse.item", "missing", drop),
        (ANSWERS, "QuestionnaireResponse.item[0].linkId", "missing", drop),
        (ANSWERS, "QuestionnaireResponse.item[0].answer", "missing", drop),
        (ANSWERS, "QuestionnaireResponse.item[0].answer", "two of one allowed", twice),
        (ANSWERS, "QuestionnaireResponse.item", "sdcqr-2: one answer twice", twice),
        (ANSWERS, "QuestionnaireResponse.item[0].answer[0].valueDecimal", "a text", put("x")),
        (ANSWERS, "QuestionnaireResponse.item[0].text", "not allowed", put("How bad is it?")),
        # care plans
        (PLAN, "CarePlan.text.status", "neither generated nor additional", put("empty")),
        (PLAN, "CarePlan.text.div", "a script", put(SCRIPT)),
        (PLAN, "CarePlan.text.div", "an event attribute", put(ONCLICK)),
        (PLAN, "CarePlan.text.div", "not well-formed", put(UNCLOSED)),
        (PLAN, "CarePlan.text.div", "txt-2: without content", put(EMPTY_DIV)),
        (PLAN, "CarePlan.text.div", "an address that runs", put(JAVASCRIPT)),
        (PLAN, "CarePlan.text.div", "a frame", put(FRAME)),
        (PLAN, "CarePlan.text.div", "an entity that XML does not have", put(ENTITY)),
        (PLAN, "CarePlan.text.div", "no XHTML namespace", put("<div><p>a</p></div>")),
        (PLAN, "CarePlan.status", "missing", drop),
        (PLAN, "CarePlan.intent", "no code of the value set", put("wish")),
        (PLAN, "CarePlan.category", "missing", drop),
        (PLAN, "CarePlan.created", "missing", drop),
        (PLAN, "CarePlan.activity[0].reference", "missing", drop),
        (PLAN, "CarePlan.activity[0].detail", "not allowed", put({"status": "scheduled"})),
        (PLAN, "CarePlan.goal[0].reference", "a Condition", put("Condition/1")),
        (PLAN, "CarePlan.period.end", "per-1: before the start", put("1999-01-01")),
        # goals
        (GOAL, "Goal.lifecycleStatus", "missing", drop),
        (GOAL, "Goal.description", "missing", drop),
        (GOAL, "Goal.description.text", "missing", drop),
        (GOAL, "Goal.startDate", "missing", drop),
        (GOAL, "Goal.target[0].detailQuantity.comparator", "not allowed", put("<")),
        (GOAL, "Goal.target", "two of one allowed", twice),
        (GOAL, "Goal.target[0].measure", "gol-1: missing beside a detail", drop),
        (GOAL, "Goal.target[0].dueDate", "a time, not a date", put("2024-06-04T10:00:00Z")),
        (GOAL, "Goal.achievementStatus", "no code of the value set", put(CONCEPT)),
        # requests
        (ACTIVITY, "ServiceRequest.status", "missing", drop),
        (ACTIVITY, "ServiceRequest.intent", "no code of the value set", put("maybe")),
        (ACTIVITY, "ServiceRequest.code", "missing", drop),
        (ACTIVITY, "ServiceRequest.category", "missing", drop),
        (ACTIVITY, "ServiceRequest.authoredOn", "missing", drop),
        (ACTIVITY, "ServiceRequest.occurrenceTiming.repeat.durationUnit", "tim-1: missing", drop),
        (ACTIVITY, "ServiceRequest.occurrenceTiming.repeat.periodUnit", "tim-2: missing", drop),
        (ACTIVITY, "ServiceRequest.occurrenceTiming.repeat.frequency", "not a whole number",
         put(1.5)),
        (ACTIVITY, "ServiceRequest.occurrenceTiming.repeat.frequency", "not positive", put(0)),
        (ACTIVITY, "ServiceRequest.occurrenceDateTime", "a second type of a choice", put("2024")),
        (TEST, "ServiceRequest.intent", "not order", put("plan")),
        (TEST, "ServiceRequest.authoredOn", "missing", drop),
        (TEST, "ServiceRequest.subject", "missing", drop),
        (TEST, "ServiceRequest.code", "missing", drop),
        (TEST, "ServiceRequest.identifier[0].value", "missing", drop),
        (DRUG, "MedicationRequest.status", "missing", drop),
        (DRUG, "MedicationRequest.medicationCodeableConcept", "missing", drop),
        (DRUG, "MedicationRequest.authoredOn", "missing", drop),
        (DRUG, "MedicationRequest.subject", "missing", drop),
        # what is not to be done, and what is wished
        (AGAINST, "ServiceRequest.doNotPerform", "missing", drop),
        (AGAINST, "ServiceRequest.doNotPerform", "not true", put(False)),
        (AGAINST, "ServiceRequest.status", "missing", drop),
        (AGAINST, "ServiceRequest.code", "missing", drop),
        (AGAINST, "ServiceRequest.subject", "missing", drop),
        (AGAINST_DRUG, "MedicationRequest.doNotPerform", "missing", drop),
        (AGAINST_DRUG, "MedicationRequest.doNotPerform", "not true", put(False)),
        (AGAINST_DRUG, "MedicationRequest.medicationCodeableConcept", "missing", drop),
        (AGAINST_DRUG, "MedicationRequest.subject", "missing", drop),
        (WISH, "Observation.status", "missing", drop),
        (WISH, "Observation.code", "missing", drop),
        (WISH, "Observation.subject", "missing", drop),
        (WISH, "Observation.identifier[0].value", "missing", drop),
        # procedures and reports
        (DONE, "Procedure.status", "missing", drop),
        (DONE, "Procedure.code", "missing", drop),
        (DONE, "Procedure.subject", "missing", drop),
        (DONE, "Procedure.identifier[0].value", "missing", drop),
        (REPORT, "DiagnosticReport.status", "missing", drop),
        (REPORT, "DiagnosticReport.code", "missing", drop),
        (REPORT, "DiagnosticReport.category", "missing", drop),
        (REPORT, "DiagnosticReport.subject", "missing", drop),
        # care teams and provenance
        (TEAM, "CareTeam.status", "missing", drop),
        (TEAM, "CareTeam.participant", "missing", drop),
        (TEAM, "CareTeam.participant[0].role", "missing", drop),
        (TEAM, "CareTeam.participant[0].member", "missing", drop),
        (TEAM, "CareTeam.subject.reference", "a Practitioner", put("Practitioner/1")),
        (SOURCE, "Provenance.target", "missing", drop),
        (SOURCE, "Provenance.recorded", "missing", drop),
        (SOURCE, "Provenance.recorded", "not an instant", put("2024-03-04")),
        (SOURCE, "Provenance.agent", "missing", drop),
        (SOURCE, "Provenance.agent", "two assemblers", last_twice),
        (SOURCE, "Provenance.agent[0].who", "missing", drop),
        (SOURCE, "Provenance.entity[0].role", "not source", put("quotation")),
        (SOURCE, "Provenance.entity", "missing", drop),
        (SOURCE, "Provenance.occurredDateTime", "missing", drop),
    )
]  # fmt: skip

BOGUS = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "bogus"}

ONLY_HL7 = {
    "code systems: the content of HL7's terminology is not shipped, only that of required bindings":
        Mutant(PAIN, "Observation.category", "unknown code of a known system",
               add({"coding": [BOGUS]})),
    "displays: held against the table of verified concepts where mappings are compiled, not here":
        Mutant(PAIN, "Observation.category[0].coding[0].display", "wrong display", put("Nonsense")),
    "extensions of HL7: their definitions are not shipped":
        Mutant(PAIN, "Observation.extension", "HL7 has no such extension",
               put([{"url": "http://hl7.org/fhir/StructureDefinition/no", "valueString": "x"}])),
    "language: its value set needs the registry of languages":
        Mutant(PAIN, "Observation.language", "no language", put("klingon-x-9999")),
    "questionnaires: answers are not held against the items of their questionnaire":
        Mutant(ANSWERS, "QuestionnaireResponse.item[0].linkId", "not in the questionnaire",
               put("999")),
}  # fmt: skip
"""What the built-in validator cannot see, by what it would take."""

DOCTYPE = '<!DOCTYPE html><div xmlns="http://www.w3.org/1999/xhtml"><p>a</p></div>'
ONLY_BUILT_IN = {
    "control characters: FHIR's string may not hold them":
        Mutant(PAIN, "Observation.identifier[0].value", "a control character", put("a\u0001b")),
    "form of references: nothing is fetched, so the form is all there is":
        Mutant(PAIN, "Observation.subject.reference", "no reference", put("nothing")),
    "logical references: Reference.type must be a type that the element takes":
        Mutant(PAIN, "Observation.performer[0]", "a Practitioner, told by type alone",
               put({"type": "Practitioner", "display": "x"})),
    "ele-1: an element with an id alone has no content":
        Mutant(PAIN, "Observation.method", "an id alone", put({"id": "a"})),
    "profiles of our own: a claim that nothing stands behind":
        Mutant(PAIN, "Observation.meta.profile", "there is no such profile", add(OWN + "nothing")),
    "declarations in a narrative: the way of attacks by entities":
        Mutant(PLAN, "CarePlan.text.div", "a document type", put(DOCTYPE)),
}  # fmt: skip
"""What HL7's validator lets pass, and why it is refused here."""
