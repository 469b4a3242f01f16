"""Who may use a gateway on this outbox, and who is signed in; secrets are there as hashes only."""

from __future__ import annotations

from alembic import op

from fhir_backpain.outbox.ddl import words

revision = "0004"
down_revision = "0003"

_PRINCIPAL = """
CREATE TABLE principal (
  name         {text} PRIMARY KEY,
  kind         {text} NOT NULL,
  role         {text} NOT NULL,
  token        {text} UNIQUE,
  secret       {text} NOT NULL,
  created_at   {text} NOT NULL,
  expires_at   {text},
  last_used_at {text},
  failures     {number} NOT NULL,
  wait_until   {text},
  CHECK (kind IN ('person', 'machine')),
  CHECK ((kind = 'machine') = (token IS NOT NULL))
){by_key}
"""
_SESSION = """
CREATE TABLE session (
  key_hash   {text} PRIMARY KEY,
  principal  {text} NOT NULL REFERENCES principal,
  form_key   {text} NOT NULL,
  created_at {text} NOT NULL,
  expires_at {text} NOT NULL
){by_key}
"""
_OF_PRINCIPAL = "CREATE INDEX session_principal ON session (principal)"


def upgrade() -> None:
    """Add principals and sessions."""
    database = op.get_context().dialect.name
    for table in (_PRINCIPAL, _SESSION):
        op.execute(table.format(**words(database)))
    op.execute(_OF_PRINCIPAL)
