-- The tools that organisations bring. Writes to them count as writes to the configuration.

CREATE TABLE mcp_servers (
    org_id BLOB NOT NULL REFERENCES orgs (org_id),
    server_id BLOB NOT NULL,
    -- The part of its tools' names. Runs know a server by its id, so a key may be used again
    -- when its server has been deleted.
    server_key TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    -- How it is shown who is calling; the secret is the token or the client's secret.
    auth TEXT NOT NULL CHECK (auth IN ('none', 'bearer', 'client_credentials')),
    secret BLOB,
    secret_nonce BLOB CHECK (length(secret_nonce) = 12),
    secret_key_version INTEGER,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    -- JSON: where tokens come from, whether it is trusted, classes of its tools, its times.
    terms TEXT NOT NULL,
    -- When its tools were listed last since it has its URL.
    listed_at INTEGER,
    version INTEGER NOT NULL,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, server_id),
    UNIQUE (org_id, server_key),
    CHECK ((secret IS NULL) = (auth = 'none')
        AND (secret IS NULL) = (secret_nonce IS NULL)
        AND (secret IS NULL) = (secret_key_version IS NULL))
) STRICT;
CREATE INDEX mcp_servers_listed ON mcp_servers (org_id, created_at, server_id);

CREATE TABLE mcp_tools (
    org_id BLOB NOT NULL,
    server_id BLOB NOT NULL,
    -- Its name at the server.
    tool TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('approved', 'changed', 'new', 'gone')),
    -- JSON: the definition as models see it and what the server hints, as approved and as it is
    -- now if that needs to be approved; with the hash of the definition.
    approved TEXT,
    approved_hash TEXT,
    pending TEXT,
    pending_hash TEXT,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, server_id, tool),
    FOREIGN KEY (org_id, server_id) REFERENCES mcp_servers (org_id, server_id),
    CHECK ((approved IS NULL) = (approved_hash IS NULL)
        AND (pending IS NULL) = (pending_hash IS NULL))
) STRICT;

CREATE TABLE http_tools (
    org_id BLOB NOT NULL REFERENCES orgs (org_id),
    tool_id BLOB NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    -- JSON schema of the arguments.
    schema TEXT NOT NULL,
    url TEXT NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    -- JSON: the method, headers, the name of the secret one, the class, the timeout.
    terms TEXT NOT NULL,
    -- The value of the secret header.
    secret BLOB,
    secret_nonce BLOB CHECK (length(secret_nonce) = 12),
    secret_key_version INTEGER,
    -- What calls are signed with.
    signing BLOB NOT NULL,
    signing_nonce BLOB NOT NULL CHECK (length(signing_nonce) = 12),
    signing_key_version INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, tool_id),
    UNIQUE (org_id, name),
    CHECK ((secret IS NULL) = (secret_nonce IS NULL)
        AND (secret IS NULL) = (secret_key_version IS NULL))
) STRICT;
CREATE INDEX http_tools_listed ON http_tools (org_id, created_at, tool_id);
