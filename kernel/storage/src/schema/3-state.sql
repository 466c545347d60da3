-- How much each component's space holds, kept beside it so that a quota costs one look.
CREATE TABLE state_spaces (
    component TEXT PRIMARY KEY NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;

-- Keys are bytes, so that a prefix is a range and nothing collates them.
CREATE TABLE state_values (
    component TEXT NOT NULL REFERENCES state_spaces (component) ON DELETE CASCADE,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (component, key)
) STRICT;
