"""What people and the program did to entries and settings, and attempts in the order of time."""

from __future__ import annotations

from alembic import op

from fhir_backpain.outbox.ddl import words

revision = "0003"
down_revision = "0002"

_AUDIT = """
CREATE TABLE audit (
  id      {own_number},
  at      {text} NOT NULL,
  actor   {text} NOT NULL,
  via     {text} NOT NULL,
  action  {text} NOT NULL,
  server  {text},
  entry   {number} REFERENCES entry,
  because {text},
  detail  {text},
  CHECK (via IN ('command', 'gateway', 'engine', 'library'))
)
"""
_INDEXES = (
    "CREATE INDEX audit_entry ON audit (entry) WHERE entry IS NOT NULL",
    "CREATE INDEX audit_at ON audit (at, id)",
    "CREATE INDEX attempt_at ON attempt (at, entry, number)",
)
# What is in the trail stays as it is; whoever owns the database can take the triggers away, but
# no statement of this program can.
_KEPT = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_no_{what.lower()} BEFORE {what} ON audit"
        " BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        for what in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$",
        "CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept()",
    ),
}


def upgrade() -> None:
    """Add the trail."""
    database = op.get_context().dialect.name
    op.execute(_AUDIT.format(**words(database)))
    for statement in (*_INDEXES, *_KEPT[database]):
        op.execute(statement)
