"""The commands of ``fhir-backpain mapping``, one file for each, and what they show."""
