-- Checksums of the stored header block and body (XXH3 with 64 bits over the stored octets, bound to the message's id).
-- NULL in a row of an earlier version: those have theirs in content_sum, which is filled in the background, so that no
-- content is written a second time.
ALTER TABLE content ADD COLUMN header_sum INTEGER;
ALTER TABLE content ADD COLUMN body_sum INTEGER;
CREATE TABLE content_sum (
    ord        INTEGER PRIMARY KEY,
    header_sum INTEGER NOT NULL,
    body_sum   INTEGER NOT NULL
) STRICT;

-- How far that is: content from behind `after` up to `last` may be without a checksum, any other may not.
CREATE TABLE content_sum_fill (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    after INTEGER NOT NULL,
    last  INTEGER NOT NULL
) STRICT;
INSERT INTO content_sum_fill VALUES (1, 0, (SELECT ifnull(max(ord), 0) FROM content));

-- Messages that were found damaged, each reported once; `what` is Damage.
CREATE TABLE damage (
    ord      INTEGER PRIMARY KEY,
    what     INTEGER NOT NULL,
    found_at INTEGER NOT NULL
) STRICT;
