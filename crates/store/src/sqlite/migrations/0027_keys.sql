-- Of an API key: the person who made it (NULL for the operator, and where another key made it), when it ends by itself (NULL
-- for never), and about when it was last used.
ALTER TABLE api_key ADD COLUMN made_by INTEGER;
ALTER TABLE api_key ADD COLUMN ends_at INTEGER;
ALTER TABLE api_key ADD COLUMN last_used_at INTEGER;
UPDATE api_key SET made_by = CAST(substr(made.actor, 6) AS INTEGER)
FROM (SELECT subject, actor FROM audit WHERE action = 'key.create' AND actor LIKE 'user:%') AS made
WHERE made.subject = 'key ' || api_key.id;
