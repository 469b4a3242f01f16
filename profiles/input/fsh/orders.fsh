Profile: BackPainActivity
Parent: us-core-servicerequest
Id: backpain-activity
Title: "Treatment other than medication"
Description: "An activity of a plan, from exercise and education to surgery; its category is its modality."
* insert KnownBySource
* category 1..1 MS
* category from BackPainTreatmentCategoryVS (extensible)
* code from BackPainTreatmentVS (extensible)
* authoredOn 1..1 MS
* encounter MS
* occurrence[x] only Timing
* quantity[x] only Quantity
* insert Measured(quantity[x])
* performerType MS
* performerType from BackPainCareTeamRoleVS (required)
* bodySite 0..1 MS
* bodySite from BackPainSiteVS (required)
* patientInstruction MS

Profile: BackPainInvestigation
Parent: us-core-servicerequest
Id: backpain-investigation
Title: "Imaging or diagnostic test"
Description: "A test that is ordered to find the cause of the pain."
* insert KnownBySource
* intent = #order (exactly)
* category 1..1 MS
* category from BackPainInvestigationCategoryVS (extensible)
* code from BackPainInvestigationVS (extensible)
* authoredOn 1..1 MS
* encounter MS
* reasonCode MS
* reasonCode.text 1..1 MS

Profile: BackPainMedicationRequest
Parent: us-core-medicationrequest
Id: backpain-medication-request
Title: "Medication"
Description: "A medication of a plan."
* insert KnownBySource
* medication[x] only CodeableConcept
* medication[x] from BackPainMedicationVS (extensible)
* authoredOn 1..1 MS
* dosageInstruction 0..1 MS
* dosageInstruction.patientInstruction MS
* dosageInstruction.asNeeded[x] only boolean
* dosageInstruction.doseAndRate 0..1 MS
* dosageInstruction.doseAndRate.dose[x] only Quantity
* insert Measured(dosageInstruction.doseAndRate.dose[x])
