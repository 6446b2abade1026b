-- Whose runs the members see who don't manage the organisation, and a number for each change.
ALTER TABLE orgs ADD COLUMN run_visibility TEXT NOT NULL DEFAULT 'org'
    CHECK (run_visibility IN ('org', 'own'));
ALTER TABLE orgs ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- A service account has a name as its login, an empty e-mail address and password, and no rows in
-- user_names: nobody can log in as one.
ALTER TABLE users ADD COLUMN kind TEXT NOT NULL DEFAULT 'person'
    CHECK (kind IN ('person', 'service'));

-- Invitations that are still open or have expired: an accepted one goes, and so does one that is
-- taken back.
CREATE TABLE invitations (
    org_id BLOB NOT NULL REFERENCES orgs (org_id),
    invitation_id BLOB NOT NULL,
    email TEXT NOT NULL,
    -- The address as it is compared.
    email_key TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    -- SHA-256 of the token.
    token_hash BLOB NOT NULL CHECK (length(token_hash) = 32),
    invited_by BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, invitation_id),
    UNIQUE (org_id, email_key),
    UNIQUE (org_id, token_hash)
) STRICT;
