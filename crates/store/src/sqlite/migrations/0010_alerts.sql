-- What people are told in their Alert Center: one row a cause (key) and person.
CREATE TABLE alert (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    person    INTEGER NOT NULL,
    key       TEXT NOT NULL,
    kind      INTEGER NOT NULL,                 -- AlertKind
    title     TEXT NOT NULL,
    text      TEXT NOT NULL,
    advice    TEXT NOT NULL,
    link      TEXT NOT NULL,                    -- JSON
    count     INTEGER NOT NULL,
    first_at  INTEGER NOT NULL,
    last_at   INTEGER NOT NULL,
    state     INTEGER NOT NULL,                 -- 0 unread, 1 read, 2 dismissed
    mail      INTEGER NOT NULL,                 -- 0 not mailed, 1 to be mailed, 2 mailed
    last_fact INTEGER NOT NULL,                 -- up to which fact it has counted: reading facts twice counts once
    UNIQUE (key, person)
) STRICT;
CREATE INDEX alert_person ON alert (person, last_at, id) WHERE state < 2;
CREATE INDEX alert_unread ON alert (person) WHERE state = 0;
CREATE INDEX alert_mail ON alert (id) WHERE mail = 1;
CREATE INDEX alert_age ON alert (last_at);

-- Which alerts a person wants by e-mail besides: bits by AlertKind; no row: none.
CREATE TABLE alert_preference (
    person INTEGER PRIMARY KEY,
    mailed INTEGER NOT NULL
) STRICT;
