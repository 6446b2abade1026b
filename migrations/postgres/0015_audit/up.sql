-- Who has done what to an organisation, written in the transaction of what was done.
CREATE TABLE audit_records (
    org_id uuid NOT NULL REFERENCES orgs (org_id) ON DELETE CASCADE,
    record_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    actor text NOT NULL,
    -- Of an API key its owner. No reference: records outlive people.
    user_id uuid,
    api_key_id uuid,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    -- A JSON object as text: it is hashed byte for byte.
    details text NOT NULL,
    address text,
    trace_id text,
    PRIMARY KEY (org_id, record_id)
);
CREATE INDEX audit_listed ON audit_records (org_id, created_at, record_id);
CREATE INDEX audit_by_action ON audit_records (org_id, action, created_at, record_id);
CREATE INDEX audit_by_user ON audit_records (org_id, user_id, created_at, record_id);
CREATE INDEX audit_by_subject ON audit_records (org_id, subject_id, created_at, record_id);

-- The chain of each organisation. No reference to the records: a seal tells of one that is gone.
CREATE TABLE audit_seals (
    org_id uuid NOT NULL REFERENCES orgs (org_id) ON DELETE CASCADE,
    seq bigint NOT NULL,
    record_id uuid NOT NULL,
    previous_hash bytea NOT NULL CHECK (length(previous_hash) = 32),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (org_id, seq),
    UNIQUE (org_id, record_id)
);

-- What waits for its seal.
CREATE TABLE audit_pending (
    org_id uuid NOT NULL REFERENCES orgs (org_id) ON DELETE CASCADE,
    record_id uuid NOT NULL,
    PRIMARY KEY (org_id, record_id)
);

-- Records and seals are never changed, and go with their organisation only: once its row in orgs
-- is gone, which the cascade above waits for.
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM orgs WHERE org_id = OLD.org_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% of % is not allowed: the audit log is only added to', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit_records
    FOR EACH ROW EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_stays_whole BEFORE TRUNCATE ON audit_records
    FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit_seals
    FOR EACH ROW EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_stays_whole BEFORE TRUNCATE ON audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();

DO $$
DECLARE
    walled regclass;
BEGIN
    FOREACH walled IN ARRAY ARRAY['audit_records', 'audit_seals', 'audit_pending']::regclass[] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', walled);
        EXECUTE format('CREATE POLICY wall ON %s USING ((SELECT current_user <> ''runloom_tenant'')
            OR org_id = (SELECT nullif(current_setting(''runloom.org_id'', true), '''')::uuid))',
            walled);
    END LOOP;
    -- What a person does to their own account is recorded where they are a member.
    FOREACH walled IN ARRAY ARRAY['audit_records', 'audit_pending']::regclass[] LOOP
        EXECUTE format('CREATE POLICY own ON %s FOR INSERT WITH CHECK (EXISTS (SELECT
            FROM memberships m WHERE m.org_id = %s.org_id AND m.user_id =
            (SELECT nullif(current_setting(''runloom.user_id'', true), '''')::uuid)))',
            walled, walled);
    END LOOP;
END $$;
