"""The built-in validator: a FHIR resource held against R4 and against profiles, at once."""
