-- What is remembered, as it is now. An empty workspace is everywhere; what came from a task has its id.
CREATE TABLE learnings (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL,
    categories TEXT NOT NULL,
    workspace TEXT NOT NULL,
    task TEXT,
    confidence REAL NOT NULL,
    confirmed_ms INTEGER NOT NULL,
    learnt_ms INTEGER NOT NULL
) STRICT;

-- How it came to be so, oldest first.
CREATE TABLE learning_moments (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    learning INTEGER NOT NULL REFERENCES learnings (row) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    change TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX learning_moments_learning ON learning_moments (learning);

-- The words of what is remembered. What is taken out of it leaves nothing in its pages.
CREATE VIRTUAL TABLE learnings_words USING fts5(
    text, categories, tokenize = 'porter unicode61 remove_diacritics 2'
);
INSERT INTO learnings_words (learnings_words, rank) VALUES ('secure-delete', 1);
