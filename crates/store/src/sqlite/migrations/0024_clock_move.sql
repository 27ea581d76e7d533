-- Moves of the clock of the last weeks. Following one again must not move stored times twice; and what was submitted before
-- the clock was set back has an id that is as much later than its time.
CREATE TABLE clock_move (
    micros INTEGER NOT NULL,
    at     INTEGER NOT NULL                     -- what the clock showed after it
) STRICT;
