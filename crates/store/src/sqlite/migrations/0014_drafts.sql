-- Messages that somebody has not finished writing: theirs alone. `body` is what the form holds, a JSON object; `subject`
-- and `recipients` are read from it for the list, which never touches the body.
CREATE TABLE draft (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    person     INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    subject    TEXT NOT NULL,
    recipients TEXT NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX draft_person ON draft (person, updated_at);
