-- What each node measured of itself, in steps of 10 s (an hour of them), 5 min (a day) and 30 min (a week).
CREATE TABLE measurement (
    node      INTEGER NOT NULL,
    step_s    INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    waiting   INTEGER NOT NULL,
    oldest_us INTEGER,
    accepted  INTEGER NOT NULL,
    sent      INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    latencies TEXT NOT NULL,                    -- JSON: [class, how many] pairs
    PRIMARY KEY (node, step_s, at)
) STRICT, WITHOUT ROWID;
