-- Actions on all that match a filter, done in steps (DESIGN invariant 20).
CREATE TABLE job (
    id         INTEGER PRIMARY KEY,
    owner      TEXT NOT NULL,          -- as in audit.actor
    office     INTEGER,
    verb       TEXT NOT NULL,
    which      TEXT NOT NULL,          -- filter and exceptions, JSON
    as_of      INTEGER NOT NULL,
    cursor     INTEGER NOT NULL DEFAULT 0,
    total      INTEGER NOT NULL,
    done       INTEGER NOT NULL DEFAULT 0,
    skipped    INTEGER NOT NULL DEFAULT 0,
    refused    INTEGER NOT NULL DEFAULT 0,
    state      INTEGER NOT NULL DEFAULT 0, -- JobState
    reason     TEXT,
    digest     BLOB NOT NULL,          -- IdsDigest of what it was done to
    started_at INTEGER NOT NULL,
    ended_at   INTEGER
) STRICT;
CREATE INDEX job_running ON job (state) WHERE state = 0;
CREATE INDEX job_owner ON job (owner);

-- What a job did not do, and why; the first 10,000 of each job.
CREATE TABLE job_item (
    job     INTEGER NOT NULL,
    ord     INTEGER NOT NULL,
    refused INTEGER NOT NULL,          -- 0 skipped, 1 refused
    reason  TEXT NOT NULL,
    PRIMARY KEY (job, ord)
) STRICT, WITHOUT ROWID;

-- FailureCause of the last attempt of mail that was deferred or failed (C6); written by these outcomes alone.
ALTER TABLE message ADD COLUMN cause INTEGER;
