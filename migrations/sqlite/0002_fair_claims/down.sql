DROP INDEX run_heads_due;
CREATE INDEX run_heads_due ON run_heads (wake_at) WHERE wake_at IS NOT NULL;
