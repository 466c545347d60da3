-- What many entries say alike, once: the messages before a task, the descriptions of its tools. Each text stands after
-- another one or begins a line, and its hash is one over both.
CREATE TABLE texts (
    hash TEXT PRIMARY KEY NOT NULL,
    before TEXT,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX texts_before ON texts (before) WHERE before IS NOT NULL;

-- Whether what a turn cost is an upper limit.
ALTER TABLE turns ADD COLUMN at_most INTEGER NOT NULL DEFAULT 0;
UPDATE turns SET at_most = 1
WHERE cost_micros > 0 AND EXISTS (
    SELECT 1 FROM entries e
    WHERE e.task = turns.task AND e.at_ms = turns.at_ms
      AND e.event IN ('turn.finished', 'turn.failed', 'turn.lost')
      AND instr(e.payload, '"at_most":true') > 0);
