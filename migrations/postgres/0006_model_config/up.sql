-- What organisations configure themselves. Their row counts the writes to it, which by its lock
-- follow each other.
ALTER TABLE orgs ADD COLUMN config_version bigint NOT NULL DEFAULT 0;

-- The keys that an organisation's secrets are encrypted with, encrypted by a master key.
CREATE TABLE org_data_keys (
    org_id uuid NOT NULL REFERENCES orgs (org_id),
    key_version bigint NOT NULL CHECK (key_version > 0),
    wrapped bytea NOT NULL,
    master_key_id text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, key_version)
);

CREATE TABLE llm_credentials (
    org_id uuid NOT NULL REFERENCES orgs (org_id),
    credential_id uuid NOT NULL,
    provider text NOT NULL,
    name text NOT NULL,
    base_url text,
    -- The provider's key: the ciphertext, its nonce, the data key, and how the text begins.
    secret bytea,
    secret_nonce bytea CHECK (length(secret_nonce) = 12),
    secret_key_version bigint,
    key_prefix text,
    version bigint NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, credential_id),
    CHECK ((secret IS NULL) = (secret_nonce IS NULL)
        AND (secret IS NULL) = (secret_key_version IS NULL))
);
CREATE INDEX llm_credentials_listed ON llm_credentials (org_id, created_at, credential_id);

CREATE TABLE llm_routes (
    org_id uuid NOT NULL,
    route_id uuid NOT NULL,
    credential_id uuid NOT NULL,
    model text NOT NULL,
    priority integer NOT NULL,
    is_default boolean NOT NULL,
    enabled boolean NOT NULL,
    -- The id of another route of the organisation, or the name of one of the platform's.
    fallback text,
    -- JSON: which runs it is for, its prices in nano-dollars, its limits.
    terms text NOT NULL,
    version bigint NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, route_id),
    FOREIGN KEY (org_id, credential_id) REFERENCES llm_credentials (org_id, credential_id)
);
CREATE INDEX llm_routes_listed ON llm_routes (org_id, created_at, route_id);

-- A persona through all its versions. A deleted one stays, so that no version's name is used again.
CREATE TABLE personas (
    org_id uuid NOT NULL REFERENCES orgs (org_id),
    persona_key text NOT NULL,
    persona_id uuid NOT NULL,
    is_default boolean NOT NULL,
    -- The number of its newest version.
    last_number bigint NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (org_id, persona_key)
);
CREATE INDEX personas_listed ON personas (org_id, created_at, persona_id)
    WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX personas_default ON personas (org_id) WHERE is_default;

CREATE TABLE persona_versions (
    org_id uuid NOT NULL,
    persona_key text NOT NULL,
    number bigint NOT NULL,
    version text NOT NULL,
    -- The persona as JSON.
    spec text NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (org_id, persona_key, number),
    UNIQUE (org_id, persona_key, version),
    FOREIGN KEY (org_id, persona_key) REFERENCES personas (org_id, persona_key)
);
