-- Office security, versions against stale edits, offices that are no more (their ids are never given again).
ALTER TABLE office ADD COLUMN security INTEGER NOT NULL DEFAULT 1;
ALTER TABLE office ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE office ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
DROP INDEX office_name;
CREATE UNIQUE INDEX office_name ON office (ifnull(parent, 0), name) WHERE removed = 0;
CREATE INDEX office_parent ON office (parent);

-- Branches that limit Enterprise View, as a JSON array of office ids; NULL for every office below.
ALTER TABLE user ADD COLUMN branches TEXT;
ALTER TABLE user ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
CREATE INDEX user_office ON user (office);
CREATE INDEX session_user ON session (user);
CREATE INDEX api_key_office ON api_key (office);

CREATE TABLE proxy (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    assistant  INTEGER NOT NULL REFERENCES user (id),
    principal  INTEGER NOT NULL REFERENCES user (id),
    level      INTEGER NOT NULL,               -- 0 view, 1 manage
    from_at    INTEGER,
    until_at   INTEGER,
    created_at INTEGER NOT NULL,
    version    INTEGER NOT NULL DEFAULT 1,
    UNIQUE (assistant, principal)
) STRICT;

-- Hashes of tokens that work once.
CREATE TABLE one_time (
    hash    BLOB PRIMARY KEY,
    purpose INTEGER NOT NULL,                   -- 0 set up, 1 invitation, 2 password reset
    user    INTEGER NOT NULL,                   -- 0 for nobody
    ends_at INTEGER NOT NULL,
    UNIQUE (user, purpose)
) STRICT, WITHOUT ROWID;
