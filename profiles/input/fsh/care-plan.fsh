Profile: BackPainCarePlan
Parent: us-core-careplan
Id: backpain-care-plan
Title: "Care plan"
Description: "One version of a patient's plan. A revised plan is a new CarePlan that replaces the old one."
* insert KnownBySource
* category contains carePlan 1..1 MS
* category[carePlan] = $SCT#734163000
* created 1..1 MS
* encounter MS
* period MS
* author MS
* replaces only Reference(BackPainCarePlan)
* careTeam MS
* careTeam only Reference(BackPainCareTeam)
* addresses MS
* addresses only Reference(BackPainCause)
// Not activities: what must not be done, and what the patient wants.
* supportingInfo MS
* supportingInfo only Reference(BackPainContraindication or BackPainMedicationContraindication or BackPainPreference)
* goal MS
* goal only Reference(BackPainGoal)
* activity MS
// MCC and PCO: what is planned is a request of its own, so that it can be followed.
* note 0..1 MS
* activity.detail 0..0
* activity.reference 1..1 MS
* activity.reference only Reference(BackPainActivity or BackPainMedicationRequest)

Profile: BackPainGoal
Parent: us-core-goal
Id: backpain-goal
Title: "Goal"
Description: "What the patient wants to reach, and by which measure it is told whether it is reached. A goal keeps its identifier when the plan is revised."
* insert KnownBySource
* achievementStatus MS
* achievementStatus from BackPainGoalAchievementVS (required)
* priority MS
* priority from BackPainGoalPriorityVS (required)
* description.text 1..1 MS
* start[x] 1..1 MS
* start[x] only date
* target 0..1 MS
* target.measure MS
* target.measure from BackPainMeasureVS (extensible)
* target.detail[x] MS
* target.detail[x] only Quantity
* insert Measured(target.detail[x])
* target.due[x] only date
* expressedBy MS

Profile: BackPainCareTeam
Parent: us-core-careteam
Id: backpain-care-team
Title: "Care team"
Description: "Who carries the plan out, and in which profession. The role of the one who leads has a second coding."
* insert KnownBySource
* status 1..1 MS
* participant.role from BackPainCareTeamRoleVS (required)
* participant.member only Reference(us-core-practitioner)

Profile: BackPainPreference
Parent: us-core-simple-observation
Id: backpain-preference
Title: "Preference"
Description: "What the patient wants or does not want of the treatment, in words and where it can be told by the treatment."
* insert ObservedOnce
* insert ReportedByPatient
* category[us-core] 1..1 MS
* code from BackPainPreferenceVS (required)
* value[x] 1..1 MS
* value[x] only string
* dataAbsentReason 0..0
* component 0..1 MS
* component.code = backpain#preferred-treatment
* component.value[x] 1..1 MS
* component.value[x] only CodeableConcept
* component.value[x] from BackPainTreatmentVS (extensible)
* component.dataAbsentReason 0..0
