"""Checks mappings against FHIR's own definitions, before the first record."""
