-- Access control lists, consumers, containers, orders, quotas and transport keys. Only adds.
--
-- A column `object` holds the id of a secret or of a container; no two of them share one. Where a table has
-- a `position`, it counts up and tells the order of insertion.

CREATE TABLE acls (
    object BLOB NOT NULL PRIMARY KEY,
    project_access INTEGER NOT NULL CHECK (project_access IN (0, 1)),
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE acl_users (
    object BLOB NOT NULL REFERENCES acls (object),
    -- The user's place in the list.
    position INTEGER NOT NULL,
    user TEXT NOT NULL,
    PRIMARY KEY (object, position)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX acl_users_by_user ON acl_users (user, object);

CREATE TABLE consumers (
    position INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('secret', 'container')),
    object BLOB NOT NULL,
    -- The project that registered it.
    project INTEGER NOT NULL REFERENCES projects (id),
    -- Of a secret: service, type and id of the resource. Of a container: name, nothing and URL.
    name TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX consumers_by_use ON consumers (object, name, resource_type, resource);
CREATE INDEX consumers_by_position ON consumers (object, position);
CREATE INDEX consumers_by_project ON consumers (project, kind);

CREATE TABLE containers (
    position INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    project INTEGER NOT NULL REFERENCES projects (id),
    name TEXT,
    container_type TEXT NOT NULL,
    creator TEXT,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;

CREATE INDEX containers_by_position ON containers (project, position);
-- For LIKE, as that of the secrets.
CREATE INDEX containers_by_name ON containers (project, name COLLATE NOCASE) WHERE name IS NOT NULL;

CREATE TABLE container_members (
    position INTEGER NOT NULL PRIMARY KEY,
    container BLOB NOT NULL REFERENCES containers (id),
    secret BLOB NOT NULL REFERENCES secrets (id),
    -- Empty when it has none.
    name TEXT NOT NULL,
    UNIQUE (container, secret, name)
) STRICT;

CREATE INDEX container_members_by_position ON container_members (container, position);
CREATE INDEX container_members_by_secret ON container_members (secret);

CREATE TABLE orders (
    position INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    project INTEGER NOT NULL REFERENCES projects (id),
    creator TEXT,
    order_type TEXT NOT NULL,
    -- What the key is to be like.
    name TEXT,
    algorithm TEXT NOT NULL,
    mode TEXT,
    bit_length INTEGER NOT NULL,
    expiration INTEGER,
    content_type TEXT NOT NULL,
    -- The request's own JSON text, to be shown again.
    meta TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'failed')),
    -- What an active order has made, one of the two. It may have been deleted since.
    made_secret BLOB,
    made_container BLOB,
    -- Why an order has failed.
    failure_code INTEGER,
    failure_reason TEXT,
    -- Who works on a pending order, since which start, and until when it is left alone.
    worker TEXT,
    worker_run BLOB,
    lease_until INTEGER,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;

CREATE INDEX orders_by_position ON orders (project, position);
CREATE INDEX orders_by_state ON orders (state, position);

-- Until their orders end.
CREATE TABLE order_passphrases (
    order_id BLOB NOT NULL PRIMARY KEY REFERENCES orders (id),
    project_key BLOB NOT NULL REFERENCES project_keys (id),
    backend TEXT NOT NULL,
    content_type TEXT NOT NULL,
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE project_quotas (
    position INTEGER NOT NULL PRIMARY KEY,
    -- As the identity service names it: it may never have stored anything.
    project TEXT NOT NULL UNIQUE,
    -- Absent is the default.
    secrets INTEGER,
    orders INTEGER,
    containers INTEGER,
    consumers INTEGER,
    cas INTEGER
) STRICT;

CREATE TABLE transport_keys (
    position INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    plugin_name TEXT NOT NULL,
    transport_key TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE INDEX transport_keys_by_plugin ON transport_keys (plugin_name, position);

PRAGMA user_version = 2;
