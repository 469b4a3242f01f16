"""The queue, the ledger and the attempts."""

from __future__ import annotations

from alembic import op

from fhir_backpain.outbox.ddl import words

revision = "0001"
down_revision = None

# One row per patient and server: the queue of that patient. `due` is the steady time at which
# its oldest open entry can be leased, `wait` the length of that wait; null where none is open.
# A lease covers the whole queue; `token` is never used twice. `turn` orders the patients.
_PATIENT = """
CREATE TABLE patient (
  id            {own_number},
  server        {text} NOT NULL,
  system        {text} NOT NULL,
  value         {text} NOT NULL,
  turn          {number} NOT NULL DEFAULT 0,
  due           {double},
  wait          {double},
  token         {number},
  holder        {text},
  worker        {text},
  lease_until   {double},
  lease_seconds {double},
  UNIQUE (server, system, value),
  CHECK ((token IS NULL) = (holder IS NULL) AND (token IS NULL) = (lease_until IS NULL))
);
CREATE INDEX patient_open ON patient (server, turn) WHERE due IS NOT NULL;
CREATE UNIQUE INDEX patient_token ON patient (token) WHERE token IS NOT NULL
"""
# One row per version of a record. `position` orders the open entries of a patient; a newer
# version takes over the position of the one that it replaces. `is_latest` marks the newest.
_ENTRY = """
CREATE TABLE entry (
  id              {given_number},
  tracking_id     {text} NOT NULL UNIQUE,
  patient         {number} NOT NULL REFERENCES patient,
  server          {text} NOT NULL,
  source          {text} NOT NULL,
  record          {text} NOT NULL,
  record_id       {text} NOT NULL,
  is_latest       {flag} NOT NULL DEFAULT 1,
  position        {number} NOT NULL,
  state           {text} NOT NULL DEFAULT 'queued',
  read_back       {flag} NOT NULL DEFAULT 0,
  token           {number},
  due             {double} NOT NULL DEFAULT 0,
  wait            {double} NOT NULL DEFAULT 0,
  content         {text} NOT NULL,
  content_hash    {text} NOT NULL,
  mapping_version {text} NOT NULL,
  location        {text} NOT NULL,
  as_of           {text} NOT NULL,
  test_data       {flag} NOT NULL,
  attempts        {number} NOT NULL DEFAULT 0,
  faults          {number} NOT NULL DEFAULT 0,
  outcome         {text},
  waits_for       {text},
  created_at      {text} NOT NULL,
  settled_at      {text},
  CHECK (state IN ('queued', 'unclear', 'sent', 'conflict', 'rejected', 'held', 'superseded',
                   'discarded'))
);
CREATE UNIQUE INDEX entry_latest ON entry (patient, record, record_id, source) WHERE is_latest = 1;
CREATE INDEX entry_open ON entry (patient, position) WHERE state IN ('queued', 'unclear');
CREATE INDEX entry_failed ON entry (patient) WHERE state IN ('rejected', 'held');
CREATE INDEX entry_lost ON entry (patient) WHERE state = 'superseded' AND read_back = 1;
CREATE INDEX entry_state ON entry (server, state, id)
"""
_ATTEMPT = """
CREATE TABLE attempt (
  entry   {number} NOT NULL REFERENCES entry,
  number  {number} NOT NULL,
  at      {text} NOT NULL,
  state   {text} NOT NULL,
  status  {number},
  outcome {text},
  PRIMARY KEY (entry, number)
){by_key}
"""
# `origin` lists the records that wrote what the ledger lists. The ledger tells what each server
# holds from us, and what it held: `retired` marks what its record no longer makes, `shared` what
# several records make; `origin` is then the one that wrote it last.
_LEDGER = """
CREATE TABLE origin (
  id         {own_number},
  server     {text} NOT NULL,
  record_key {text} NOT NULL,
  UNIQUE (server, record_key)
);
CREATE TABLE ledger (
  server       {text} NOT NULL,
  url          {text} NOT NULL,
  content_hash {text} NOT NULL,
  version_id   {text},
  origin       {number} NOT NULL REFERENCES origin,
  as_of        {text} NOT NULL,
  written_at   {text} NOT NULL,
  shared       {flag} NOT NULL,
  retired      {text},
  PRIMARY KEY (server, url),
  CHECK (retired IN ('entered-in-error', 'deleted'))
){by_key};
CREATE INDEX ledger_own ON ledger (origin) WHERE shared = 0 AND retired IS NULL
"""
# Numbers that only grow: the next lease token and the next turn. SQLite counts entries itself.
_COUNTERS = {
    "sqlite": """
CREATE TABLE counter (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES ('token', 0), ('turn', 0)
""",
    "postgresql": """
CREATE SEQUENCE entry_number AS bigint;
CREATE SEQUENCE token_number AS bigint;
CREATE SEQUENCE turn_number AS bigint;
SELECT setval('turn_number', 1)
""",
}


def upgrade() -> None:
    """Make the first schema."""
    database = op.get_context().dialect.name
    for script in (_PATIENT, _ENTRY, _ATTEMPT, _LEDGER, _COUNTERS[database]):
        for statement in script.format(**words(database)).split(";"):
            op.execute(statement)
