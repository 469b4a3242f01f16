"""The race of validators: the same resources, held against FHIR by each in turn."""
