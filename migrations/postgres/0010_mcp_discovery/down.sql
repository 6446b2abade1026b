DROP INDEX mcp_servers_due;
ALTER TABLE mcp_servers DROP COLUMN error_message;
ALTER TABLE mcp_servers DROP COLUMN error_class;
ALTER TABLE mcp_servers DROP COLUMN failures;
ALTER TABLE mcp_servers DROP COLUMN asked_at;
ALTER TABLE mcp_servers DROP COLUMN discover_at;
