Profile: BackPainHistory
Parent: us-core-simple-observation
Id: backpain-history
Title: "History of the pain and of work"
Description: "When and how the pain began, where it goes, what makes it worse or better, whether the patient can work, and how many days off work the pain cost."
* insert ObservedOnce
* insert ReportedByPatient
* category[us-core] 1..1 MS
* code from BackPainHistoryVS (required)
* value[x] 1..1 MS
* value[x] only dateTime or string or CodeableConcept or Quantity
* valueCodeableConcept from BackPainWorkStatusVS (required)
* insert Measured(valueQuantity)
* dataAbsentReason 0..0
* component 0..0
