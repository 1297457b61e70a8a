-- Secrets that are deleted and can still be restored, what operators ask of the servers, and secrets that are
-- replaced. Only adds, but for the table of payloads, which is written anew without its reference to secrets.

-- A secret is moved here from the table of secrets when it is deleted: no question about secrets finds it. Its
-- payload stays in its place, where rotations find it.
CREATE TABLE deleted_secrets (
    id BLOB NOT NULL PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES projects (id),
    -- Where it was in the order of insertion, and will be again.
    position INTEGER NOT NULL,
    name TEXT,
    secret_type TEXT NOT NULL,
    algorithm TEXT,
    mode TEXT,
    bit_length INTEGER,
    expiration INTEGER,
    creator TEXT,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    content_type TEXT,
    -- When, and by whom.
    deleted INTEGER NOT NULL,
    deleted_by TEXT,
    -- What belonged to it, as JSON: user metadata, ACL, places in containers, consumers. Only restoring reads it.
    belongings TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX deleted_secrets_by_time ON deleted_secrets (deleted, id);
CREATE INDEX deleted_secrets_by_project ON deleted_secrets (project, deleted, id);

CREATE TABLE payloads_of_any (
    -- Of a secret, deleted or not.
    secret BLOB NOT NULL PRIMARY KEY,
    project_key BLOB NOT NULL REFERENCES project_keys (id),
    backend TEXT NOT NULL,
    content_type TEXT NOT NULL,
    sealed BLOB NOT NULL
) STRICT;

INSERT INTO payloads_of_any SELECT secret, project_key, backend, content_type, sealed FROM payloads;
DROP TABLE payloads;
ALTER TABLE payloads_of_any RENAME TO payloads;
CREATE INDEX payloads_by_key ON payloads (project_key, secret);

-- What an operator asks of the servers, and how it ended.
CREATE TABLE errands (
    position INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    -- Absent once it has ended: one thing at a time is done with a secret.
    open INTEGER CHECK (open = 1),
    secret BLOB NOT NULL,
    operator TEXT NOT NULL,
    act TEXT NOT NULL CHECK (act IN ('restore', 'purge', 'replace')),
    -- What takes the secret's place, with its payload until it has its place.
    successor BLOB,
    successor_created INTEGER,
    successor_expiration INTEGER,
    overlap INTEGER,
    project_key BLOB REFERENCES project_keys (id),
    backend TEXT,
    content_type TEXT,
    sealed BLOB,
    -- Why it was refused.
    refusal TEXT,
    asked INTEGER NOT NULL,
    ended INTEGER,
    UNIQUE (secret, open)
) STRICT;

CREATE INDEX errands_by_open ON errands (open, position) WHERE open IS NOT NULL;
CREATE INDEX errands_by_key ON errands (project_key) WHERE project_key IS NOT NULL;
CREATE INDEX errands_by_end ON errands (ended) WHERE ended IS NOT NULL;

-- Secrets that another one has taken the place of, until they are deleted.
CREATE TABLE replacements (
    old BLOB NOT NULL PRIMARY KEY,
    new BLOB NOT NULL,
    operator TEXT NOT NULL,
    -- When the old one is deleted.
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX replacements_by_until ON replacements (until);

-- On which day (UTC, counted from 1970-01-01) a secret's payload was last read, as far as that is known.
CREATE TABLE last_reads (
    secret BLOB NOT NULL PRIMARY KEY,
    day INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Since when that is noted.
INSERT INTO milestones (name, at, detail)
    VALUES ('reads-noted', CAST(strftime('%s', 'now') AS INTEGER) * 1000000, '');

-- Reviews of secrets that nobody seems to need.
CREATE TABLE reviews (
    position INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    operator TEXT NOT NULL,
    started INTEGER NOT NULL,
    unread_days INTEGER NOT NULL,
    looked INTEGER NOT NULL,
    listed INTEGER NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('open', 'decided', 'applying', 'done')),
    -- SHA-256 of the file with the decisions.
    file TEXT,
    condemned INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    spared INTEGER NOT NULL,
    ended INTEGER
) STRICT;

CREATE INDEX reviews_by_stage ON reviews (stage, position);

-- What a review has decided to delete and is not deleted yet.
CREATE TABLE condemned_secrets (
    review BLOB NOT NULL REFERENCES reviews (id),
    secret BLOB NOT NULL,
    -- When the secret had last changed when that was decided.
    updated INTEGER NOT NULL,
    PRIMARY KEY (review, secret)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 7;
