Profile: BackPainExaminationFinding
Parent: us-core-observation-clinical-result
Id: backpain-examination-finding
Title: "Finding of the physical examination"
Description: "A sign that was looked for: a measured value, a grade of strength, reflex or sensation, or whether it is there."
* insert ObservedOnce
* insert AssessedByClinician
* insert OnOneSide
* category[us-core] 1..1 MS
* category[us-core] = $ObservationCategory#exam
* code from BackPainFindingVS (extensible)
* value[x] 1..1 MS
* value[x] only Quantity or boolean or CodeableConcept
* insert Measured(valueQuantity)
* valueCodeableConcept from BackPainGradeVS (required)
* bodySite MS
* bodySite from BackPainSiteVS (required)
* dataAbsentReason 0..0

Profile: BackPainRedFlag
Parent: us-core-simple-observation
Id: backpain-red-flag
Title: "Red flag"
Description: "A sign of serious disease, present or explicitly absent: an absent one says that it was looked for."
* insert ObservedOnce
* insert AssessedByClinician
* category[us-core] 1..1 MS
* category[us-core] = $ObservationCategory#exam
* code from BackPainRedFlagVS (extensible)
* value[x] 1..1 MS
* value[x] only boolean
* dataAbsentReason 0..0
* component 0..0
