"""The schema of the outbox, one module a step, for SQLite and PostgreSQL."""
