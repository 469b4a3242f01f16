Profile: BackPainScore
Parent: us-core-observation-screening-assessment
Id: backpain-score
Title: "Function, quality-of-life or psychosocial score"
Description: "The score of an instrument that the patient filled in: a number, or a level such as low, medium or high. A score of function also has the category functional-status."
* insert ObservedOnce
* insert ReportedByPatient
* code from BackPainScoreVS (extensible)
* value[x] only Quantity or CodeableConcept
* insert Measured(valueQuantity)
* valueCodeableConcept from BackPainLevelVS (extensible)
* dataAbsentReason from BackPainAbsentReasonVS (required)

// US Core: a panel has no value of its own; the score beside it has.
Profile: BackPainScorePanel
Parent: us-core-observation-screening-assessment
Id: backpain-score-panel
Title: "Panel of scores"
Description: "The scores of one instrument, or of one sitting, held together."
* insert ObservedOnce
* insert ReportedByPatient
* value[x] 0..0
* dataAbsentReason 0..0
* component 0..0
* hasMember 1..* MS
* hasMember only Reference(BackPainScore or BackPainIntensity)

Instance: peg-panel
InstanceOf: BackPainScorePanel
Usage: #example
Title: "Panel of the PEG"
Description: "The panel has no value; its member is the mean score, told by its business identifier."
* meta.profile[0] = "https://fhir-backpain.org/fhir/StructureDefinition/backpain-score-panel"
* meta.profile[1] = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-screening-assessment"
* identifier.system = "https://clinic.example/back-pain"
* identifier.value = "MRN-0042~c84fee70/observation/O-1/panel/peg"
* status = #final
* category[survey] = $ObservationCategory#survey "Survey"
* code = $LOINC#91148-7 "Pain intensity, Enjoyment of life, General activity (PEG) 3 item pain scale"
* subject.identifier.system = "https://clinic.example/mrn"
* subject.identifier.value = "MRN-0042"
* effectiveDateTime = "2024-03-05"
* performer.type = "Patient"
* performer.identifier.system = "https://clinic.example/mrn"
* performer.identifier.value = "MRN-0042"
* hasMember.type = "Observation"
* hasMember.identifier.system = "https://clinic.example/back-pain"
* hasMember.identifier.value = "MRN-0042~c84fee70/observation/O-1/measure/peg"
