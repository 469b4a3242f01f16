"""The durable queue between a clinic's records and FHIR servers. Touches the database only."""
