Profile: BackPainCause
Parent: us-core-condition-problems-health-concerns
Id: backpain-cause
Title: "Cause of the pain"
Description: "What causes the pain, and how sure the clinician is. The same cause of the same patient stays one Condition for life."
* insert KnownBySource
* verificationStatus 1..1 MS
* verificationStatus from BackPainCertaintyVS (required)
* code from BackPainCauseVS (extensible)
// A Condition of R4 has no laterality: the side is a body site of its own, beside the place.
* bodySite 0..2 MS
* bodySite from BackPainSiteOrSideVS (required)
* onset[x] only dateTime

Profile: BackPainFactor
Parent: us-core-condition-problems-health-concerns
Id: backpain-factor
Title: "Aggravating factor"
Description: "What aggravates the pain: posture, obesity, sedentary life, stress."
* insert KnownBySource
* clinicalStatus 1..1 MS
* code from BackPainFactorVS (extensible)
