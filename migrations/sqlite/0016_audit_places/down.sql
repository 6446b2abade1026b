DROP TRIGGER audited_orgs_keep_their_ids;
DROP TRIGGER audited_orgs_are_not_replaced;
ALTER TABLE audit_records RENAME TO old_audit_records;
ALTER TABLE audit_seals RENAME TO old_audit_seals;
ALTER TABLE audit_pending RENAME TO old_audit_pending;
DROP INDEX audit_listed;
DROP INDEX audit_by_action;
DROP INDEX audit_by_user;
DROP INDEX audit_by_subject;
DROP TRIGGER audit_records_stay;
DROP TRIGGER audit_records_are_kept;
DROP TRIGGER audit_seals_stay;
DROP TRIGGER audit_seals_are_kept;
DROP TRIGGER audit_records_are_not_replaced;
DROP TRIGGER audit_seals_are_not_replaced;

-- As 0015 makes them.
-- Who has done what to an organisation, written in the transaction of what was done.
CREATE TABLE audit_records (
    org_id BLOB NOT NULL REFERENCES orgs (org_id) ON DELETE CASCADE,
    record_id BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    -- Of an API key its owner. No reference: records outlive people.
    user_id BLOB,
    api_key_id BLOB,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    -- A JSON object as text: it is hashed byte for byte.
    details TEXT NOT NULL,
    address TEXT,
    trace_id TEXT,
    PRIMARY KEY (org_id, record_id)
) STRICT;
CREATE INDEX audit_listed ON audit_records (org_id, created_at, record_id);
CREATE INDEX audit_by_action ON audit_records (org_id, action, created_at, record_id);
CREATE INDEX audit_by_user ON audit_records (org_id, user_id, created_at, record_id);
CREATE INDEX audit_by_subject ON audit_records (org_id, subject_id, created_at, record_id);

-- The chain of each organisation. No reference to the records: a seal tells of one that is gone.
CREATE TABLE audit_seals (
    org_id BLOB NOT NULL REFERENCES orgs (org_id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    previous_hash BLOB NOT NULL CHECK (length(previous_hash) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (org_id, seq),
    UNIQUE (org_id, record_id)
) STRICT;

-- What waits for its seal.
CREATE TABLE audit_pending (
    org_id BLOB NOT NULL REFERENCES orgs (org_id) ON DELETE CASCADE,
    record_id BLOB NOT NULL,
    PRIMARY KEY (org_id, record_id)
) STRICT;

INSERT INTO audit_records SELECT * FROM old_audit_records;
DROP TABLE old_audit_records;
INSERT INTO audit_seals SELECT * FROM old_audit_seals;
DROP TABLE old_audit_seals;
INSERT INTO audit_pending SELECT * FROM old_audit_pending;
DROP TABLE old_audit_pending;

-- Records and seals are never changed, and go with their organisation only: once its row in orgs
-- is gone, which the cascade above waits for.
CREATE TRIGGER audit_records_stay BEFORE UPDATE ON audit_records BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
CREATE TRIGGER audit_records_are_kept BEFORE DELETE ON audit_records
    WHEN EXISTS (SELECT 1 FROM orgs WHERE org_id = OLD.org_id) BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
CREATE TRIGGER audit_seals_stay BEFORE UPDATE ON audit_seals BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
CREATE TRIGGER audit_seals_are_kept BEFORE DELETE ON audit_seals
    WHEN EXISTS (SELECT 1 FROM orgs WHERE org_id = OLD.org_id) BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
