DROP TABLE http_tools;
DROP TABLE mcp_tools;
DROP TABLE mcp_servers;
