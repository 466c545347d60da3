CREATE TABLE trust_levels (
    domain TEXT PRIMARY KEY NOT NULL,
    level TEXT NOT NULL CHECK (level IN ('ask', 'suggest', 'act', 'autonomous')),
    set_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE approval_rules (
    origin TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    allow INTEGER NOT NULL CHECK (allow IN (0, 1)),
    made_ms INTEGER NOT NULL,
    PRIMARY KEY (origin, action, target)
) STRICT;

CREATE TABLE trusted_workspaces (
    path TEXT PRIMARY KEY NOT NULL,
    digest TEXT NOT NULL,
    trusted_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE component_grants (
    digest TEXT PRIMARY KEY NOT NULL,
    component TEXT NOT NULL,
    granted TEXT NOT NULL,
    granted_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX component_grants_name ON component_grants (component);
