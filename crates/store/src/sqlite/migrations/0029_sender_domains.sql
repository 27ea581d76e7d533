-- Domains that an office's people may send from, as a JSON array; NULL for those of the nearest office above that has some.
ALTER TABLE office ADD COLUMN allowed_sender_domains TEXT;
