-- Whether it holds, how the tasks ended that were shown it, and the block that has its vector.
ALTER TABLE learnings ADD COLUMN state TEXT NOT NULL DEFAULT 'active'
    CHECK (state IN ('active', 'superseded', 'retired'));
ALTER TABLE learnings ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE learnings ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE learnings ADD COLUMN undone INTEGER NOT NULL DEFAULT 0;
ALTER TABLE learnings ADD COLUMN block INTEGER;
CREATE INDEX learnings_unembedded ON learnings (row) WHERE block IS NULL AND state = 'active';

ALTER TABLE learning_moments ADD COLUMN times INTEGER NOT NULL DEFAULT 1;

-- What learnings mean, many of one workspace together: 12 bytes for each (its row, and 1 / length of its vector), the signs of
-- the numbers, a bit each, and the numbers, a byte each.
CREATE TABLE learning_vectors (
    block INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace TEXT NOT NULL,
    model TEXT NOT NULL,
    rows BLOB NOT NULL,
    signs BLOB NOT NULL,
    vectors BLOB NOT NULL
) STRICT;
CREATE INDEX learning_vectors_workspace ON learning_vectors (workspace, model);
CREATE INDEX learning_vectors_model ON learning_vectors (model);

-- Tasks that were shown learnings: how their end was counted, and whether it is to be counted.
CREATE TABLE task_notes (
    task TEXT PRIMARY KEY NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    counted TEXT CHECK (counted IN ('accepted', 'refused', 'undone')),
    due INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX task_notes_due ON task_notes (task) WHERE due = 1;
INSERT INTO task_notes (task, due)
SELECT DISTINCT e.task, t.status IN ('accepted', 'stopped')
FROM entries e JOIN tasks t ON t.id = e.task
WHERE e.event = 'task.started' AND json_array_length(e.payload, '$.notes') > 0;
