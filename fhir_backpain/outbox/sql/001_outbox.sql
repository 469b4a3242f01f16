-- One row per patient and server: the queue of that patient. `due` is the steady time at which
-- its oldest open entry can be leased, `wait` the length of that wait; null where none is open.
-- A lease covers the whole queue; `token` is never used twice. `turn` orders the patients.
CREATE TABLE patient (
  id            INTEGER PRIMARY KEY,
  server        TEXT NOT NULL,
  system        TEXT NOT NULL,
  value         TEXT NOT NULL,
  turn          INTEGER NOT NULL DEFAULT 0,
  due           REAL,
  wait          REAL,
  token         INTEGER,
  holder        TEXT,
  worker        TEXT,
  lease_until   REAL,
  lease_seconds REAL,
  UNIQUE (server, system, value),
  CHECK ((token IS NULL) = (holder IS NULL) AND (token IS NULL) = (lease_until IS NULL))
);
CREATE INDEX patient_open ON patient (server, turn) WHERE due IS NOT NULL;
CREATE UNIQUE INDEX patient_token ON patient (token) WHERE token IS NOT NULL;

-- One row per version of a record. `position` orders the open entries of a patient; a newer
-- version takes over the position of the one that it replaces. `is_latest` marks the newest.
CREATE TABLE entry (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  tracking_id     TEXT NOT NULL UNIQUE,
  patient         INTEGER NOT NULL REFERENCES patient,
  server          TEXT NOT NULL,
  source          TEXT NOT NULL,
  record          TEXT NOT NULL,
  record_id       TEXT NOT NULL,
  is_latest       INTEGER NOT NULL DEFAULT 1,
  position        INTEGER NOT NULL,
  state           TEXT NOT NULL DEFAULT 'queued',
  read_back       INTEGER NOT NULL DEFAULT 0,
  token           INTEGER,
  due             REAL NOT NULL DEFAULT 0,
  wait            REAL NOT NULL DEFAULT 0,
  content         TEXT NOT NULL,
  content_hash    TEXT NOT NULL,
  mapping_version TEXT NOT NULL,
  location        TEXT NOT NULL,
  as_of           TEXT NOT NULL,
  test_data       INTEGER NOT NULL,
  attempts        INTEGER NOT NULL DEFAULT 0,
  faults          INTEGER NOT NULL DEFAULT 0,
  outcome         TEXT,
  waits_for       TEXT,
  created_at      TEXT NOT NULL,
  settled_at      TEXT,
  CHECK (state IN ('queued', 'unclear', 'sent', 'conflict', 'rejected', 'held', 'superseded',
                   'discarded'))
);
CREATE UNIQUE INDEX entry_latest ON entry (patient, record, record_id, source) WHERE is_latest = 1;
CREATE INDEX entry_open ON entry (patient, position) WHERE state IN ('queued', 'unclear');
CREATE INDEX entry_failed ON entry (patient) WHERE state IN ('rejected', 'held');
CREATE INDEX entry_lost ON entry (patient) WHERE state = 'superseded' AND read_back = 1;
CREATE INDEX entry_state ON entry (server, state, id);

CREATE TABLE attempt (
  entry   INTEGER NOT NULL REFERENCES entry,
  number  INTEGER NOT NULL,
  at      TEXT NOT NULL,
  state   TEXT NOT NULL,
  status  INTEGER,
  outcome TEXT,
  PRIMARY KEY (entry, number)
) WITHOUT ROWID;

-- The records that wrote what the ledger lists.
CREATE TABLE origin (
  id         INTEGER PRIMARY KEY,
  server     TEXT NOT NULL,
  record_key TEXT NOT NULL,
  UNIQUE (server, record_key)
);

-- What each server holds from us, and what it held: `retired` marks what its record no longer
-- makes. `shared` marks what several records make; `origin` is the one that wrote it last.
CREATE TABLE ledger (
  server       TEXT NOT NULL,
  url          TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  version_id   TEXT,
  origin       INTEGER NOT NULL REFERENCES origin,
  as_of        TEXT NOT NULL,
  written_at   TEXT NOT NULL,
  shared       INTEGER NOT NULL,
  retired      TEXT,
  PRIMARY KEY (server, url),
  CHECK (retired IN ('entered-in-error', 'deleted'))
) WITHOUT ROWID;
CREATE INDEX ledger_own ON ledger (origin) WHERE shared = 0 AND retired IS NULL;

-- Numbers that only grow: the next lease token and the next turn.
CREATE TABLE counter (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES ('token', 0), ('turn', 0);
