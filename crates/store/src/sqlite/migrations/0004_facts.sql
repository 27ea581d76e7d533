-- What happened that somebody is told of. AUTOINCREMENT: a number is never given twice, also after all were purged.
CREATE TABLE fact (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    kind    INTEGER NOT NULL,                   -- FactKind
    message INTEGER,
    office  INTEGER NOT NULL,
    person  INTEGER,
    detail  TEXT                                -- JSON, by kind
) STRICT;

CREATE TABLE fact_cursor (
    consumer INTEGER PRIMARY KEY,               -- 1 alerts
    fact     INTEGER NOT NULL
) STRICT;
INSERT INTO fact_cursor VALUES (1, 0);

-- The last edge of each relay's health; the epoch counts edges.
CREATE TABLE relay_state (
    route    INTEGER NOT NULL,
    place    INTEGER NOT NULL,                  -- 0 first, 1 second relay of the route
    name     TEXT NOT NULL,
    epoch    INTEGER NOT NULL,
    down     INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    waits    INTEGER NOT NULL,                  -- whether its mail waits, or the route's other relay takes it
    code     INTEGER,
    enhanced TEXT,
    text     TEXT,
    PRIMARY KEY (route, place)
) STRICT, WITHOUT ROWID;
