-- The log in partitions by the month in which a run began, which its id tells. The table as it
-- was becomes the DEFAULT partition, with its rows and indexes as they are; the server makes the
-- months.
ALTER TABLE events RENAME TO events_default;
ALTER INDEX events_pkey RENAME TO events_default_pkey;
ALTER INDEX events_log RENAME TO events_default_log;
ALTER INDEX events_terminal RENAME TO events_default_terminal;

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
) PARTITION BY RANGE (run_id);
CREATE INDEX events_log ON events (org_id, run_id, seq)
    WHERE type NOT IN ('message.delta', 'reasoning.delta');
CREATE UNIQUE INDEX events_terminal ON events (org_id, run_id)
    WHERE type IN ('run.completed', 'run.failed', 'run.cancelled');
ALTER TABLE events ATTACH PARTITION events_default DEFAULT;

-- How many days an organisation's events are kept after their run's end; 0 is for ever, NULL what
-- the deployment says.
ALTER TABLE orgs ADD COLUMN event_retention_days integer CHECK (event_retention_days >= 0);
CREATE INDEX orgs_by_retention ON orgs (event_retention_days);

-- From then on the run's events can't be read, whether or not they are deleted already.
ALTER TABLE runs ADD COLUMN events_expired_at timestamptz;
CREATE INDEX runs_kept ON runs (org_id, created_at) WHERE events_expired_at IS NULL;

-- Runs whose expired events are still to be deleted.
CREATE TABLE expired_runs (
    org_id uuid NOT NULL,
    run_id uuid NOT NULL,
    PRIMARY KEY (org_id, run_id)
);
CREATE INDEX expired_runs_by_age ON expired_runs (run_id);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
