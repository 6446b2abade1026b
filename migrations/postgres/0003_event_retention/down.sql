DROP INDEX idempotency_keys_by_age;
DROP TABLE expired_runs;
DROP INDEX runs_kept;
ALTER TABLE runs DROP COLUMN events_expired_at;
DROP INDEX orgs_by_retention;
ALTER TABLE orgs DROP COLUMN event_retention_days;

-- The way back copies what is left of the log: it is in many tables.
ALTER TABLE events RENAME TO events_in_parts;
ALTER INDEX events_pkey RENAME TO events_in_parts_pkey;
ALTER INDEX events_log RENAME TO events_in_parts_log;
ALTER INDEX events_terminal RENAME TO events_in_parts_terminal;
CREATE TABLE events (
    org_id uuid NOT NULL,
    run_id uuid NOT NULL,
    seq bigint NOT NULL,
    n bigint NOT NULL DEFAULT 1,
    type text NOT NULL,
    data text NOT NULL,
    private text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, run_id, seq)
);
INSERT INTO events SELECT * FROM events_in_parts;
DROP TABLE events_in_parts;
CREATE INDEX events_log ON events (org_id, run_id, seq)
    WHERE type NOT IN ('message.delta', 'reasoning.delta');
CREATE UNIQUE INDEX events_terminal ON events (org_id, run_id)
    WHERE type IN ('run.completed', 'run.failed', 'run.cancelled');
