-- Ids are UUIDs of 16 bytes, times are microseconds since the Unix epoch.
-- Keys start with the organisation, so that an organisation can be moved as a whole.
-- Tables of short rows are without rowid: one page to write for a row instead of two.

CREATE TABLE orgs (
    org_id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- People exist beside organisations; memberships join them.
CREATE TABLE users (
    user_id BLOB NOT NULL PRIMARY KEY,
    login TEXT NOT NULL,
    email TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- What a person can log in with, lowercased: their login and their e-mail address.
CREATE TABLE user_names (
    name_key TEXT NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (user_id)
) STRICT;

CREATE TABLE memberships (
    org_id BLOB NOT NULL REFERENCES orgs (org_id),
    user_id BLOB NOT NULL REFERENCES users (user_id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, user_id)
) STRICT;
CREATE INDEX memberships_of_user ON memberships (user_id);

CREATE TABLE api_keys (
    org_id BLOB NOT NULL,
    api_key_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    name TEXT NOT NULL,
    public_id TEXT NOT NULL UNIQUE,
    secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
    -- JSON array of permission names.
    scopes TEXT NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, api_key_id),
    FOREIGN KEY (org_id, user_id) REFERENCES memberships (org_id, user_id)
) STRICT;

CREATE TABLE idempotency_keys (
    org_id BLOB NOT NULL,
    principal TEXT NOT NULL,
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash BLOB NOT NULL CHECK (length(body_hash) = 32),
    status INTEGER NOT NULL CHECK (status BETWEEN 200 AND 299),
    answer TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, principal, operation, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE threads (
    org_id BLOB NOT NULL,
    thread_id BLOB NOT NULL,
    created_by BLOB NOT NULL,
    title TEXT,
    metadata TEXT,
    hidden INTEGER NOT NULL DEFAULT 0 CHECK (hidden IN (0, 1)),
    -- Counters under the row's lock: the last message's position and the number of runs.
    last_position INTEGER NOT NULL DEFAULT 0,
    last_turn INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (org_id, thread_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX threads_listed ON threads (org_id, created_at, thread_id)
    WHERE deleted_at IS NULL AND NOT hidden;

-- The narrow row of a run, which every append touches. A rowid table: without, searches by
-- organisation take its key instead of the partial indexes.
CREATE TABLE run_heads (
    org_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    thread_id BLOB NOT NULL,
    -- The run's place among the runs of its thread, from 1.
    turn INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'waiting_for_input',
        'cancelling', 'completed', 'failed', 'cancelled')),
    epoch INTEGER NOT NULL,
    owner_node BLOB,
    -- Claims since the last progress.
    attempts INTEGER NOT NULL,
    -- How the last owner lost it.
    lost TEXT CHECK (lost IN ('lease_expired', 'handover')),
    last_seq INTEGER NOT NULL,
    -- When somebody must look at it; NULL when it is owned or has ended.
    wake_at INTEGER,
    -- The last append batch and the last seq before it, to find out about a lost answer.
    batch_id BLOB,
    batch_base INTEGER,
    PRIMARY KEY (org_id, run_id),
    FOREIGN KEY (org_id, thread_id) REFERENCES threads (org_id, thread_id),
    CHECK (status NOT IN ('completed', 'failed', 'cancelled')
        OR (owner_node IS NULL AND wake_at IS NULL))
) STRICT;
CREATE UNIQUE INDEX run_heads_live ON run_heads (org_id, thread_id)
    WHERE status IN ('running', 'waiting_for_input', 'cancelling');
CREATE UNIQUE INDEX run_heads_open ON run_heads (org_id, thread_id, turn)
    WHERE status NOT IN ('completed', 'failed', 'cancelled');
CREATE INDEX run_heads_due ON run_heads (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX run_heads_owned ON run_heads (owner_node) WHERE owner_node IS NOT NULL;

-- The wide row of a run, which lists show.
CREATE TABLE runs (
    org_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    thread_id BLOB NOT NULL,
    created_by BLOB NOT NULL,
    trace_id TEXT NOT NULL,
    persona_id TEXT NOT NULL,
    route_id TEXT NOT NULL,
    model TEXT NOT NULL,
    metadata TEXT,
    uncached_input_tokens INTEGER NOT NULL DEFAULT 0,
    cache_read_tokens INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    cost_nanos INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    error_class TEXT,
    error_message TEXT,
    PRIMARY KEY (org_id, run_id),
    FOREIGN KEY (org_id, run_id) REFERENCES run_heads (org_id, run_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_listed ON runs (org_id, created_at, run_id);
CREATE INDEX runs_of_thread ON runs (org_id, thread_id, created_at, run_id);

-- The log. A rowid table: without rowid, rows above about 1,000 bytes take a page each.
-- It refers to its run without a foreign key: the writing statement joins the run's row.
CREATE TABLE events (
    org_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    -- The seq of the last event in the row.
    seq INTEGER NOT NULL,
    -- How many events the row holds; the first has the seq `seq - n + 1`.
    n INTEGER NOT NULL DEFAULT 1,
    type TEXT NOT NULL,
    -- JSON text as it was streamed, never encoded again.
    data TEXT NOT NULL,
    -- What only the engine may see, JSON text.
    private TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, run_id, seq)
) STRICT;
CREATE INDEX events_log ON events (org_id, run_id, seq)
    WHERE type NOT IN ('message.delta', 'reasoning.delta');
CREATE UNIQUE INDEX events_terminal ON events (org_id, run_id)
    WHERE type IN ('run.completed', 'run.failed', 'run.cancelled');

CREATE TABLE messages (
    org_id BLOB NOT NULL,
    thread_id BLOB NOT NULL,
    -- Dense per thread, from 1.
    position INTEGER NOT NULL,
    message_id BLOB NOT NULL,
    run_id BLOB,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'tool')),
    content TEXT NOT NULL,
    -- JSON: an assistant's tool calls, and what its provider wants back.
    tool_calls TEXT,
    provider TEXT,
    tool_call_id BLOB,
    tool_name TEXT,
    created_by BLOB,
    created_at INTEGER NOT NULL,
    hidden_at INTEGER,
    PRIMARY KEY (org_id, thread_id, position),
    UNIQUE (org_id, message_id),
    FOREIGN KEY (org_id, thread_id) REFERENCES threads (org_id, thread_id)
) STRICT;

-- The ledger: one row for each try of a model call, never changed.
CREATE TABLE model_calls (
    org_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    step INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    route_id TEXT NOT NULL,
    model TEXT NOT NULL,
    uncached_input_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('reported', 'estimated')),
    cost_nanos INTEGER NOT NULL,
    multiplier_thousandths INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, run_id, step, attempt)
) STRICT, WITHOUT ROWID;

-- One for each run that has ended.
CREATE TABLE credit_entries (
    org_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    credits INTEGER NOT NULL CHECK (credits >= 0),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, run_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE contents (
    org_id BLOB NOT NULL,
    hash TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (org_id, hash)
) STRICT;

CREATE TABLE tool_outputs (
    org_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    tool_call_id BLOB NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (org_id, run_id, tool_call_id)
) STRICT;

CREATE TABLE nodes (
    node_id BLOB NOT NULL PRIMARY KEY,
    lease_until INTEGER NOT NULL
) STRICT;
