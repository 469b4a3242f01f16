"""Notes beside the records, the clock that workers share, and what is leased found at once."""

from __future__ import annotations

from alembic import op

from fhir_backpain.outbox.ddl import words

revision = "0002"
down_revision = "0001"

_NOTE = """
CREATE TABLE note (
  name    {text} PRIMARY KEY,
  content {text} NOT NULL
){by_key}
"""
# A patient's backlog may be long, what is leased of it is short.
_LEASED = "CREATE INDEX entry_leased ON entry (patient) WHERE token IS NOT NULL"
# `ahead`: seconds between the server's clock and the clock of the workers, who keep it steady.
_CLOCK = """
CREATE TABLE clock (
  id    smallint PRIMARY KEY CHECK (id = 1),
  ahead double precision NOT NULL
)
"""
# The number of the last transaction that a connection committed.
_MARK = """
CREATE TABLE mark (
  id      text PRIMARY KEY,
  number  bigint NOT NULL,
  written timestamptz NOT NULL DEFAULT now()
)
"""


def upgrade() -> None:
    """Add the tables."""
    database = op.get_context().dialect.name
    op.execute(_NOTE.format(**words(database)))
    op.execute(_LEASED)
    if database == "postgresql":
        op.execute(_CLOCK)
        op.execute(_MARK)
        op.execute("INSERT INTO clock (id, ahead) VALUES (1, 0)")
    else:
        # Programs that know no version table look at this number, and refuse.
        op.execute("PRAGMA user_version = 2")
