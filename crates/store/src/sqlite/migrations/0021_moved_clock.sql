-- What was used on a day that was begun while the clock stood ahead, after it was counted on the day that the clock shows
-- now. Should that day be the right one after all, it counts again: with what was used since, which is what `used` has
-- beyond `base` on the corrected day.
CREATE TABLE used_set_aside (
    who       INTEGER PRIMARY KEY,
    day       INTEGER NOT NULL,
    corrected INTEGER NOT NULL,                 -- the day it was counted on instead
    n         INTEGER NOT NULL,
    reached   INTEGER NOT NULL,
    base      INTEGER NOT NULL
) STRICT;

-- NULL where the id says when a message was submitted; else its id had to run ahead of a clock that was set back.
ALTER TABLE message ADD COLUMN submitted_at INTEGER;
