Profile: BackPainQuestionnaireResponse
Parent: us-core-questionnaireresponse
Id: backpain-questionnaire-response
Title: "Filled-in instrument"
Description: "The answers to an instrument's items, each a number. The wording of the items belongs to the instrument's owner and is never carried."
* identifier 1..1 MS
* identifier.system 1..1 MS
* identifier.value 1..1 MS
* authored 1..1 MS
* author 1..1 MS
* author only Reference(us-core-patient)
* source 1..1
* source only Reference(Patient)
* encounter MS
* item 1..* MS
* item.text 0..0
* item.item 0..0
* item.answer 1..1 MS
* item.answer.item 0..0
* item.answer.value[x] 1..1 MS
* item.answer.value[x] only decimal
