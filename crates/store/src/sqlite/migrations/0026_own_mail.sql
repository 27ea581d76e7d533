-- Postroom's own mail leaves through the server's relay whatever the office's is. What waits for another from before is
-- moved after the start, as after a change of settings.
-- A notification's flow is -(office * 16 + kind) - 1; Postroom's own kinds are 3, 4, 5 and 8.
UPDATE office_settings SET moving = 1
WHERE office IN (SELECT office FROM work WHERE route <> 0 AND flow < 0 AND ~flow % 16 IN (3, 4, 5, 8));
