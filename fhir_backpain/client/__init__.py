"""Talking to a FHIR server over HTTP. Touches the network only."""
