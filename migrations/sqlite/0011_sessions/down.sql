DROP TABLE password_resets;
DROP TABLE sessions;
ALTER TABLE users DROP COLUMN signed_out_at;
