-- Where people signed in from lately: there they can go on signing in while others guess their passwords.
CREATE TABLE known_source (
    user    INTEGER NOT NULL,
    source  BLOB NOT NULL,                      -- 32 octets: hash of a device's cookie; 4 or 16: address of a network
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (user, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_source_seen ON known_source (seen_at);
