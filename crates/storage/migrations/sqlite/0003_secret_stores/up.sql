-- The backends that clients can choose among, and what projects have chosen. Only adds.

CREATE TABLE secret_stores (
    id BLOB NOT NULL PRIMARY KEY,
    backend TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE preferred_stores (
    project INTEGER NOT NULL PRIMARY KEY REFERENCES projects (id),
    store BLOB NOT NULL REFERENCES secret_stores (id)
) STRICT;

CREATE INDEX preferred_stores_by_store ON preferred_stores (store);

PRAGMA user_version = 3;
