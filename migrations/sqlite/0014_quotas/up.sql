-- What an organisation may keep, if it isn't what the deployment says; 0 is as much as it likes.
ALTER TABLE orgs ADD COLUMN max_threads INTEGER;
ALTER TABLE orgs ADD COLUMN max_stored_bytes INTEGER;
-- What it keeps, as housekeeping has last measured.
ALTER TABLE orgs ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0;
