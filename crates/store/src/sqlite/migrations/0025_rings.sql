-- Earlier versions could move an office below itself where more than 64 lie between: a ring that nobody sees. Of each ring,
-- the office with the lowest id hangs below the System Office again, and the others below it. Its number joins its name,
-- because another office there may have the same name.
WITH RECURSIVE above (start, at) AS (
    SELECT id, parent FROM office WHERE parent IS NOT NULL
    UNION
    SELECT above.start, office.parent FROM above JOIN office ON office.id = above.at WHERE office.parent IS NOT NULL
), ring (id) AS (
    SELECT DISTINCT min(at) FROM above WHERE start IN (SELECT start FROM above WHERE start = at) GROUP BY start
)
UPDATE office
   SET parent = (SELECT min(id) FROM office WHERE parent IS NULL AND removed = 0),
       name = name || ' (restored, ' || id || ')',
       version = version + 1
 WHERE id IN (SELECT id FROM ring);
