-- What skills mean, by the model that made the vector and by the words that say what a skill is for.
CREATE TABLE skill_vectors (
    row INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    digest TEXT NOT NULL,
    scale REAL NOT NULL,
    vector BLOB NOT NULL,
    UNIQUE (model, digest)
) STRICT;

-- What learners propose and a person decides about. What it rests on stays, so that what was rejected does not come back
-- without new evidence.
CREATE TABLE proposals (
    id TEXT PRIMARY KEY NOT NULL,
    learner TEXT NOT NULL,
    workspace TEXT NOT NULL,
    title TEXT NOT NULL,
    proposal TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'later', 'accepted', 'rejected')),
    proposed_ms INTEGER NOT NULL,
    decided_ms INTEGER
) STRICT;
CREATE INDEX proposals_state ON proposals (state, proposed_ms);
