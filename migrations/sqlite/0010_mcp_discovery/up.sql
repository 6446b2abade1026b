-- Servers are asked for their tools without anybody's word.

-- When a server is asked next; whoever asks it puts this off, so that no other node does. What
-- was there before, or is written by programs of before, is due at once.
ALTER TABLE mcp_servers ADD COLUMN discover_at INTEGER DEFAULT 0;
-- When it was asked last since it has its settings, how often it has failed since it answered,
-- and why it did last.
ALTER TABLE mcp_servers ADD COLUMN asked_at INTEGER;
ALTER TABLE mcp_servers ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mcp_servers ADD COLUMN error_class TEXT;
ALTER TABLE mcp_servers ADD COLUMN error_message TEXT;
CREATE INDEX mcp_servers_due ON mcp_servers (discover_at) WHERE enabled;
