"""Builds the index of FHIR definitions that the product ships, from HL7's own definitions."""
