-- Grants of trust, those that ended too. An empty workspace is everywhere.
CREATE TABLE trust_grants (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    domain TEXT NOT NULL,
    workspace TEXT NOT NULL,
    level TEXT NOT NULL CHECK (level IN ('ask', 'suggest', 'act', 'autonomous')),
    names TEXT NOT NULL,
    reason TEXT NOT NULL,
    granted_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    ended_ms INTEGER,
    ended TEXT CHECK (ended IN ('revoked', 'replaced', 'undone'))
) STRICT;
CREATE UNIQUE INDEX trust_grants_open ON trust_grants (domain, workspace) WHERE ended_ms IS NULL;
INSERT INTO trust_grants (domain, workspace, level, names, reason, granted_ms)
    SELECT domain, '', level, '[]', '', set_ms FROM trust_levels ORDER BY set_ms;
DROP TABLE trust_levels;

-- What the gate decided about what is more than looking, and about every place outside of the machine. It stays when the
-- course of a run is pruned: it says what was done unasked.
CREATE TABLE decision_records (
    row INTEGER PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    origin TEXT NOT NULL,
    action TEXT NOT NULL,
    effect TEXT NOT NULL CHECK (effect IN ('read', 'write', 'execute', 'send', 'destructive')),
    domain TEXT NOT NULL,
    target TEXT NOT NULL,
    ground TEXT NOT NULL,
    allowed INTEGER NOT NULL CHECK (allowed IN (0, 1)),
    answered INTEGER NOT NULL CHECK (answered IN (0, 1)),
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX decision_records_task ON decision_records (task);
CREATE INDEX decision_records_at ON decision_records (at_ms);
CREATE INDEX decision_records_ground ON decision_records (ground);
INSERT INTO decision_records (task, key, origin, action, effect, domain, target, ground, allowed, answered, at_ms)
SELECT task, key, coalesce(payload ->> '$.origin', ''), coalesce(payload ->> '$.action', ''), payload ->> '$.effect',
       coalesce(payload ->> '$.domain', ''), substr(coalesce(payload ->> '$.target', ''), 1, 500),
       coalesce(payload ->> '$.decision.because', ''), payload ->> '$.decision.decision' = 'allow',
       json_type(payload, '$.answer') IS NOT NULL AND json_type(payload, '$.answer') != 'null', at_ms
FROM entries
WHERE event = 'gate.decided' AND payload ->> '$.decision.decision' IN ('allow', 'deny')
  AND payload ->> '$.effect' IN ('read', 'write', 'execute', 'send', 'destructive')
  AND payload ->> '$.action' NOT IN ('process', 'model')
  AND (payload ->> '$.effect' != 'read' OR payload ->> '$.action' = 'http')
ORDER BY row;
