-- A store as docmill wrote it before, without what later formats brought. A line `-- format N` says
-- which format brought the tables that follow.
-- format 1
CREATE TABLE docmill_meta ("key" TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY ("key"));
CREATE TABLE runs (number INTEGER NOT NULL, pipeline TEXT NOT NULL, status TEXT NOT NULL, spec_digest TEXT NOT NULL, info TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (number));
CREATE INDEX ix_runs_pipeline ON runs (pipeline);
CREATE TABLE documents (run INTEGER NOT NULL, document TEXT NOT NULL, name TEXT NOT NULL, "key" TEXT NOT NULL, info TEXT NOT NULL, status TEXT, code TEXT NOT NULL, message TEXT NOT NULL, remedy TEXT NOT NULL, session TEXT NOT NULL, attempts INTEGER NOT NULL, cached BOOLEAN NOT NULL, verdicts TEXT NOT NULL, PRIMARY KEY (run, document), FOREIGN KEY(run) REFERENCES runs (number));
CREATE INDEX documents_by_name ON documents (run, name);
CREATE TABLE sessions (session TEXT NOT NULL, "key" TEXT NOT NULL, run INTEGER NOT NULL, document TEXT NOT NULL, state TEXT NOT NULL, started TEXT NOT NULL, findings TEXT, PRIMARY KEY (session));
CREATE INDEX sessions_by_key ON sessions ("key", state);
CREATE TABLE events (session TEXT NOT NULL, position INTEGER NOT NULL, type TEXT NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (session, position));
CREATE TABLE charges (session TEXT NOT NULL, position INTEGER NOT NULL, run INTEGER NOT NULL, document TEXT NOT NULL, attempt INTEGER NOT NULL, model TEXT NOT NULL, usage TEXT NOT NULL, PRIMARY KEY (session, position));
CREATE INDEX charges_by_run ON charges (run, document);
INSERT INTO docmill_meta VALUES ('version', '0'), ('generation', 'abc');
INSERT INTO runs VALUES (1, 'p', 'finished', 'd', '{"id":"","pipeline":"p","status":"finished","started":"2026-01-01T00:00:00Z","docmill_version":"0","model":"rules","agent":"a","environment":"e","sandbox":"s","spec_digest":"d"}', '');
INSERT INTO documents VALUES (1, 'doc-1', 'ä.pdf', 'k', '{"id":"doc-1","name":"ä.pdf","sha256":"0","size":1}', 'ok', '', '', '', 'sesn_1', 1, FALSE, '[]');
INSERT INTO sessions VALUES ('sesn_1', 'k', 1, 'doc-1', 'finished', '2026-01-01T00:00:00+00:00', '{"record":{"values":[]},"pages":3}');
INSERT INTO events VALUES ('sesn_1', 0, 'session.status_running', '2026-01-01T00:00:00+00:00', '{"attempt":1}');
INSERT INTO charges VALUES ('sesn_1', 0, 1, 'doc-1', 1, 'm', '{"model_calls":1,"usd":"0.25"}');
-- format 2
CREATE TABLE balances (run INTEGER NOT NULL, document TEXT NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (run, document));
CREATE TABLE reservations (session TEXT NOT NULL, run INTEGER NOT NULL, document TEXT NOT NULL, amount INTEGER NOT NULL, owner TEXT NOT NULL, lost BOOLEAN NOT NULL, PRIMARY KEY (session));
CREATE INDEX ix_reservations_run ON reservations (run);
INSERT INTO balances VALUES (1, '', 2000000000), (1, 'doc-1', 2000000000);
-- format 3
CREATE TABLE batches (number INTEGER NOT NULL, endpoint TEXT NOT NULL, intended TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (number));
CREATE TABLE batch_entries (custom_id TEXT NOT NULL, batch INTEGER NOT NULL, session TEXT NOT NULL, identity TEXT NOT NULL, fingerprint TEXT NOT NULL, attempt INTEGER NOT NULL, failed BOOLEAN NOT NULL, result TEXT, PRIMARY KEY (custom_id), FOREIGN KEY(batch) REFERENCES batches (number));
CREATE INDEX ix_batch_entries_batch ON batch_entries (batch);
CREATE INDEX ix_batch_entries_session ON batch_entries (session);
-- format 4
CREATE TABLE approvals (session TEXT NOT NULL, call TEXT NOT NULL, run INTEGER NOT NULL, document TEXT NOT NULL, server TEXT NOT NULL, tool TEXT NOT NULL, input TEXT NOT NULL, asked TEXT NOT NULL, until TEXT NOT NULL, decision TEXT, reason TEXT NOT NULL, PRIMARY KEY (session, call));
CREATE INDEX ix_approvals_run ON approvals (run);
-- format 5
CREATE TABLE intake (pipeline TEXT NOT NULL, sha256 TEXT NOT NULL, "drop" TEXT NOT NULL, name TEXT NOT NULL, location TEXT NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (pipeline, sha256));
CREATE INDEX ix_intake_drop ON intake ("drop");
INSERT INTO intake VALUES ('p', 'a', 'one', 'a.pdf', '/in/a.pdf', 'done', '');
