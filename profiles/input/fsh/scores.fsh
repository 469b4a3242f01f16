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
Description: "The scores of one instrument that were given in one assessment: they are its members, and it has no value of its own."
* insert ObservedOnce
* insert ReportedByPatient
* value[x] 0..0
* dataAbsentReason 0..0
* component 0..0
* hasMember 1..* MS
* hasMember only Reference(BackPainScore or BackPainIntensity)
