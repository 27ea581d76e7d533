-- What an office's administrators set (O1) besides its row's name, security and form letters. A relay's way of being reached is JSON (SmtpSettings), its secrets are
-- sealed under the key file before they come here.
CREATE TABLE office_settings (
    office         INTEGER PRIMARY KEY REFERENCES office (id),
    version        INTEGER NOT NULL,
    time_zone      TEXT,
    retention_days INTEGER,
    content_days   INTEGER,
    moving         INTEGER NOT NULL             -- mail of before the last change is on its way to the new route
) STRICT;

CREATE TABLE office_relay (
    office        INTEGER NOT NULL REFERENCES office (id),
    place         INTEGER NOT NULL,             -- 0 first, 1 second
    smtp          TEXT NOT NULL,
    secret        BLOB,
    client_secret BLOB,
    refresh_token BLOB,
    PRIMARY KEY (office, place)
) STRICT, WITHOUT ROWID;
