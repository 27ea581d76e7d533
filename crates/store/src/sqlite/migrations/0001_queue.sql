-- People ------------------------------------------------------------------------------------------------------

CREATE TABLE office (
    id     INTEGER PRIMARY KEY,
    parent INTEGER REFERENCES office (id),
    name   TEXT NOT NULL,
    route  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX office_name ON office (ifnull(parent, 0), name);

CREATE TABLE user (
    id            INTEGER PRIMARY KEY,
    office        INTEGER NOT NULL REFERENCES office (id),
    login         TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    email         TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    rights        INTEGER NOT NULL DEFAULT 0, -- bits: 1 super user, 2 enterprise view, 4 administrator, 8 layouts
    disabled      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE session (
    hash       BLOB PRIMARY KEY,
    user       INTEGER NOT NULL REFERENCES user (id),
    started_at INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    id         INTEGER PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE,
    prefix     TEXT NOT NULL,
    label      TEXT NOT NULL,
    office     INTEGER NOT NULL REFERENCES office (id),
    user       INTEGER REFERENCES user (id),
    scopes     TEXT NOT NULL, -- words joined by a space
    created_at INTEGER NOT NULL,
    revoked    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The record: wide, rarely written ------------------------------------------------------------------------------

CREATE TABLE message (
    ord             INTEGER PRIMARY KEY,
    sender          INTEGER NOT NULL,
    office          INTEGER NOT NULL,
    category        INTEGER NOT NULL,
    type            INTEGER NOT NULL,           -- ShownType
    state           INTEGER NOT NULL,           -- MessageState; `sending` is not kept, it is joined from work
    kind            INTEGER NOT NULL,
    route           INTEGER NOT NULL,
    submitted_by    TEXT,                       -- Submitter as JSON; NULL where it is the sender
    mail_from       TEXT NOT NULL,
    parameters      TEXT,                       -- SmtpParameters as JSON; NULL for the default
    header_from     TEXT NOT NULL,
    header_to       TEXT NOT NULL,
    header_cc       TEXT NOT NULL,
    header_bcc      TEXT NOT NULL,
    subject         TEXT NOT NULL,
    preview         TEXT NOT NULL,
    mime_type       TEXT NOT NULL,
    message_id      TEXT NOT NULL,
    size            INTEGER NOT NULL,
    recipients      INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    cycle           INTEGER NOT NULL DEFAULT 0,
    sent_on         INTEGER,
    next_attempt_at INTEGER,
    hold_reason     TEXT,
    hold_until      INTEGER,
    send_at         INTEGER,
    error_code      INTEGER,
    error_enhanced  TEXT,
    error_text      TEXT,
    tags            TEXT,                       -- JSON array; NULL for none
    external_id     TEXT,
    metadata        TEXT,
    resent_from     INTEGER
) STRICT;
-- The three list indexes of the index budget; the rowid, which is the Date order, ends each of them.
CREATE INDEX message_sender ON message (sender, type) WHERE category = 0;
CREATE INDEX message_office ON message (office, category, type);
CREATE INDEX message_type ON message (category, type);
CREATE INDEX message_resent ON message (resent_from) WHERE resent_from IS NOT NULL;

CREATE TABLE recipient (
    ord      INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    address  TEXT NOT NULL,
    role     INTEGER NOT NULL,
    state    INTEGER NOT NULL DEFAULT 0,
    code     INTEGER,
    enhanced TEXT,
    text     TEXT,
    at       INTEGER,
    notify   TEXT,
    orcpt    TEXT,
    PRIMARY KEY (ord, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt (
    ord         INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    cycle       INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    relay       TEXT NOT NULL,
    tls         TEXT,
    result      INTEGER NOT NULL,
    code        INTEGER NOT NULL,
    enhanced    TEXT,
    text        TEXT NOT NULL,
    recipients  TEXT,                           -- JSON [[index, Reply]] where they differ from the summary
    PRIMARY KEY (ord, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE content (
    ord             INTEGER PRIMARY KEY,
    header_encoding INTEGER NOT NULL,
    header_len      INTEGER NOT NULL,
    header          BLOB NOT NULL,
    body_encoding   INTEGER NOT NULL,
    body_len        INTEGER NOT NULL,
    body            BLOB NOT NULL
) STRICT;

-- The work: narrow, unfinished mail alone -----------------------------------------------------------------------

CREATE TABLE work (
    ord         INTEGER PRIMARY KEY,
    sender      INTEGER NOT NULL,               -- with the office and the flow's kind: who may hear of a lease
    office      INTEGER NOT NULL,
    route       INTEGER NOT NULL,
    flow        INTEGER NOT NULL,
    seq         INTEGER NOT NULL,               -- place in its lane: ord for new mail, later for retries
    phase       INTEGER NOT NULL,               -- 0 ready, 1 waiting, 2 held, 3 leased
    due_at      INTEGER NOT NULL,
    since       INTEGER NOT NULL,               -- when this cycle began
    attempts    INTEGER NOT NULL DEFAULT 0,
    charged_day INTEGER,
    node        INTEGER,
    epoch       INTEGER,
    generation  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX work_ready ON work (route, flow, seq) WHERE phase = 0;
CREATE INDEX work_waiting ON work (route, due_at) WHERE phase = 1;
CREATE INDEX work_held ON work (seq) WHERE phase = 2;
CREATE INDEX work_leased ON work (node) WHERE phase = 3;

-- Lanes with something ready; weights follow from the flow number, virtual times are the writer's memory.
CREATE TABLE lane (
    route INTEGER NOT NULL,
    flow  INTEGER NOT NULL,                     -- sender * 16 + kind; for notifications -(office * 16 + kind) - 1
    vtag  REAL NOT NULL,
    ready INTEGER NOT NULL,
    PRIMARY KEY (route, flow)
) STRICT, WITHOUT ROWID;
CREATE INDEX lane_order ON lane (route, vtag);

-- How many unfinished messages of a route are in each phase.
CREATE TABLE depth (
    route INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    n     INTEGER NOT NULL,
    PRIMARY KEY (route, phase)
) STRICT, WITHOUT ROWID;

CREATE TABLE node (
    slot      INTEGER PRIMARY KEY,
    epoch     INTEGER NOT NULL,
    heartbeat INTEGER NOT NULL,
    seen_at   INTEGER NOT NULL
) STRICT;

-- Counts, promises, text ----------------------------------------------------------------------------------------

-- dimension 0 server (id 0), 1 office, 2 sender (user mail alone); day in UTC, -1 for the total.
CREATE TABLE tally (
    dimension INTEGER NOT NULL,
    id        INTEGER NOT NULL,
    day       INTEGER NOT NULL,
    category  INTEGER NOT NULL,
    kind      INTEGER NOT NULL,
    state     INTEGER NOT NULL,
    n         INTEGER NOT NULL,
    PRIMARY KEY (dimension, id, day, category, kind, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    credential TEXT NOT NULL,
    key        TEXT NOT NULL,
    digest     BLOB NOT NULL,
    answer     TEXT NOT NULL,
    made_at    INTEGER NOT NULL,
    PRIMARY KEY (credential, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (made_at);

-- Subject, addresses and scope tokens (`m17 s345 c0`); filled behind the writer, see text_cursor.
CREATE VIRTUAL TABLE text USING fts5 (
    subject, address, scope,
    content = '', contentless_delete = 1, detail = column, tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TABLE text_cursor (one INTEGER PRIMARY KEY CHECK (one = 1), ord INTEGER NOT NULL) STRICT;
INSERT INTO text_cursor VALUES (1, 0);
