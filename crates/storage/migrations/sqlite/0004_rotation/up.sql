-- Rotation of keys, the servers that take part in it, and when the operator last did what is to be done
-- regularly. Only adds.

ALTER TABLE master_keys ADD COLUMN state TEXT NOT NULL DEFAULT 'superseded'
    CHECK (state IN ('staged', 'active', 'superseded', 'retired'));
-- When it took that state.
ALTER TABLE master_keys ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

-- Until now the highest version wrapped new project keys.
UPDATE master_keys SET since = created;
UPDATE master_keys SET state = 'active'
    WHERE version = (SELECT max(version) FROM master_keys AS own WHERE own.backend = master_keys.backend);

-- What is under an older key is found without looking at the rest.
CREATE INDEX project_keys_by_master ON project_keys (backend, master, id);
CREATE INDEX payloads_by_key ON payloads (project_key, secret);
CREATE INDEX order_passphrases_by_key ON order_passphrases (project_key);

CREATE TABLE rotations (
    position INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    backend TEXT NOT NULL,
    -- Absent once it has ended: a backend has one rotation at a time.
    open INTEGER CHECK (open = 1),
    goal TEXT NOT NULL CHECK (goal IN ('master-key', 'project-key', 'every-project-key')),
    -- What goes with the goal.
    master INTEGER,
    project TEXT,
    stage TEXT NOT NULL,
    paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
    -- The last thing done with in this stage.
    cursor TEXT,
    total INTEGER NOT NULL,
    done INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    -- What stands in the way.
    waiting TEXT,
    -- Who carries it out, since which start, and until when it is left alone.
    worker TEXT,
    worker_run BLOB,
    lease_until INTEGER,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    UNIQUE (backend, open)
) STRICT;

CREATE INDEX rotations_by_backend ON rotations (backend, position);

-- The servers that share this database, and the highest master key version that each has proved to have.
CREATE TABLE nodes (
    node TEXT NOT NULL,
    backend TEXT NOT NULL,
    proved INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    PRIMARY KEY (node, backend)
) STRICT, WITHOUT ROWID;

-- When the operator last did a thing, and what it was done to.
CREATE TABLE milestones (
    name TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 4;
