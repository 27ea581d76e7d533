-- Postroom's own mail leaves through the server's relay whatever the office's is. What waits for another from before is
-- moved after the start, as after a change of settings.
UPDATE office_settings SET moving = 1 WHERE office IN (SELECT id FROM office WHERE route <> 0);
