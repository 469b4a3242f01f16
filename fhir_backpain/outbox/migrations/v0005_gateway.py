"""What a gateway keeps: answers, for requests that come again, and what it refused, counted."""

from __future__ import annotations

from alembic import op

from fhir_backpain.outbox.ddl import words

revision = "0005"
down_revision = "0004"

# `id` is a hash of who asks, where, and the key of the request; `request` a hash of what it said.
# Without a status the request is still being answered.
_KEPT_ANSWER = """
CREATE TABLE kept_answer (
  id         {text} PRIMARY KEY,
  request    {text} NOT NULL,
  begun_at   {text} NOT NULL,
  expires_at {text} NOT NULL,
  status     {number},
  location   {text},
  content    {text},
  CHECK ((status IS NULL) = (content IS NULL))
){by_key}
"""
_EXPIRY = "CREATE INDEX kept_answer_expiry ON kept_answer (expires_at)"
# No value is in it: a message by its number, and the name of a field.
_REFUSAL = """
CREATE TABLE refusal (
  message  {number} NOT NULL,
  field    {text} NOT NULL,
  count    {number} NOT NULL,
  first_at {text} NOT NULL,
  last_at  {text} NOT NULL,
  PRIMARY KEY (message, field)
){by_key}
"""


def upgrade() -> None:
    """Add the tables."""
    database = op.get_context().dialect.name
    for table in (_KEPT_ANSWER, _REFUSAL):
        op.execute(table.format(**words(database)))
    op.execute(_EXPIRY)
