-- How the queue list looks: to a person (office 0) or in an office (user 0).
CREATE TABLE layout (
    office  INTEGER NOT NULL,
    user    INTEGER NOT NULL,
    version INTEGER NOT NULL,
    layout  TEXT NOT NULL,                      -- JSON: columns with widths, sort
    PRIMARY KEY (office, user)
) STRICT, WITHOUT ROWID;

-- Sorting by Sent On (docs/adr/0008): written by outcomes, never by intake.
CREATE INDEX message_sent_on ON message (sent_on) WHERE sent_on IS NOT NULL;

-- Form letters leave from the office's own mail program, not through the queue (I7).
ALTER TABLE office ADD COLUMN sends_locally INTEGER NOT NULL DEFAULT 0;
