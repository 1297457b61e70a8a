-- When secrets end, by their expiration or by a certificate in them, and who was told. Only adds.

CREATE TABLE endings (
    secret BLOB NOT NULL PRIMARY KEY REFERENCES secrets (id),
    -- The expiration or the certificate's end, whichever comes first.
    ends INTEGER NOT NULL,
    -- What the certificate in the payload shows to whoever asks; of several, the one that ends first.
    certificate_ends INTEGER,
    subject TEXT,
    issuer TEXT,
    serial TEXT,
    fingerprint BLOB,
    -- In which window, in days, people were last told.
    told INTEGER,
    -- When to look at it next; absent when there is nothing more to tell.
    due INTEGER,
    -- Who tells, since which start, and until when it is left alone.
    worker TEXT,
    worker_run BLOB,
    lease_until INTEGER,
    -- Who knows of it, and whether that is on record.
    ack_at INTEGER,
    ack_by TEXT,
    ack_note TEXT,
    ack_recorded INTEGER CHECK (ack_recorded IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX endings_by_end ON endings (ends);
CREATE INDEX endings_by_due ON endings (due) WHERE due IS NOT NULL;

INSERT INTO endings (secret, ends, due)
    SELECT id, expiration, 0 FROM secrets WHERE expiration IS NOT NULL;

-- Secrets that may hold a certificate that nobody has looked at: those that were stored until now. One that is
-- deleted before its turn stays here until then.
CREATE TABLE unread_certificates (
    secret BLOB NOT NULL PRIMARY KEY,
    -- Not to be tried before then.
    due INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX unread_certificates_by_due ON unread_certificates (due);

INSERT INTO unread_certificates (secret, due)
    SELECT id, 0 FROM secrets WHERE secret_type = 'certificate' AND content_type IS NOT NULL;

PRAGMA user_version = 6;
