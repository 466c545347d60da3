-- The hash of an entry and of everything before it; entries of before have none. A task keeps that of its last end.
ALTER TABLE entries ADD COLUMN chain TEXT;
ALTER TABLE tasks ADD COLUMN chain TEXT;
