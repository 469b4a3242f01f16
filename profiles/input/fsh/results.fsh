Profile: BackPainReport
Parent: us-core-diagnosticreport-note
Id: backpain-report
Title: "Report of imaging or of a diagnostic test"
Description: "What an investigation found: a conclusion in words, and the causes that it shows."
* insert KnownBySource
* basedOn 0..1 MS
* basedOn only Reference(BackPainInvestigation)
* category 1..1 MS
* category from BackPainInvestigationCategoryVS (extensible)
* code from BackPainInvestigationVS (extensible)
* effective[x] 1..1 MS
* effective[x] only dateTime
* performer 0..1 MS
* performer only Reference(us-core-practitioner)
* conclusion MS
* conclusionCode MS
* conclusionCode from BackPainCauseVS (extensible)

Profile: BackPainProcedure
Parent: us-core-procedure
Id: backpain-procedure
Title: "Procedure that was done"
Description: "An injection, a block or an operation. The same procedure of the same patient stays one Procedure for life."
* insert KnownBySource
* basedOn 0..2 MS
* basedOn only Reference(BackPainInvestigation or BackPainActivity)
* category 1..1 MS
* category from BackPainProcedureCategoryVS (extensible)
* code from BackPainProcedureVS (extensible)
* performed[x] 1..1 MS
* performed[x] only dateTime
* performer 0..1 MS
* performer.actor only Reference(us-core-practitioner)
* bodySite 0..2 MS
* bodySite from BackPainSiteOrSideVS (required)
* outcome MS
