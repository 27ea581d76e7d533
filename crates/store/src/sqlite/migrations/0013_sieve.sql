-- The server's list by date says the office too, so that the mail of many offices is read from it alone.
DROP INDEX message_type;
CREATE INDEX message_type ON message (category, type, ord, office);
