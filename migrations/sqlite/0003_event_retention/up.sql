-- How many days an organisation's events are kept after their run's end; 0 is for ever, NULL what
-- the deployment says.
ALTER TABLE orgs ADD COLUMN event_retention_days INTEGER CHECK (event_retention_days >= 0);

-- From then on the run's events can't be read, whether or not they are deleted already.
ALTER TABLE runs ADD COLUMN events_expired_at INTEGER;
CREATE INDEX runs_kept ON runs (org_id, created_at) WHERE events_expired_at IS NULL;

-- Runs whose expired events are still to be deleted.
CREATE TABLE expired_runs (
    org_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    PRIMARY KEY (org_id, run_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX expired_runs_by_age ON expired_runs (run_id);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
