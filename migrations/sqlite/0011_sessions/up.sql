-- People sign in to sessions, which they can end.

-- When the password was last changed or all sessions were ended: access tokens without a session
-- that were issued before are void, and a sign-in that had begun before comes too late.
ALTER TABLE users ADD COLUMN signed_out_at INTEGER;

CREATE TABLE sessions (
    session_id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (user_id),
    -- The organisation that it is in now. Its person may have left it since.
    org_id BLOB NOT NULL REFERENCES orgs (org_id),
    -- SHA-256 of the refresh token, and of the one before with when that was replaced.
    token_hash BLOB NOT NULL CHECK (length(token_hash) = 32),
    previous_hash BLOB CHECK (length(previous_hash) = 32),
    replaced_at INTEGER,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    end_reason TEXT,
    CHECK ((previous_hash IS NULL) = (replaced_at IS NULL)),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT;
CREATE INDEX sessions_of_user ON sessions (user_id, created_at, session_id);
CREATE INDEX sessions_kept ON sessions (expires_at);

-- Tokens by which people who have forgotten their passwords get new ones; each is used once.
CREATE TABLE password_resets (
    token_hash BLOB NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    user_id BLOB NOT NULL REFERENCES users (user_id),
    -- The organisation in whose name it was issued.
    org_id BLOB REFERENCES orgs (org_id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX password_resets_of_user ON password_resets (user_id);
