CREATE TABLE sessions (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('chat', 'task')),
    status TEXT NOT NULL CHECK (status IN ('active', 'paused', 'ended')),
    title TEXT NOT NULL,
    workspace TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_short ON sessions (substr(id, -8));
CREATE INDEX sessions_updated ON sessions (updated_ms);

CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    status TEXT NOT NULL
        CHECK (status IN ('running', 'accepted', 'stopped', 'cancelled', 'paused', 'failed')),
    workspace TEXT NOT NULL,
    model TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    iterations INTEGER NOT NULL,
    score REAL,
    cost_micros INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    ending TEXT
) STRICT;
CREATE INDEX tasks_short ON tasks (substr(id, -8));
CREATE INDEX tasks_session ON tasks (session);
CREATE INDEX tasks_status ON tasks (status);

CREATE TABLE entries (
    row INTEGER PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    key TEXT NOT NULL,
    event TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    elapsed_ms INTEGER NOT NULL,
    payload TEXT NOT NULL,
    UNIQUE (task, seq)
) STRICT;
CREATE INDEX entries_event ON entries (event, at_ms);

-- What was spent stays known when the session that spent it is deleted.
CREATE TABLE turns (
    row INTEGER PRIMARY KEY,
    task TEXT REFERENCES tasks (id) ON DELETE SET NULL,
    role TEXT NOT NULL,
    model TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    input INTEGER,
    output INTEGER,
    cache_read INTEGER,
    cache_write INTEGER,
    reasoning INTEGER,
    tokens INTEGER NOT NULL,
    cost_micros INTEGER NOT NULL
) STRICT;
CREATE INDEX turns_at ON turns (at_ms);
CREATE INDEX turns_task ON turns (task);
