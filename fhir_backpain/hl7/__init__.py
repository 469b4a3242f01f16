"""HL7's FHIR validator: its recipe, and one warm Java process that runs it."""
