"""The way back: what changed on a FHIR server becomes records and goes to a sink, each once."""
