"""Joins the outbox, a mapping and a FHIR server: records go out, once in effect."""
