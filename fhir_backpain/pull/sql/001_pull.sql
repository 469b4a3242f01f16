-- Whose state this is: server and sink, bound at the first run.
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- How far each feed was read to its end, in microseconds of the server's clock, and how often.
CREATE TABLE feed (
  name TEXT PRIMARY KEY,
  place INTEGER,
  polls INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Every version that was found and may be found again, with its fate.
CREATE TABLE version (
  seq INTEGER PRIMARY KEY,
  url TEXT NOT NULL,
  version TEXT NOT NULL,
  instant INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  patient TEXT NOT NULL,
  fate TEXT NOT NULL,
  UNIQUE (url, version)
);
CREATE INDEX version_pending ON version (patient, seq) WHERE fate = 'pending';
CREATE INDEX version_instant ON version (instant);

-- What the sink has, or will have, of each record, and the outbox's newest entry at that time.
CREATE TABLE record (
  key TEXT PRIMARY KEY,
  content_hash TEXT NOT NULL,
  revision INTEGER NOT NULL,
  entry TEXT NOT NULL
) WITHOUT ROWID;

-- Which record a resource belongs to: a resource that is deleted cannot say so itself.
CREATE TABLE member (url TEXT PRIMARY KEY, record TEXT NOT NULL, patient TEXT NOT NULL) WITHOUT ROWID;

-- What goes to the sink, in order; the body is kept until it is there.
CREATE TABLE delivery (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  record TEXT NOT NULL,
  state TEXT NOT NULL,
  body TEXT
);
CREATE INDEX delivery_open ON delivery (state, seq) WHERE state <> 'delivered';

-- Up to where the files of a sink hold deliveries that are marked as such.
CREATE TABLE sink_file (path TEXT PRIMARY KEY, length INTEGER NOT NULL) WITHOUT ROWID;

-- Records that both sides have changed and a person decides on. With the ruling 'source' it is
-- decided that the source wins, and its entry is replayed as soon as sync has found the conflict.
CREATE TABLE conflict (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record TEXT NOT NULL UNIQUE,
  change TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  body TEXT NOT NULL,
  differs TEXT NOT NULL,
  found_at TEXT NOT NULL,
  ruling TEXT
);
