-- What records tell of tasks, few columns of each fact, so that no journal is read for them.
CREATE TABLE call_records (
    row INTEGER PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    tool TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('ok', 'failed', 'denied')),
    failure TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX call_records_task ON call_records (task);
CREATE INDEX call_records_at ON call_records (at_ms);

CREATE TABLE command_records (
    row INTEGER PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    command TEXT NOT NULL,
    exit_code INTEGER,
    at_ms INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX command_records_task ON command_records (task);
CREATE INDEX command_records_at ON command_records (at_ms);

CREATE TABLE check_records (
    row INTEGER PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    command TEXT NOT NULL,
    passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
    at_ms INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX check_records_task ON check_records (task);
CREATE INDEX check_records_at ON check_records (at_ms);

CREATE TABLE verdict_records (
    row INTEGER PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    iteration INTEGER NOT NULL,
    evaluator TEXT NOT NULL,
    score REAL,
    findings INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX verdict_records_task ON verdict_records (task);
CREATE INDEX verdict_records_at ON verdict_records (at_ms);

CREATE TABLE iteration_records (
    row INTEGER PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    score REAL,
    decision TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX iteration_records_task ON iteration_records (task);
CREATE INDEX iteration_records_at ON iteration_records (at_ms);

-- The files that the kept work of a task changed, and the learnings that it was shown.
CREATE TABLE changed_files (
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    PRIMARY KEY (task, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE shown_learnings (
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    learning TEXT NOT NULL,
    PRIMARY KEY (task, learning)
) STRICT, WITHOUT ROWID;
CREATE INDEX shown_learnings_learning ON shown_learnings (learning);

-- What the user did with accepted work, as it was seen last.
CREATE TABLE reactions (
    task TEXT PRIMARY KEY NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    reaction TEXT NOT NULL CHECK (reaction IN ('kept', 'edited', 'undone', 'repeated')),
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX reactions_at ON reactions (at_ms);

CREATE INDEX tasks_workspace ON tasks (workspace, seq);

-- What a learning rests on: ids of findings, checks and tasks, as JSON.
ALTER TABLE learnings ADD COLUMN evidence TEXT NOT NULL DEFAULT '[]';
-- How the task that taught it counts for it, once that is known.
ALTER TABLE learnings ADD COLUMN taught TEXT CHECK (taught IN ('accepted', 'refused', 'undone'));
CREATE INDEX learnings_task ON learnings (task) WHERE task IS NOT NULL;

-- Of tasks of before: what their entries say of calls, programs and iterations.
INSERT INTO call_records (task, tool, outcome, failure, at_ms, duration_ms)
SELECT task, coalesce(payload ->> '$.tool', ''),
       CASE WHEN json_type(payload, '$.result.Ok') IS NOT NULL THEN 'ok'
            WHEN json_type(payload, '$.result.Err.denied') IS NOT NULL THEN 'denied' ELSE 'failed' END,
       '', at_ms, coalesce(payload ->> '$.duration_ms', 0)
FROM entries WHERE event = 'call.finished' ORDER BY row;
INSERT INTO command_records (task, command, exit_code, at_ms, duration_ms)
SELECT task, substr(coalesce(payload ->> '$.receipt.command', ''), 1, 500), payload ->> '$.receipt.exit_code', at_ms,
       coalesce(payload ->> '$.receipt.duration_ms', 0)
FROM entries WHERE event = 'process.finished' ORDER BY row;
INSERT INTO iteration_records (task, number, score, decision, at_ms)
SELECT task, payload ->> '$.number', payload ->> '$.standing.score', payload ->> '$.decision', at_ms
FROM entries WHERE event = 'iteration.decided' ORDER BY row;
INSERT OR IGNORE INTO shown_learnings (task, learning)
SELECT e.task, n.value ->> 'id' FROM entries e, json_each(e.payload, '$.notes') n
WHERE e.event = 'task.started' AND json_array_length(e.payload, '$.notes') > 0;
