-- Of an API key: the person who made it (NULL for the operator and for keys of earlier versions), when it ends by itself (NULL
-- for never), and about when it was last used.
ALTER TABLE api_key ADD COLUMN made_by INTEGER;
ALTER TABLE api_key ADD COLUMN ends_at INTEGER;
ALTER TABLE api_key ADD COLUMN last_used_at INTEGER;
