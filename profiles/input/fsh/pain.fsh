Profile: BackPainIntensity
Parent: us-core-observation-screening-assessment
Id: backpain-pain-intensity
Title: "Pain intensity"
Description: "How strong the pain is at one site on one scale, as the patient says."
* insert ObservedOnce
* insert ReportedByPatient
* insert OnOneSide
* code from BackPainScaleVS (extensible)
* value[x] only Quantity
* insert Measured(value[x])
* dataAbsentReason from BackPainAbsentReasonVS (required)
* bodySite MS
* bodySite from BackPainSiteVS (required)
