"""What FHIR itself says about types, elements and codes, for each release."""
