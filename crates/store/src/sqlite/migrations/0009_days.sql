-- Kept counts in one row for each day of an office, sender or the server: `cells` is `5:120 13:4`, of each kind and state
-- (8 * kind + state) the number of messages. The key is as it was: dimension 0 server (id 0), 1 office, 2 sender (user
-- mail alone), and new 3 server by hours (`day` is the hour); day in UTC, -1 for all days.
CREATE TABLE tally_by_day (
    dimension INTEGER NOT NULL,
    id        INTEGER NOT NULL,
    day       INTEGER NOT NULL,
    cells     TEXT NOT NULL,
    PRIMARY KEY (dimension, id, day)
) STRICT, WITHOUT ROWID;
INSERT INTO tally_by_day
    SELECT dimension, id, day, group_concat((8 * kind + state) || ':' || n, ' ' ORDER BY kind, state)
    FROM tally WHERE n <> 0 GROUP BY dimension, id, day;
INSERT INTO tally_by_day
    SELECT 3, 0, hour, group_concat((8 * kind + state) || ':' || n, ' ' ORDER BY kind, state)
    FROM (SELECT ord / 3686400000000 AS hour, kind, state, count(*) AS n FROM message GROUP BY 1, 2, 3) GROUP BY hour;
DROP TABLE tally;
ALTER TABLE tally_by_day RENAME TO tally;
