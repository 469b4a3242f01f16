PRAGMA journal_mode = WAL;
PRAGMA application_id = 1178751055;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE attempt (
  entry   INTEGER NOT NULL REFERENCES entry,
  number  INTEGER NOT NULL,
  at      TEXT NOT NULL,
  state   TEXT NOT NULL,
  status  INTEGER,
  outcome TEXT,
  PRIMARY KEY (entry, number)
) WITHOUT ROWID;
INSERT INTO "attempt" VALUES(1,1,'2024-05-01T12:00:00.000Z','sent',200,NULL);
INSERT INTO "attempt" VALUES(2,1,'2024-05-01T12:00:00.000Z','rejected',422,'{"resourceType": "OperationOutcome", "issue": [{"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/operationoutcome-message-id", "valueString": "FBP-5999"}], "severity": "error", "code": "value", "details": {"text": "no Next: Nothing."}}]}');
INSERT INTO "attempt" VALUES(3,1,'2024-05-01T12:00:00.000Z','held',200,NULL);
INSERT INTO "attempt" VALUES(4,1,'2024-05-01T12:00:00.000Z','conflict',200,NULL);
INSERT INTO "attempt" VALUES(5,1,'2024-05-01T12:00:00.000Z','unclear',200,NULL);
INSERT INTO "attempt" VALUES(6,1,'2024-05-01T12:00:00.000Z','queued',200,NULL);
CREATE TABLE counter (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "counter" VALUES('token',7);
INSERT INTO "counter" VALUES('turn',7);
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
INSERT INTO "entry" VALUES(1,'61d33059-f1a2-4d9a-a3a4-16243386811f',1,'https://fhir.example/r4','https://clinic.example/app','observation','r0',1,1,'sent',0,NULL,1030.0,30.0,'{"id":"r0","observed_at":"2024-05-01","patient":{"identifier":{"system":"https://clinic.example/mrn","value":"p0"}},"record":"observation","score":1.10,"source":"https://clinic.example/app","test_data":true}','0123def78bfec27979c795b0a4683350e3c0c8b5cb6ddb17aa952f52440c8a26','m1','{"file":"records.csv","line":7,"field":"score"}','2024-05-01',1,1,0,NULL,NULL,'2024-05-01T12:00:00.000Z','2024-05-01T12:00:00.000Z');
INSERT INTO "entry" VALUES(2,'64dc7e52-b6f4-4f60-b157-c2aa34ebfaef',2,'https://fhir.example/r4','https://clinic.example/app','observation','r1',1,2,'rejected',0,NULL,1030.0,30.0,'{"id":"r1","observed_at":"2024-05-01","patient":{"identifier":{"system":"https://clinic.example/mrn","value":"p1"}},"record":"observation","score":1.10,"source":"https://clinic.example/app","test_data":true}','3cf8b5cba6b3af2187fff4418532d2bfafabd28752d2eb1cf626f13ecba249e1','m1','{"file":"records.csv","line":7,"field":"score"}','2024-05-01',1,1,0,'{"resourceType": "OperationOutcome", "issue": [{"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/operationoutcome-message-id", "valueString": "FBP-5999"}], "severity": "error", "code": "value", "details": {"text": "no Next: Nothing."}}]}',NULL,'2024-05-01T12:00:00.000Z','2024-05-01T12:00:00.000Z');
INSERT INTO "entry" VALUES(3,'2e7466fc-2974-42d2-a398-90690489af81',3,'https://fhir.example/r4','https://clinic.example/app','observation','r2',1,3,'held',0,NULL,1030.0,30.0,'{"id":"r2","observed_at":"2024-05-01","patient":{"identifier":{"system":"https://clinic.example/mrn","value":"p2"}},"record":"observation","score":1.10,"source":"https://clinic.example/app","test_data":true}','fddc10b808b7327ee4fd654617f5e866627f2e4a43730c21581c3212a41a6972','m1','{"file":"records.csv","line":7,"field":"score"}','2024-05-01',1,1,0,NULL,'["Condition/x"]','2024-05-01T12:00:00.000Z','2024-05-01T12:00:00.000Z');
INSERT INTO "entry" VALUES(4,'376bd043-98fc-47f7-ad84-74cc75d1d0bd',4,'https://fhir.example/r4','https://clinic.example/app','observation','r3',1,4,'conflict',0,NULL,1030.0,30.0,'{"id":"r3","observed_at":"2024-05-01","patient":{"identifier":{"system":"https://clinic.example/mrn","value":"p3"}},"record":"observation","score":1.10,"source":"https://clinic.example/app","test_data":true}','b911fcf07f3cac1af6bef9c2e044d231c32bfc1188ebc4c3d9311972a62e3279','m1','{"file":"records.csv","line":7,"field":"score"}','2024-05-01',1,1,0,NULL,NULL,'2024-05-01T12:00:00.000Z','2024-05-01T12:00:00.000Z');
INSERT INTO "entry" VALUES(5,'7eb0e320-d662-401c-b908-af65a44a8d36',5,'https://fhir.example/r4','https://clinic.example/app','observation','r4',0,5,'superseded',1,NULL,1030.0,30.0,'{"id":"r4","observed_at":"2024-05-01","patient":{"identifier":{"system":"https://clinic.example/mrn","value":"p4"}},"record":"observation","score":1.10,"source":"https://clinic.example/app","test_data":true}','29625588607cadaac560617e33bfd10c7b34a7b15959a03025af773e7d0ecd3a','m1','{"file":"records.csv","line":7,"field":"score"}','2024-05-01',1,1,0,NULL,NULL,'2024-05-01T12:00:00.000Z','2024-05-01T12:00:00.000Z');
INSERT INTO "entry" VALUES(6,'1691c31f-68c0-46f8-a7f2-dccff6a2cd53',6,'https://fhir.example/r4','https://clinic.example/app','observation','r5',1,6,'queued',0,NULL,1030.0,30.0,'{"id":"r5","observed_at":"2024-05-01","patient":{"identifier":{"system":"https://clinic.example/mrn","value":"p5"}},"record":"observation","score":1.10,"source":"https://clinic.example/app","test_data":true}','bfb160bfad3c33aaec0f6b6869f521d3e2070d91d8d03c77abcf943aa5b0121f','m1','{"file":"records.csv","line":7,"field":"score"}','2024-05-01',1,1,0,NULL,NULL,'2024-05-01T12:00:00.000Z',NULL);
INSERT INTO "entry" VALUES(7,'e097fb69-1fc4-457f-83c5-afca57c54975',7,'https://fhir.example/r4','https://clinic.example/app','observation','r6',1,7,'queued',0,7,0.0,0.0,'{"id":"r6","observed_at":"2024-05-01","patient":{"identifier":{"system":"https://clinic.example/mrn","value":"p6"}},"record":"observation","score":1.10,"source":"https://clinic.example/app","test_data":true}','f68b9318effff98f90df29716c848f554188e81e6f53c16e761b5d9e825ba307','m1','{"file":"records.csv","line":7,"field":"score"}','2024-05-01',1,0,0,NULL,NULL,'2024-05-01T12:00:00.000Z',NULL);
INSERT INTO "entry" VALUES(8,'a966206b-dd8d-4764-9e26-6a7f8e925b1d',8,'https://fhir.example/r4','https://clinic.example/app','observation','r7',1,8,'discarded',0,NULL,0.0,0.0,'{"id":"r7","observed_at":"2024-05-01","patient":{"identifier":{"system":"https://clinic.example/mrn","value":"p7"}},"record":"observation","score":1.10,"source":"https://clinic.example/app","test_data":true}','e70e8c5833a6b07c73ead223ce95d00b06f9b0b7f998ccc1a58336f19dff130b','m1','{"file":"records.csv","line":7,"field":"score"}','2024-05-01',1,0,0,NULL,NULL,'2024-05-01T12:00:00.000Z','2024-05-01T12:00:01.000Z');
INSERT INTO "entry" VALUES(9,'5f5f3fa8-b38b-4f64-b379-fc79ee5a40ec',9,'https://other.example/r4','https://clinic.example/app','observation','r0',1,9,'queued',0,NULL,0.0,0.0,'{"id":"r0","observed_at":"2024-05-01","patient":{"identifier":{"system":"https://clinic.example/mrn","value":"p0"}},"record":"observation","score":2,"source":"https://clinic.example/app","test_data":true}','175e776945f14e399fa2dd3c03fa5603a6b06c52a862160b5efb3bad595e4a0e','m1','{"file":"records.csv","line":7,"field":"score"}','2024-05-01',1,0,0,NULL,NULL,'2024-05-01T12:00:00.000Z',NULL);
INSERT INTO "entry" VALUES(10,'e88eb303-b2fb-412e-9e57-516427a98a58',5,'https://fhir.example/r4','https://clinic.example/app','observation','r4',1,5,'unclear',1,NULL,1030.0,30.0,'{"id":"r4","observed_at":"2024-05-01","patient":{"identifier":{"system":"https://clinic.example/mrn","value":"p4"}},"record":"observation","score":3,"source":"https://clinic.example/app","test_data":true}','2d7de212a0f631e8694240e055de44b175b207a3bc106854d63f824960bef64f','m1','{"file":"records.csv","line":7,"field":"score"}','2024-05-01',1,0,0,NULL,NULL,'2024-05-01T12:00:00.000Z',NULL);
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
INSERT INTO "ledger" VALUES('https://fhir.example/r4','Observation/a','h1','1',1,'2024-05-01','2024-05-01T12:00:00Z',0,NULL);
INSERT INTO "ledger" VALUES('https://fhir.example/r4','Observation/d','',NULL,1,'2024-05-01','2024-05-01T12:00:00Z',0,'entered-in-error');
INSERT INTO "ledger" VALUES('https://fhir.example/r4','Patient/b','h2','3',1,'2024-05-01','2024-05-01T12:00:00Z',1,NULL);
INSERT INTO "ledger" VALUES('https://fhir.example/r4','Provenance/c','',NULL,1,'2024-05-01','2024-05-01T12:00:00Z',0,'deleted');
CREATE TABLE origin (
  id         INTEGER PRIMARY KEY,
  server     TEXT NOT NULL,
  record_key TEXT NOT NULL,
  UNIQUE (server, record_key)
);
INSERT INTO "origin" VALUES(1,'https://fhir.example/r4','["https://clinic.example/app","https://clinic.example/mrn","p0","observation","r0"]');
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
INSERT INTO "patient" VALUES(1,'https://fhir.example/r4','https://clinic.example/mrn','p0',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "patient" VALUES(2,'https://fhir.example/r4','https://clinic.example/mrn','p1',2,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "patient" VALUES(3,'https://fhir.example/r4','https://clinic.example/mrn','p2',3,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "patient" VALUES(4,'https://fhir.example/r4','https://clinic.example/mrn','p3',4,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "patient" VALUES(5,'https://fhir.example/r4','https://clinic.example/mrn','p4',5,1030.0,30.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "patient" VALUES(6,'https://fhir.example/r4','https://clinic.example/mrn','p5',6,1030.0,30.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "patient" VALUES(7,'https://fhir.example/r4','https://clinic.example/mrn','p6',7,1000.0,0.0,7,'2c13772ba5b240be943d5468c97c7c48','w',4601.0,3600.0);
INSERT INTO "patient" VALUES(8,'https://fhir.example/r4','https://clinic.example/mrn','p7',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "patient" VALUES(9,'https://other.example/r4','https://clinic.example/mrn','p0',0,1000.0,0.0,NULL,NULL,NULL,NULL,NULL);
CREATE INDEX patient_open ON patient (server, turn) WHERE due IS NOT NULL;
CREATE UNIQUE INDEX patient_token ON patient (token) WHERE token IS NOT NULL;
CREATE UNIQUE INDEX entry_latest ON entry (patient, record, record_id, source) WHERE is_latest = 1;
CREATE INDEX entry_open ON entry (patient, position) WHERE state IN ('queued', 'unclear');
CREATE INDEX entry_failed ON entry (patient) WHERE state IN ('rejected', 'held');
CREATE INDEX entry_lost ON entry (patient) WHERE state = 'superseded' AND read_back = 1;
CREATE INDEX entry_state ON entry (server, state, id);
CREATE INDEX ledger_own ON ledger (origin) WHERE shared = 0 AND retired IS NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('entry',10);
COMMIT;
