Profile: BackPainActivity
Parent: us-core-servicerequest
Id: backpain-activity
Title: "Treatment other than medication"
Description: "An activity of a plan, from exercise and education to surgery. One category is its modality, the other its line in stepped care."
* insert KnownBySource
* doNotPerform 0..0
* insert Stepped
* code from BackPainTreatmentVS (extensible)
* authoredOn 1..1 MS
* encounter MS
* occurrence[x] only Timing
* quantity[x] only Quantity
* insert Measured(quantity[x])
* performerType MS
* performerType from BackPainCareTeamRoleVS (required)
* performer 0..1 MS
* performer only Reference(us-core-practitioner)
* reasonCode 0..1 MS
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
* insert Pharmacological
* doNotPerform 0..0
* authoredOn 1..1 MS
// One for what is taken, and one for each step of a titration, in their sequence.
* dosageInstruction MS
* dosageInstruction.sequence MS
* dosageInstruction.maxDosePerPeriod MS
* dosageInstruction.patientInstruction MS
* dosageInstruction.asNeeded[x] only boolean
* dosageInstruction.doseAndRate 0..1 MS
* dosageInstruction.doseAndRate.dose[x] only Quantity
* insert Measured(dosageInstruction.doseAndRate.dose[x])

Profile: BackPainContraindication
Parent: us-core-servicerequest
Id: backpain-contraindication
Title: "Treatment that must not be given"
Description: "A request not to give a treatment, and why. It is no activity of the plan: the plan names it as supporting information."
* insert KnownBySource
* doNotPerform 1..1 MS
* doNotPerform = true (exactly)
* insert Stepped
* code from BackPainTreatmentVS (extensible)
* authoredOn 1..1 MS
* encounter MS
* reasonCode 1..1 MS
* reasonCode.text 1..1 MS

Profile: BackPainMedicationContraindication
Parent: us-core-medicationrequest
Id: backpain-medication-contraindication
Title: "Medication that must not be given"
Description: "A request not to give a medication, and why."
* insert KnownBySource
* doNotPerform 1..1 MS
* doNotPerform = true (exactly)
* insert Pharmacological
* medication[x] only CodeableConcept
* medication[x] from BackPainMedicationVS (extensible)
* authoredOn 1..1 MS
* reasonCode 1..1 MS
* reasonCode.text 1..1 MS
* dosageInstruction 0..0
