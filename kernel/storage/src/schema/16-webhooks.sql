-- Where events are sent: what the configuration said when it was last read.
CREATE TABLE webhooks (
    event TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    closed_ms INTEGER
) STRICT;

-- What is sent, kept in the transaction of what it tells of. A task that is deleted was still told of.
CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL,
    url TEXT NOT NULL,
    task TEXT,
    body TEXT NOT NULL,
    made_ms INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts INTEGER NOT NULL,
    first_ms INTEGER,
    next_ms INTEGER NOT NULL,
    tried_ms INTEGER,
    status INTEGER,
    why TEXT
) STRICT;
CREATE INDEX deliveries_waiting ON deliveries (url, task, seq) WHERE state = 'waiting';

-- Tasks that begin by themselves: at times, or when files change. `looked_ms`: what was due until then is dealt with.
CREATE TABLE schedules (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL,
    workspace TEXT NOT NULL,
    spec TEXT NOT NULL,
    made_ms INTEGER NOT NULL,
    looked_ms INTEGER NOT NULL,
    is_paused INTEGER NOT NULL CHECK (is_paused IN (0, 1)),
    note TEXT,
    noted_ms INTEGER
) STRICT;

CREATE TABLE schedule_runs (
    seq INTEGER PRIMARY KEY,
    schedule TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    task TEXT NOT NULL UNIQUE REFERENCES tasks (id) ON DELETE CASCADE,
    due_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX schedule_runs_schedule ON schedule_runs (schedule, seq);
