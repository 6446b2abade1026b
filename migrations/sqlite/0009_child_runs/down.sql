DROP INDEX runs_of_root;
DROP INDEX runs_of_parent;
DROP INDEX run_heads_children;
ALTER TABLE runs DROP COLUMN root_thread_id;
ALTER TABLE runs DROP COLUMN parent_run_id;
ALTER TABLE run_heads DROP COLUMN parent_run_id;
