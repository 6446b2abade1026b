-- Whoever changes their address, or is deleted, is looked for here by who they are.
CREATE INDEX user_names_of_user ON user_names (user_id);
