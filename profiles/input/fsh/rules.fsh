// Rules that several profiles share.

// The business identifier leads back to the record; logical ids may change from server to server.
RuleSet: KnownBySource
* identifier 1..* MS
* identifier.system 1..1 MS
* identifier.value 1..1 MS

RuleSet: ObservedOnce
* insert KnownBySource
* status MS
* encounter MS
* effective[x] 1..1 MS
* effective[x] only dateTime

// PCO: what a patient reports has the patient as its performer.
RuleSet: ReportedByPatient
* performer 1..1 MS
* performer only Reference(us-core-patient)

// PFE: what is examined has a clinician as its performer, or does not say.
RuleSet: AssessedByClinician
* performer 0..1 MS
* performer only Reference(us-core-practitioner or PractitionerRole or us-core-organization)

// us-core-3 wants UCUM; a number without a value or a unit says nothing.
RuleSet: Measured(element)
* {element}.value 1..1 MS
* {element}.unit 1..1
* {element}.system 1..1 MS
* {element}.system = $UCUM (exactly)
* {element}.code 1..1 MS
* {element}.comparator 0..0

// FHIR R4 has a laterality for neither a finding nor a pain, so the side is a component.
RuleSet: OnOneSide
* component 0..1 MS
* component.code = backpain#body-side
* component.value[x] 1..1 MS
* component.value[x] only CodeableConcept
* component.value[x] from BackPainSideVS (required)
* component.dataAbsentReason 0..0

// Stepped care: conservative steps come before invasive ones, and a program can tell them apart.
RuleSet: Stepped
* category 2..2 MS
* category from BackPainTreatmentCategoryVS (extensible)

RuleSet: Pharmacological
* category 1..1 MS
* category = backpain#line-pharmacological
