-- Counts changes of what somebody may see and do: work that was prepared with the rights of before is not done (C4).
CREATE TABLE rights_change (one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER NOT NULL) STRICT;
INSERT INTO rights_change VALUES (1, 0);

CREATE TRIGGER rights_of_user AFTER UPDATE OF office, rights, branches, disabled ON user
BEGIN UPDATE rights_change SET n = n + 1; END;
CREATE TRIGGER rights_by_office AFTER UPDATE OF parent, security, removed ON office
BEGIN UPDATE rights_change SET n = n + 1; END;
CREATE TRIGGER rights_by_proxy AFTER UPDATE ON proxy
BEGIN UPDATE rights_change SET n = n + 1; END;
CREATE TRIGGER rights_without_proxy AFTER DELETE ON proxy
BEGIN UPDATE rights_change SET n = n + 1; END;
CREATE TRIGGER rights_of_key AFTER UPDATE OF user, scopes, revoked ON api_key
BEGIN UPDATE rights_change SET n = n + 1; END;
