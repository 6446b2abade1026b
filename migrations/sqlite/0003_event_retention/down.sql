DROP INDEX idempotency_keys_by_age;
DROP TABLE expired_runs;
DROP INDEX runs_kept;
ALTER TABLE runs DROP COLUMN events_expired_at;
ALTER TABLE orgs DROP COLUMN event_retention_days;
