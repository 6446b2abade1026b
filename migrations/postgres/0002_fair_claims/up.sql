-- Claims take turns between organisations, so they step from one organisation to the next.
DROP INDEX run_heads_due;
CREATE INDEX run_heads_due ON run_heads (org_id, wake_at, turn) WHERE wake_at IS NOT NULL;
