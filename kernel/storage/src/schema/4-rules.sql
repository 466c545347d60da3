-- A rule of before holds everywhere, which is the empty workspace, and in every session, which is the empty one.
ALTER TABLE approval_rules RENAME TO approval_rules_before;
CREATE TABLE approval_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace TEXT NOT NULL,
    session TEXT NOT NULL,
    origin TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    prefix INTEGER NOT NULL CHECK (prefix IN (0, 1)),
    allow INTEGER NOT NULL CHECK (allow IN (0, 1)),
    made_ms INTEGER NOT NULL,
    UNIQUE (workspace, session, origin, action, target, prefix)
) STRICT;
INSERT INTO approval_rules (workspace, session, origin, action, target, prefix, allow, made_ms)
    SELECT '', '', origin, action, target, 0, allow, made_ms FROM approval_rules_before ORDER BY rowid;
DROP TABLE approval_rules_before;
