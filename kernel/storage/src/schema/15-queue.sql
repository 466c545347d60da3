-- Tasks that were handed to the daemon. A row stays as long as its task: it says what became of it.
CREATE TABLE queue (
    seq INTEGER PRIMARY KEY,
    task TEXT NOT NULL UNIQUE REFERENCES tasks (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done')),
    request TEXT NOT NULL,
    priority INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    cancel INTEGER NOT NULL CHECK (cancel IN (0, 1)),
    queued_ms INTEGER NOT NULL,
    given_ms INTEGER,
    ended_ms INTEGER,
    why TEXT,
    key TEXT UNIQUE,
    body TEXT
) STRICT;
CREATE INDEX queue_state ON queue (state);

-- Questions to a person, from whatever process, and their answers, from whatever surface.
CREATE TABLE questions (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('approval', 'question')),
    request TEXT NOT NULL,
    asked_ms INTEGER NOT NULL,
    answer TEXT,
    answered_by TEXT,
    answered_ms INTEGER,
    is_open INTEGER NOT NULL CHECK (is_open IN (0, 1))
) STRICT;
CREATE INDEX questions_task ON questions (task);
CREATE INDEX questions_open ON questions (is_open) WHERE is_open = 1;
