-- How far the writer came. The same number is in a file beside the database: see high_water.rs.
CREATE TABLE mark (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    n   INTEGER NOT NULL,
    ord INTEGER NOT NULL                        -- the newest message then
) STRICT;
INSERT INTO mark VALUES (1, 0, 0);

-- Losses that a start found and nobody has acknowledged: marks and newest messages, found and expected.
CREATE TABLE loss (
    id           INTEGER PRIMARY KEY,
    n_found      INTEGER NOT NULL,
    n_expected   INTEGER NOT NULL,
    ord_found    INTEGER NOT NULL,
    ord_expected INTEGER NOT NULL
) STRICT;
