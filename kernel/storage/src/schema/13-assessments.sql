-- What agencies said to tasks before these were begun, so that it can be held against what became of them. `passed` is whether
-- the work was let through, by the chamber or by the user.
CREATE TABLE assessment_records (
    row INTEGER PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    agency TEXT NOT NULL,
    kind TEXT NOT NULL,
    vote TEXT NOT NULL CHECK (vote IN ('approve', 'caveats', 'objection', 'veto', 'ask', 'abstain')),
    confidence REAL NOT NULL,
    success REAL NOT NULL,
    reason TEXT NOT NULL,
    caveats INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    cost_micros INTEGER NOT NULL,
    changed INTEGER NOT NULL CHECK (changed IN (0, 1)),
    passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX assessment_records_task ON assessment_records (task);
CREATE INDEX assessment_records_at ON assessment_records (at_ms);
CREATE INDEX assessment_records_kind ON assessment_records (kind, agency);
