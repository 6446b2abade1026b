-- Service accounts would become people whom nobody knows the password of.
DELETE FROM api_keys WHERE user_id IN (SELECT user_id FROM users WHERE kind = 'service');
DELETE FROM memberships WHERE user_id IN (SELECT user_id FROM users WHERE kind = 'service');
DELETE FROM users WHERE kind = 'service';

DROP TABLE invitations;
ALTER TABLE users DROP COLUMN kind;
ALTER TABLE orgs DROP COLUMN version;
ALTER TABLE orgs DROP COLUMN run_visibility;
