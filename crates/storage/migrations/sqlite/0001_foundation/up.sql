-- Times are microseconds since the Unix epoch, ids are the sixteen bytes of a UUID.

CREATE TABLE projects (
    id INTEGER NOT NULL PRIMARY KEY,
    external_id TEXT NOT NULL UNIQUE,
    -- The position the project's next secret takes.
    next_position INTEGER NOT NULL,
    -- How many secrets of the project are live: the sum over its buckets.
    live INTEGER NOT NULL
) STRICT;

CREATE TABLE secrets (
    id BLOB NOT NULL PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (id),
    -- Counts up within the project and is never used again: the order of insertion.
    position INTEGER NOT NULL,
    -- Cleared when the sweep has seen that the secret expired.
    live INTEGER NOT NULL CHECK (live IN (0, 1)),
    name TEXT,
    secret_type TEXT NOT NULL,
    algorithm TEXT,
    mode TEXT,
    bit_length INTEGER,
    expiration INTEGER,
    creator TEXT,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    content_type TEXT
) STRICT;

-- With the expiration, what a page passes over is judged by the index alone.
CREATE INDEX secrets_by_position ON secrets (project, live, position, expiration);
CREATE INDEX secrets_by_created ON secrets (project, live, created, position);
CREATE INDEX secrets_by_expiration ON secrets (project, live, expiration, position);
-- LIKE ignores the case of ASCII letters, so only an index that ignores it as well can serve one.
CREATE INDEX secrets_by_name ON secrets (project, live, name COLLATE NOCASE) WHERE name IS NOT NULL;
-- The sweep looks for what has expired in any project.
CREATE INDEX secrets_expiring ON secrets (live, expiration) WHERE expiration IS NOT NULL;

-- How many live secrets each run of positions holds, so that a deep page is found by adding up.
CREATE TABLE secret_buckets (
    project INTEGER NOT NULL REFERENCES projects (id),
    bucket INTEGER NOT NULL,
    live INTEGER NOT NULL CHECK (live >= 0),
    PRIMARY KEY (project, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE project_keys (
    id BLOB NOT NULL PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (id),
    backend TEXT NOT NULL,
    version INTEGER NOT NULL,
    master INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (project, backend, version)
) STRICT;

CREATE INDEX project_keys_by_backend ON project_keys (backend);

CREATE TABLE payloads (
    secret BLOB NOT NULL PRIMARY KEY REFERENCES secrets (id),
    project_key BLOB NOT NULL REFERENCES project_keys (id),
    backend TEXT NOT NULL,
    content_type TEXT NOT NULL,
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE user_metadata (
    secret BLOB NOT NULL REFERENCES secrets (id),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (secret, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE master_keys (
    backend TEXT NOT NULL,
    version INTEGER NOT NULL,
    canary BLOB NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (backend, version)
) STRICT, WITHOUT ROWID;

-- Changes that took effect and whose outcome may not be on record yet.
CREATE TABLE applied_changes (
    id BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- The schema's version, kept in the file's header so that it can be judged before the file is opened.
PRAGMA user_version = 1;
