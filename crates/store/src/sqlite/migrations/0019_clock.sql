-- Microseconds of an outage in which no server ran: they count towards no expiry.
ALTER TABLE relay_state ADD COLUMN unserved INTEGER NOT NULL DEFAULT 0;
