-- What was learnt of the limits of relays' accounts (D8); NULL where no limit is known.
CREATE TABLE relay_limit (
    host        TEXT NOT NULL,
    port        INTEGER NOT NULL,
    user        TEXT NOT NULL,                  -- who signs in; empty without sign-in
    connections INTEGER,                        -- at a time
    recipients  INTEGER,                        -- of a transaction
    messages    INTEGER,                        -- of a session
    per_minute  INTEGER,                        -- messages in any minute
    changed_at  INTEGER NOT NULL,
    PRIMARY KEY (host, port, user)
) STRICT, WITHOUT ROWID;
