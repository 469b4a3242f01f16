-- One row per version of a resource. `instant` is meta.lastUpdated in milliseconds since 1970,
-- unique and increasing over the whole server. A version is current while `superseded` is the
-- greatest integer; a search "as of" T sees the rows with instant <= T < superseded.
CREATE TABLE version (
  instant    INTEGER PRIMARY KEY,
  type       TEXT NOT NULL,
  id         TEXT NOT NULL,
  number     INTEGER NOT NULL,
  superseded INTEGER NOT NULL DEFAULT 9223372036854775807,
  method     TEXT NOT NULL CHECK (method IN ('POST', 'PUT', 'DELETE')),
  content    TEXT CHECK ((content IS NULL) = (method = 'DELETE')),
  digest     BLOB,
  UNIQUE (type, id, number)
);
CREATE UNIQUE INDEX version_current ON version (type, id) WHERE superseded = 9223372036854775807;
CREATE INDEX version_type ON version (type, instant);

-- Index rows belong to one version and never change.
CREATE TABLE token (
  type      TEXT NOT NULL,
  parameter TEXT NOT NULL,
  code      TEXT NOT NULL,
  system    TEXT NOT NULL,
  instant   INTEGER NOT NULL,
  PRIMARY KEY (type, parameter, code, system, instant)
) WITHOUT ROWID;

CREATE TABLE reference (
  type        TEXT NOT NULL,
  parameter   TEXT NOT NULL,
  target_id   TEXT NOT NULL,
  target_type TEXT NOT NULL,
  url         TEXT NOT NULL,
  instant     INTEGER NOT NULL,
  PRIMARY KEY (type, parameter, target_id, target_type, url, instant)
) WITHOUT ROWID;

CREATE TABLE date (
  type      TEXT NOT NULL,
  parameter TEXT NOT NULL,
  low       INTEGER NOT NULL,
  high      INTEGER NOT NULL,
  instant   INTEGER NOT NULL,
  PRIMARY KEY (type, parameter, low, high, instant)
) WITHOUT ROWID;
CREATE INDEX date_instant ON date (instant, parameter);
