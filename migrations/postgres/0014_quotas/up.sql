-- What an organisation may keep, if it isn't what the deployment says; 0 is as much as it likes.
ALTER TABLE orgs ADD COLUMN max_threads bigint;
ALTER TABLE orgs ADD COLUMN max_stored_bytes bigint;
-- What it keeps, as housekeeping has last measured.
ALTER TABLE orgs ADD COLUMN stored_bytes bigint NOT NULL DEFAULT 0;
