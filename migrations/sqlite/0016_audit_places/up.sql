-- The audit log's tables once more, with checks: of ids, since one that is no id could not be read,
-- and of places, since behind one below 1 a record would be hidden from the check of its chain.
-- No version has written rows that don't fit; they are left behind.
-- Without rowid, so that a row has no second key by which it could be replaced.
CREATE TABLE new_audit_records (
    org_id BLOB NOT NULL CHECK (length(org_id) = 16)
        REFERENCES orgs (org_id) ON DELETE CASCADE,
    record_id BLOB NOT NULL CHECK (length(record_id) = 16),
    created_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    -- Of an API key its owner. No reference: records outlive people.
    user_id BLOB CHECK (length(user_id) = 16),
    api_key_id BLOB CHECK (length(api_key_id) = 16),
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    -- A JSON object as text: it is hashed byte for byte.
    details TEXT NOT NULL,
    address TEXT,
    trace_id TEXT,
    PRIMARY KEY (org_id, record_id)
) STRICT, WITHOUT ROWID;
INSERT INTO new_audit_records SELECT * FROM audit_records
    WHERE length(org_id) = 16 AND length(record_id) = 16
        AND coalesce(length(user_id), 16) = 16 AND coalesce(length(api_key_id), 16) = 16;
DROP TABLE audit_records;
ALTER TABLE new_audit_records RENAME TO audit_records;
CREATE INDEX audit_listed ON audit_records (org_id, created_at, record_id);
CREATE INDEX audit_by_action ON audit_records (org_id, action, created_at, record_id);
CREATE INDEX audit_by_user ON audit_records (org_id, user_id, created_at, record_id);
CREATE INDEX audit_by_subject ON audit_records (org_id, subject_id, created_at, record_id);

CREATE TABLE new_audit_seals (
    org_id BLOB NOT NULL CHECK (length(org_id) = 16)
        REFERENCES orgs (org_id) ON DELETE CASCADE,
    seq INTEGER NOT NULL CHECK (seq > 0),
    record_id BLOB NOT NULL CHECK (length(record_id) = 16),
    previous_hash BLOB NOT NULL CHECK (length(previous_hash) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (org_id, seq),
    UNIQUE (org_id, record_id)
) STRICT, WITHOUT ROWID;
INSERT INTO new_audit_seals SELECT * FROM audit_seals
    WHERE length(org_id) = 16 AND seq > 0 AND length(record_id) = 16;
DROP TABLE audit_seals;
ALTER TABLE new_audit_seals RENAME TO audit_seals;

CREATE TABLE new_audit_pending (
    org_id BLOB NOT NULL CHECK (length(org_id) = 16)
        REFERENCES orgs (org_id) ON DELETE CASCADE,
    record_id BLOB NOT NULL CHECK (length(record_id) = 16),
    PRIMARY KEY (org_id, record_id)
) STRICT, WITHOUT ROWID;
INSERT INTO new_audit_pending SELECT * FROM audit_pending
    WHERE length(org_id) = 16 AND length(record_id) = 16;
DROP TABLE audit_pending;
ALTER TABLE new_audit_pending RENAME TO audit_pending;

-- As before.
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

-- REPLACE deletes rows without their delete triggers, so what it would replace is refused.
CREATE TRIGGER audit_records_are_not_replaced BEFORE INSERT ON audit_records
    WHEN EXISTS (SELECT 1 FROM audit_records
        WHERE org_id = NEW.org_id AND record_id = NEW.record_id) BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
CREATE TRIGGER audit_seals_are_not_replaced BEFORE INSERT ON audit_seals
    WHEN EXISTS (SELECT 1 FROM audit_seals
        WHERE org_id = NEW.org_id AND (seq = NEW.seq OR record_id = NEW.record_id)) BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
-- The cascade takes along the records of an organisation that is replaced, by its id or its rowid.
CREATE TRIGGER audited_orgs_are_not_replaced BEFORE INSERT ON orgs
    WHEN EXISTS (SELECT 1 FROM audit_records WHERE org_id = NEW.org_id)
        OR EXISTS (SELECT 1 FROM audit_seals WHERE org_id = NEW.org_id)
        OR EXISTS (SELECT 1 FROM orgs JOIN audit_records USING (org_id)
            WHERE orgs.rowid = NEW.rowid) BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
CREATE TRIGGER audited_orgs_keep_their_ids BEFORE UPDATE OF org_id ON orgs
    WHEN NEW.org_id <> OLD.org_id BEGIN
    SELECT RAISE(ABORT, 'an organisation keeps its id: the audit log is only added to');
END;
