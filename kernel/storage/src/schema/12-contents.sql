-- Contents of files that tasks changed, until the disk has them in the store of snapshots.
CREATE TABLE contents (
    hash TEXT NOT NULL PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
