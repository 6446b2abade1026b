-- The tools that organisations bring. Writes to them count as writes to the configuration.

CREATE TABLE mcp_servers (
    org_id uuid NOT NULL REFERENCES orgs (org_id),
    server_id uuid NOT NULL,
    -- The part of its tools' names. Runs know a server by its id, so a key may be used again
    -- when its server has been deleted.
    server_key text NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    -- How it is shown who is calling; the secret is the token or the client's secret.
    auth text NOT NULL CHECK (auth IN ('none', 'bearer', 'client_credentials')),
    secret bytea,
    secret_nonce bytea CHECK (length(secret_nonce) = 12),
    secret_key_version bigint,
    enabled boolean NOT NULL,
    -- JSON: where tokens come from, whether it is trusted, classes of its tools, its times.
    terms text NOT NULL,
    -- When its tools were listed last since it has its URL.
    listed_at timestamptz,
    version bigint NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, server_id),
    UNIQUE (org_id, server_key),
    CHECK ((secret IS NULL) = (auth = 'none')
        AND (secret IS NULL) = (secret_nonce IS NULL)
        AND (secret IS NULL) = (secret_key_version IS NULL))
);
CREATE INDEX mcp_servers_listed ON mcp_servers (org_id, created_at, server_id);

CREATE TABLE mcp_tools (
    org_id uuid NOT NULL,
    server_id uuid NOT NULL,
    -- Its name at the server.
    tool text NOT NULL,
    state text NOT NULL CHECK (state IN ('approved', 'changed', 'new', 'gone')),
    -- JSON: the definition as models see it and what the server hints, as approved and as it is
    -- now if that needs to be approved; with the hash of the definition.
    approved text,
    approved_hash text,
    pending text,
    pending_hash text,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, server_id, tool),
    FOREIGN KEY (org_id, server_id) REFERENCES mcp_servers (org_id, server_id),
    CHECK ((approved IS NULL) = (approved_hash IS NULL)
        AND (pending IS NULL) = (pending_hash IS NULL))
);

CREATE TABLE http_tools (
    org_id uuid NOT NULL REFERENCES orgs (org_id),
    tool_id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    -- JSON schema of the arguments.
    schema text NOT NULL,
    url text NOT NULL,
    enabled boolean NOT NULL,
    -- JSON: the method, headers, the name of the secret one, the class, the timeout.
    terms text NOT NULL,
    -- The value of the secret header.
    secret bytea,
    secret_nonce bytea CHECK (length(secret_nonce) = 12),
    secret_key_version bigint,
    -- What calls are signed with.
    signing bytea NOT NULL,
    signing_nonce bytea NOT NULL CHECK (length(signing_nonce) = 12),
    signing_key_version bigint NOT NULL,
    version bigint NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, tool_id),
    UNIQUE (org_id, name),
    CHECK ((secret IS NULL) = (secret_nonce IS NULL)
        AND (secret IS NULL) = (secret_key_version IS NULL))
);
CREATE INDEX http_tools_listed ON http_tools (org_id, created_at, tool_id);
