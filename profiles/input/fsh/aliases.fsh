Alias: $LOINC = http://loinc.org
Alias: $SCT = http://snomed.info/sct
Alias: $UCUM = http://unitsofmeasure.org
Alias: $ObservationCategory = http://terminology.hl7.org/CodeSystem/observation-category
Alias: $USCoreCategory = http://hl7.org/fhir/us/core/CodeSystem/us-core-category
Alias: $USCoreCarePlanCategory = http://hl7.org/fhir/us/core/CodeSystem/careplan-category
Alias: $ProvenanceParticipant = http://terminology.hl7.org/CodeSystem/provenance-participant-type
