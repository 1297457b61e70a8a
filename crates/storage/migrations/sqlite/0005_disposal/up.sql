-- What backends hold of payloads that are not stored any more, and moves between secret stores. Only adds, but
-- for the table of rotations, which is written anew with room for another goal.

CREATE TABLE disposals (
    id BLOB NOT NULL PRIMARY KEY,
    -- Whose it was: the id of a secret, or of an order.
    kind TEXT NOT NULL CHECK (kind IN ('secret', 'order')),
    owner BLOB NOT NULL,
    -- Kept as long as it is named here: it takes the key to destroy what is sealed under it.
    project_key BLOB NOT NULL REFERENCES project_keys (id),
    backend TEXT NOT NULL,
    sealed BLOB NOT NULL,
    -- Not to be tried before then.
    due INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX disposals_by_due ON disposals (backend, due);
CREATE INDEX disposals_by_key ON disposals (project_key);

CREATE TABLE rotations_with_target (
    position INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    backend TEXT NOT NULL,
    -- Absent once it has ended: a backend has one rotation at a time.
    open INTEGER CHECK (open = 1),
    goal TEXT NOT NULL CHECK (goal IN ('master-key', 'project-key', 'every-project-key', 'move')),
    -- What goes with the goal.
    master INTEGER,
    project TEXT,
    target TEXT,
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

INSERT INTO rotations_with_target
    SELECT position, id, backend, open, goal, master, project, NULL, stage, paused, cursor, total, done, changed,
        failed, waiting, worker, worker_run, lease_until, created, updated
    FROM rotations;
DROP TABLE rotations;
ALTER TABLE rotations_with_target RENAME TO rotations;
CREATE INDEX rotations_by_backend ON rotations (backend, position);

PRAGMA user_version = 5;
