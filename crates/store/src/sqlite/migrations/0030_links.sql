-- A person can have several links for a new password: one that somebody else asks for does not end those before it.
CREATE TABLE one_time_now (
    hash    BLOB PRIMARY KEY,
    purpose INTEGER NOT NULL,                   -- 0 set up, 1 invitation, 2 password reset
    user    INTEGER NOT NULL,                   -- 0 for nobody
    ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO one_time_now (hash, purpose, user, ends_at) SELECT hash, purpose, user, ends_at FROM one_time;
DROP TABLE one_time;
ALTER TABLE one_time_now RENAME TO one_time;
CREATE INDEX one_time_user ON one_time (user, purpose, ends_at);
