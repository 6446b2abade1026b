-- The run that spawned a run, if one did. The head has it for the sake of the live ones.
ALTER TABLE run_heads ADD COLUMN parent_run_id BLOB;
ALTER TABLE runs ADD COLUMN parent_run_id BLOB;

-- Of a child: the thread of the first of those that it descends from, whose budgets count it.
ALTER TABLE runs ADD COLUMN root_thread_id BLOB;

-- Live children, among which those are looked for whose parent has ended.
CREATE INDEX run_heads_children ON run_heads (org_id, parent_run_id)
    WHERE parent_run_id IS NOT NULL AND status NOT IN ('completed', 'failed', 'cancelled');
CREATE INDEX runs_of_parent ON runs (org_id, parent_run_id, created_at, run_id)
    WHERE parent_run_id IS NOT NULL;
CREATE INDEX runs_of_root ON runs (org_id, root_thread_id, created_at)
    WHERE root_thread_id IS NOT NULL;
