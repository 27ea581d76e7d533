-- Who did what (SPEC X1): appended to, never changed. `hash` covers the entry and the hash before it.
CREATE TABLE audit (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL,          -- operator, user:7, key:3, system
    action     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    office     INTEGER,
    count      INTEGER NOT NULL,
    ids_digest BLOB,
    detail     TEXT,                   -- JSON object; NULL for nothing
    hash       BLOB NOT NULL
) STRICT;
CREATE INDEX audit_office ON audit (office) WHERE office IS NOT NULL;

-- The end of the chain, kept apart so that entries cut off are missed.
CREATE TABLE audit_head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
INSERT INTO audit_head VALUES (1, 0, zeroblob(32));

CREATE TRIGGER audit_kept BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head WHEN NEW.seq <> OLD.seq + 1
BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
