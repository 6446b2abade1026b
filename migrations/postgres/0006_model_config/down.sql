DROP TABLE persona_versions;
DROP TABLE personas;
DROP TABLE llm_routes;
DROP TABLE llm_credentials;
DROP TABLE org_data_keys;
ALTER TABLE orgs DROP COLUMN config_version;
