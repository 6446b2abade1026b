-- Keys start with the organisation, so that an organisation can be moved as a whole.

CREATE TABLE orgs (
    org_id uuid NOT NULL PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL
);

-- People exist beside organisations; memberships join them.
CREATE TABLE users (
    user_id uuid NOT NULL PRIMARY KEY,
    login text NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL
);

-- What a person can log in with, lowercased: their login and their e-mail address.
CREATE TABLE user_names (
    name_key text NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (user_id)
);

CREATE TABLE memberships (
    org_id uuid NOT NULL REFERENCES orgs (org_id),
    user_id uuid NOT NULL REFERENCES users (user_id),
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, user_id)
);
CREATE INDEX memberships_of_user ON memberships (user_id);

CREATE TABLE api_keys (
    org_id uuid NOT NULL,
    api_key_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    public_id text NOT NULL UNIQUE,
    secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
    -- JSON array of permission names.
    scopes text NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, api_key_id),
    FOREIGN KEY (org_id, user_id) REFERENCES memberships (org_id, user_id)
);

CREATE TABLE idempotency_keys (
    org_id uuid NOT NULL,
    principal text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL CHECK (length(body_hash) = 32),
    status integer NOT NULL CHECK (status BETWEEN 200 AND 299),
    answer text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, principal, operation, key)
);

CREATE TABLE threads (
    org_id uuid NOT NULL,
    thread_id uuid NOT NULL,
    created_by uuid NOT NULL,
    title text,
    metadata text,
    hidden boolean NOT NULL DEFAULT false,
    -- Counters under the row's lock: the last message's position and the number of runs.
    last_position bigint NOT NULL DEFAULT 0,
    last_turn bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (org_id, thread_id)
) WITH (fillfactor = 80);
CREATE INDEX threads_listed ON threads (org_id, created_at, thread_id)
    WHERE deleted_at IS NULL AND NOT hidden;

-- The narrow row of a run, which every append touches.
CREATE TABLE run_heads (
    org_id uuid NOT NULL,
    run_id uuid NOT NULL,
    thread_id uuid NOT NULL,
    -- The run's place among the runs of its thread, from 1.
    turn bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('queued', 'running', 'waiting_for_input',
        'cancelling', 'completed', 'failed', 'cancelled')),
    epoch bigint NOT NULL,
    owner_node uuid,
    -- Claims since the last progress.
    attempts bigint NOT NULL,
    -- How the last owner lost it.
    lost text CHECK (lost IN ('lease_expired', 'handover')),
    last_seq bigint NOT NULL,
    -- When somebody must look at it; NULL when it is owned or has ended.
    wake_at timestamptz,
    -- The last append batch and the last seq before it, to find out about a lost answer.
    batch_id uuid,
    batch_base bigint,
    PRIMARY KEY (org_id, run_id),
    FOREIGN KEY (org_id, thread_id) REFERENCES threads (org_id, thread_id),
    CHECK (status NOT IN ('completed', 'failed', 'cancelled')
        OR (owner_node IS NULL AND wake_at IS NULL))
)
-- Appends update columns that are in no index. With room in the page such an update needs no new
-- index entries, and the page is tidied as it is read.
WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE UNIQUE INDEX run_heads_live ON run_heads (org_id, thread_id)
    WHERE status IN ('running', 'waiting_for_input', 'cancelling');
CREATE UNIQUE INDEX run_heads_open ON run_heads (org_id, thread_id, turn)
    WHERE status NOT IN ('completed', 'failed', 'cancelled');
CREATE INDEX run_heads_due ON run_heads (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX run_heads_owned ON run_heads (owner_node) WHERE owner_node IS NOT NULL;

-- The wide row of a run, which lists show.
CREATE TABLE runs (
    org_id uuid NOT NULL,
    run_id uuid NOT NULL,
    thread_id uuid NOT NULL,
    created_by uuid NOT NULL,
    trace_id text NOT NULL,
    persona_id text NOT NULL,
    route_id text NOT NULL,
    model text NOT NULL,
    metadata text,
    uncached_input_tokens bigint NOT NULL DEFAULT 0,
    cache_read_tokens bigint NOT NULL DEFAULT 0,
    cache_write_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cost_nanos bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    error_class text,
    error_message text,
    PRIMARY KEY (org_id, run_id),
    FOREIGN KEY (org_id, run_id) REFERENCES run_heads (org_id, run_id)
) WITH (fillfactor = 80);
CREATE INDEX runs_listed ON runs (org_id, created_at, run_id);
CREATE INDEX runs_of_thread ON runs (org_id, thread_id, created_at, run_id);

-- The log. A rowid table: without rowid, rows above about 1,000 bytes take a page each.
-- It refers to its run without a foreign key: the writing statement joins the run's row.
CREATE TABLE events (
    org_id uuid NOT NULL,
    run_id uuid NOT NULL,
    -- The seq of the last event in the row.
    seq bigint NOT NULL,
    -- How many events the row holds; the first has the seq `seq - n + 1`.
    n bigint NOT NULL DEFAULT 1,
    type text NOT NULL,
    -- JSON text as it was streamed, never encoded again.
    data text NOT NULL,
    -- What only the engine may see, JSON text.
    private text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, run_id, seq)
);
CREATE INDEX events_log ON events (org_id, run_id, seq)
    WHERE type NOT IN ('message.delta', 'reasoning.delta');
CREATE UNIQUE INDEX events_terminal ON events (org_id, run_id)
    WHERE type IN ('run.completed', 'run.failed', 'run.cancelled');

CREATE TABLE messages (
    org_id uuid NOT NULL,
    thread_id uuid NOT NULL,
    -- Dense per thread, from 1.
    position bigint NOT NULL,
    message_id uuid NOT NULL,
    run_id uuid,
    role text NOT NULL CHECK (role IN ('user', 'assistant', 'tool')),
    content text NOT NULL,
    -- JSON: an assistant's tool calls, and what its provider wants back.
    tool_calls text,
    provider text,
    tool_call_id uuid,
    tool_name text,
    created_by uuid,
    created_at timestamptz NOT NULL,
    hidden_at timestamptz,
    PRIMARY KEY (org_id, thread_id, position),
    UNIQUE (org_id, message_id),
    FOREIGN KEY (org_id, thread_id) REFERENCES threads (org_id, thread_id)
);

-- The ledger: one row for each try of a model call, never changed.
CREATE TABLE model_calls (
    org_id uuid NOT NULL,
    run_id uuid NOT NULL,
    step bigint NOT NULL,
    attempt bigint NOT NULL,
    route_id text NOT NULL,
    model text NOT NULL,
    uncached_input_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    source text NOT NULL CHECK (source IN ('reported', 'estimated')),
    cost_nanos bigint NOT NULL,
    multiplier_thousandths bigint NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, run_id, step, attempt)
);

-- One for each run that has ended.
CREATE TABLE credit_entries (
    org_id uuid NOT NULL,
    run_id uuid NOT NULL,
    credits bigint NOT NULL CHECK (credits >= 0),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, run_id)
);

CREATE TABLE contents (
    org_id uuid NOT NULL,
    hash text NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (org_id, hash)
);

CREATE TABLE tool_outputs (
    org_id uuid NOT NULL,
    run_id uuid NOT NULL,
    tool_call_id uuid NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (org_id, run_id, tool_call_id)
);

CREATE TABLE nodes (
    node_id uuid NOT NULL PRIMARY KEY,
    lease_until timestamptz NOT NULL
);
