-- Scheduled mail, which is not charged yet: it becomes due on its day whatever its relay does.
CREATE INDEX work_scheduled ON work (route, due_at) WHERE phase = 1 AND charged_day IS NULL;
