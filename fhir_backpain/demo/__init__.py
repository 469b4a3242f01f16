"""The demo: a made-up clinic's year, carried to a FHIR server twice."""
