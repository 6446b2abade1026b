-- What organisations configure themselves. Their row counts the writes to it, which by its lock
-- follow each other.
ALTER TABLE orgs ADD COLUMN config_version INTEGER NOT NULL DEFAULT 0;

-- The keys that an organisation's secrets are encrypted with, encrypted by a master key.
CREATE TABLE org_data_keys (
    org_id BLOB NOT NULL REFERENCES orgs (org_id),
    key_version INTEGER NOT NULL CHECK (key_version > 0),
    wrapped BLOB NOT NULL,
    master_key_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, key_version)
) STRICT;

CREATE TABLE llm_credentials (
    org_id BLOB NOT NULL REFERENCES orgs (org_id),
    credential_id BLOB NOT NULL,
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    base_url TEXT,
    -- The provider's key: the ciphertext, its nonce, the data key, and how the text begins.
    secret BLOB,
    secret_nonce BLOB CHECK (length(secret_nonce) = 12),
    secret_key_version INTEGER,
    key_prefix TEXT,
    version INTEGER NOT NULL,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, credential_id),
    CHECK ((secret IS NULL) = (secret_nonce IS NULL)
        AND (secret IS NULL) = (secret_key_version IS NULL))
) STRICT;
CREATE INDEX llm_credentials_listed ON llm_credentials (org_id, created_at, credential_id);

CREATE TABLE llm_routes (
    org_id BLOB NOT NULL,
    route_id BLOB NOT NULL,
    credential_id BLOB NOT NULL,
    model TEXT NOT NULL,
    priority INTEGER NOT NULL,
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    -- The id of another route of the organisation, or the name of one of the platform's.
    fallback TEXT,
    -- JSON: which runs it is for, its prices in nano-dollars, its limits.
    terms TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, route_id),
    FOREIGN KEY (org_id, credential_id) REFERENCES llm_credentials (org_id, credential_id)
) STRICT;
CREATE INDEX llm_routes_listed ON llm_routes (org_id, created_at, route_id);

-- A persona through all its versions. A deleted one stays, so that no version's name is used again.
CREATE TABLE personas (
    org_id BLOB NOT NULL REFERENCES orgs (org_id),
    persona_key TEXT NOT NULL,
    persona_id BLOB NOT NULL,
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    -- The number of its newest version.
    last_number INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (org_id, persona_key)
) STRICT;
CREATE INDEX personas_listed ON personas (org_id, created_at, persona_id)
    WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX personas_default ON personas (org_id) WHERE is_default;

CREATE TABLE persona_versions (
    org_id BLOB NOT NULL,
    persona_key TEXT NOT NULL,
    number INTEGER NOT NULL,
    version TEXT NOT NULL,
    -- The persona as JSON.
    spec TEXT NOT NULL,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (org_id, persona_key, number),
    UNIQUE (org_id, persona_key, version),
    FOREIGN KEY (org_id, persona_key) REFERENCES personas (org_id, persona_key)
) STRICT;
