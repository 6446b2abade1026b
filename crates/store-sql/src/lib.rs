//! The SQLite and PostgreSQL adapters behind Runloom's storage ports.
