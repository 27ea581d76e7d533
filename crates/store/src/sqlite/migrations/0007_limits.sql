-- Daily limits and holds ------------------------------------------------------------------------------------------

-- What was taken of the limits on each day of the limits' time zone: who 0 is the whole server, others are users.
CREATE TABLE used (
    day     INTEGER NOT NULL,                   -- days since 1970-01-01
    who     INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    reached INTEGER NOT NULL DEFAULT 0,         -- bits of the limits under which mail of theirs was held that day
    PRIMARY KEY (day, who)
) STRICT, WITHOUT ROWID;

-- NULL: nobody chose. The configuration file's values are pinned: they count before what people set.
CREATE TABLE limit_setting (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    version     INTEGER NOT NULL DEFAULT 1,
    system      INTEGER,
    user        INTEGER,
    zone        TEXT,
    pinned_system INTEGER,
    pinned_user   INTEGER,
    pinned_zone   TEXT,
    user_default  INTEGER NOT NULL DEFAULT 0,
    server_zone   TEXT NOT NULL DEFAULT 'UTC'
) STRICT;
INSERT INTO limit_setting (one) VALUES (1);

-- kind 0 an office, 1 a sender.
CREATE TABLE pause (
    kind   INTEGER NOT NULL,
    id     INTEGER NOT NULL,
    reason TEXT NOT NULL,
    since  INTEGER NOT NULL,
    by     TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- work.charged_day: NULL while nothing was charged, 0 where it was in an earlier cycle or need not be.
-- work.hold: HoldReason while held; work.due_at is then when it ends by itself.
-- work.person: who will be charged, while nothing was.
ALTER TABLE work ADD COLUMN hold INTEGER;
ALTER TABLE work ADD COLUMN person INTEGER;
UPDATE work SET charged_day = 0 WHERE ord NOT IN (SELECT ord FROM message WHERE state = 1 AND type = 0);
UPDATE work SET hold = 3 WHERE phase = 2;
CREATE INDEX work_limited ON work (person, seq) WHERE hold < 3;
CREATE INDEX work_limited_until ON work (hold, due_at) WHERE hold < 3;
CREATE INDEX work_paused_office ON work (office, seq) WHERE hold = 4;
CREATE INDEX work_paused_sender ON work (sender, seq) WHERE hold = 4;
