"""Canonical addresses: the only place where the package writes a system's or its own URL."""

BASE = "https://fhir-backpain.org/fhir"
"""Base of every canonical that this project defines."""

CODE_SYSTEM = f"{BASE}/CodeSystem/backpain"
"""Concepts of back-pain care for which no verified standard code exists."""

PROFILES = f"{BASE}/StructureDefinition"
"""Where the project's own profiles are."""

US_CORE_PROFILES = "http://hl7.org/fhir/us/core/StructureDefinition"
"""Where the profiles of US Core are, which ours build on."""

LOINC = "http://loinc.org"
SNOMED_CT = "http://snomed.info/sct"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NUCC = "http://nucc.org/provider-taxonomy"
UCUM = "http://unitsofmeasure.org"


def questionnaire(instrument: str) -> str:
    """Return the canonical of an instrument's Questionnaire."""
    return f"{BASE}/Questionnaire/backpain-{instrument}"
