-- The Rule that refused an item of a job, by its name.
ALTER TABLE job_item ADD COLUMN rule TEXT;

-- Who holds a message back and since when; counts only while its hold is a person's.
ALTER TABLE work ADD COLUMN held_by TEXT;
ALTER TABLE work ADD COLUMN held_at INTEGER;
