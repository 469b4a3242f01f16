"""What a back-pain clinic records, group by group: words with codes, and parts without a word.

A group of words is a concept map of the mappings. A part is what the structure of a record says:
whose goal it is, who leads the care team, what a dose is brought up to.
"""

from __future__ import annotations

from dataclasses import dataclass

from fhir_backpain.mapping.library import Library
from fhir_backpain.terminology.concept import Concept


@dataclass(frozen=True, slots=True)
class Words:
    """A group whose members are the words of a concept map, shown by what `mapping` makes."""

    key: str
    title: str
    mapping: str


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a field of a record says: the element that `mapping` makes of it.

    `field` is a path of the record with ``[]`` for items, `value` the value that it must have, if
    it matters. `element` is a FHIR path without indexes. `concept` is the key of the code that the
    element has, none where the element itself is the meaning. With `is_whole` the example shows the
    whole list of the record.
    """

    word: str
    title: str
    field: str
    element: str
    mapping: str
    concept: str | None = None
    value: object = None
    is_whole: bool = False


WORDS = (
    Words("history", "History", "assessment-history"),
    Words("red-flag", "Red flags", "assessment-red-flag"),
    Words("finding", "Examination", "assessment-examination"),
    Words("strength", "Grades of muscle strength", "assessment-examination"),
    Words("reflex", "Grades of a reflex", "assessment-examination"),
    Words("sensation", "Grades of sensation", "assessment-examination"),
    Words("investigation", "Imaging and diagnostic tests", "assessment-investigation"),
    Words("procedure", "Procedures", "assessment-procedure"),
    Words("cause", "Causes", "assessment-cause"),
    Words("factor", "Aggravating factors", "assessment-factor"),
    Words("certainty", "Certainty of a cause", "assessment-cause"),
    Words("side", "Sides", "assessment-cause"),
    Words("body-site", "Body sites", "assessment-pain-rating"),
    Words("treatment", "Treatments, education and referrals", "care-plan-activity"),
    Words("medication", "Medications", "care-plan-medication"),
    Words("preference", "Preferences of the patient", "care-plan-preference"),
    Words("goal-achievement", "Achievement of a goal", "care-plan-goal"),
    Words("goal-priority", "Priority of a goal", "care-plan-goal"),
    Words("care-team-role", "Roles of the care team", "care-plan-care-team"),
    Words("work-status", "Work status", "assessment-work-status"),
)

_ACTIVITY = ("activities[].treatment", "ServiceRequest.category.coding.code", "care-plan-activity")
_MEDICATION = "care-plan-medication"
_DOSAGE = "MedicationRequest.dosageInstruction"

PARTS: dict[tuple[str, str], tuple[Part, ...]] = {
    ("evaluation", "Evaluation"): (
        Part("onset", "Onset of the pain", "pain.onset", "Observation.valueDateTime",
             "assessment-pain-onset", "pain.onset"),
        Part("red-flag-present", "A red flag that is present", "red_flags[].present",
             "Observation.valueBoolean", "assessment-red-flag", value=True),
        Part("red-flag-absent", "A red flag that was looked for and is absent",
             "red_flags[].present", "Observation.valueBoolean", "assessment-red-flag",
             value=False),
        Part("report-of-a-request", "The report of an image or test that was requested",
             "reports[].request", "DiagnosticReport.basedOn.reference", "assessment-report"),
        Part("finding-of-a-report", "A cause that an image or test shows",
             "reports[].shows[].cause", "DiagnosticReport.conclusionCode.coding.code",
             "assessment-report"),
        Part("answers", "Answers to the items of an instrument", "questionnaires[].items[].value",
             "QuestionnaireResponse.item.answer.valueDecimal", "assessment-questionnaire-response"),
        Part("score-of-answers", "A score that was computed from answers", "scores[].questionnaire",
             "Observation.derivedFrom.reference", "assessment-score"),
        Part("panel", "Several scores of one instrument", "scores[].measure",
             "Observation.hasMember.reference", "assessment-scores-startback",
             "psy.startback.panel"),
        Part("risk-group", "The risk group of a screening", "scores[].level",
             "Observation.valueCodeableConcept.coding.display", "assessment-score",
             "psy.startback.risk"),
        Part("days-off-work", "Days off work", "work_status.days_off",
             "Observation.valueQuantity.value", "assessment-days-off-work"),
        Part("measured-by-a-clinician", "A measure that a clinician takes",
             "scores[].measure", "Observation.performer.display", "assessment-score",
             "vital.weight", "body-weight"),
    ),
    ("goal", "Goals"): (
        Part("of-the-patient", "A goal that the patient expresses", "goals[].expressed_by",
             "Goal.expressedBy.reference", "care-plan-goal", value="patient"),
        Part("of-the-clinician", "A goal that the clinician expresses", "goals[].expressed_by",
             "Goal.expressedBy.identifier.value", "care-plan-goal", value="author"),
        Part("target", "The value of a measure that is to be reached", "goals[].target",
             "Goal.target.detailQuantity.value", "care-plan-goal"),
        Part("due", "The day by which a goal is to be reached", "goals[].due",
             "Goal.target.dueDate", "care-plan-goal"),
    ),
    ("line-of-care", "Lines of care: conservative steps before invasive ones"): (
        Part("self-management", "Self-management", *_ACTIVITY, "own.line-self-management"),
        Part("conservative", "Conservative care", *_ACTIVITY, "own.line-conservative",
             "physical-therapy"),
        Part("pharmacological", "Medication", "medications[].medication",
             "MedicationRequest.category.coding.code", _MEDICATION, "own.line-pharmacological"),
        Part("interventional", "Interventional procedures", *_ACTIVITY, "own.line-interventional"),
        Part("surgical", "Surgery", *_ACTIVITY, "own.line-surgical"),
        Part("steps-in-order", "All steps in their order, for a reader", "activities[].treatment",
             "CarePlan.text.div", "care-plan-plan", value="nerve-root-block", is_whole=True),
    ),
    ("modality", "Modalities of treatment"): (
        Part("physical-therapy", "Physical therapy", *_ACTIVITY, "tx.service.physiotherapy"),
        Part("therapeutic-exercise", "Therapeutic exercise", *_ACTIVITY, "own.exercise"),
        Part("chiropractic", "Chiropractic", *_ACTIVITY, "tx.service.chiropractic"),
        Part("acupuncture", "Acupuncture", *_ACTIVITY, "tx.service.acupuncture"),
        Part("massage", "Massage", *_ACTIVITY, "tx.service.massage"),
        Part("counselling", "Cognitive-behavioural therapy and counselling", *_ACTIVITY,
             "counsel.category"),
        Part("education", "Education", *_ACTIVITY, "edu.category"),
        Part("lifestyle", "Lifestyle", *_ACTIVITY, "own.lifestyle"),
        Part("interventional-procedure", "Interventional procedures", *_ACTIVITY,
             "own.interventional-procedure"),
        Part("surgery", "Surgery", *_ACTIVITY, "tx.surgery.category"),
        Part("referral", "Referral", *_ACTIVITY, "own.referral"),
    ),
    ("plan", "Parts of a plan"): (
        Part("dose", "The dose of a medication", "medications[].dose.value",
             f"{_DOSAGE}.doseAndRate.doseQuantity.value", _MEDICATION),
        Part("titration", "A step by which a dose is brought up or down",
             "medications[].titration[].step", f"{_DOSAGE}.sequence", _MEDICATION),
        Part("maximum-dose", "The dose that is not to be exceeded", "medications[].maximum.value",
             f"{_DOSAGE}.maxDosePerPeriod.numerator.value", _MEDICATION),
        Part("contraindicated-treatment", "A treatment that must not be given",
             "contraindications[].treatment", "ServiceRequest.code.coding.code",
             "care-plan-contraindication"),
        Part("contraindicated-medication", "A medication that must not be given",
             "contraindications[].medication",
             "MedicationRequest.medicationCodeableConcept.coding.code",
             "care-plan-medication-contraindication"),
        Part("preferred-treatment", "The treatment that a preference is about",
             "preferences[].treatment",
             "Observation.component.valueCodeableConcept.coding.code", "care-plan-preference"),
        Part("urgent-referral", "An urgent referral", "activities[].treatment",
             "ServiceRequest.priority", "care-plan-activity", "own.urgent-referral",
             "urgent-referral"),
        Part("lead", "Who leads the care team", "care_team[].lead",
             "CareTeam.participant.role.coding.code", "care-plan-care-team",
             "own.care-team-lead", value=True),
        Part("cause", "The cause that a plan is for", "addresses[].cause",
             "CarePlan.addresses.reference", "care-plan-plan"),
        Part("revision", "The plan that a revised plan replaces", "revision_of",
             "CarePlan.replaces.reference", "care-plan-plan"),
        Part("reason-of-a-revision", "Why a plan was changed", "reason", "CarePlan.note.text",
             "care-plan-plan"),
        Part("procedure-of-an-activity", "A procedure that carries out an activity of a plan",
             "procedures[].activity", "Procedure.basedOn.reference", "assessment-procedure"),
    ),
}  # fmt: skip
"""The parts of each group, by its key and title."""


def words_of(group: Words, library: Library) -> dict[str, tuple[Concept, ...]]:
    """Return the concepts of each word of a group."""
    rows = library.concept_maps[group.key].rows
    return {word: row.concepts for word, row in rows.items()}
