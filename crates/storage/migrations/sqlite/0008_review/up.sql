-- Which payloads have the same bytes, and what else a review has found about secrets and their owners. Only adds, but
-- for an index, which is made anew with one column more.

-- Masked: nothing without the project key. Absent where it is not known.
ALTER TABLE payloads ADD COLUMN fingerprint BLOB;
ALTER TABLE errands ADD COLUMN fingerprint BLOB;

-- With the fingerprint, those under a key are read from the index alone.
DROP INDEX payloads_by_key;
CREATE INDEX payloads_by_key ON payloads (project_key, secret, fingerprint);

-- How many projects and users could not be looked up; absent where none was.
ALTER TABLE reviews ADD COLUMN owners_unknown INTEGER;
-- Of how many payloads it is not known which have the same bytes; absent where nobody looked.
ALTER TABLE reviews ADD COLUMN materials_unknown INTEGER;

-- Whether its project or creator was gone or disabled.
ALTER TABLE condemned_secrets ADD COLUMN orphaned INTEGER NOT NULL DEFAULT 0 CHECK (orphaned IN (0, 1));
-- Which secret has the same bytes, and stays.
ALTER TABLE condemned_secrets ADD COLUMN twin BLOB;

PRAGMA user_version = 8;
