-- A list of some statuses steps through the organisation's runs of each, newest first.
CREATE INDEX run_heads_by_status ON run_heads (org_id, status, run_id);
