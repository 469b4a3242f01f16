"""Reading what a clinic's system sends: JSON, NDJSON and CSV, from files, pipes or requests."""
