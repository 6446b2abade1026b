ALTER TABLE orgs DROP COLUMN stored_bytes;
ALTER TABLE orgs DROP COLUMN max_stored_bytes;
ALTER TABLE orgs DROP COLUMN max_threads;
