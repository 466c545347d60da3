-- What many entries say alike, once: the messages before a task, the descriptions of its tools. Each text stands after
-- another one or begins a line, and its hash is one over both.
CREATE TABLE texts (
    hash TEXT PRIMARY KEY NOT NULL,
    before TEXT,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX texts_before ON texts (before) WHERE before IS NOT NULL;
