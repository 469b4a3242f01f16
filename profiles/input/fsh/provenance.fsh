Profile: BackPainProvenance
Parent: us-core-provenance
Id: backpain-provenance
Title: "Where resources come from"
Description: "Says of everything that a record made who asserted it, when, which record of which system it came from, and who assembled it."
* occurred[x] 1..1 MS
* occurred[x] only dateTime
* agent contains ProvenanceAssembler 1..1 MS
* agent[ProvenanceAssembler].type 1..1 MS
* agent[ProvenanceAssembler].type = $ProvenanceParticipant#assembler
* agent[ProvenanceAuthor] 0..1 MS
* entity 1..1 MS
* entity.role = #source (exactly)
* entity.what MS
* entity.what.identifier 1..1 MS
* entity.what.identifier.system 1..1 MS
* entity.what.identifier.value 1..1 MS
