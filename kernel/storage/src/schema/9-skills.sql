-- The skills that a task was given whole, or opened itself. An empty place is everywhere.
CREATE TABLE skill_uses (
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    skill TEXT NOT NULL,
    place TEXT NOT NULL,
    digest TEXT NOT NULL,
    opened INTEGER NOT NULL,
    PRIMARY KEY (task, skill, place)
) STRICT, WITHOUT ROWID;

-- The evaluators that a task was to be judged by, and whether they were asked.
CREATE TABLE judge_uses (
    task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    skill TEXT NOT NULL,
    place TEXT NOT NULL,
    digest TEXT NOT NULL,
    judged INTEGER NOT NULL,
    PRIMARY KEY (task, skill, place)
) STRICT, WITHOUT ROWID;
